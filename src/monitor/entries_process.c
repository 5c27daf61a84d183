// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Hooks of the calls that replace and end the process, and of those that make
 * one which borrows its memory.
 *
 * A vfork child runs in our memory, and as our thread: what it unmaps, we lose,
 * so its events are events.  It must not count as the thread does (rseq.h): the
 * kernel knows no area of it, and does not tell it its CPU.  A child that has
 * a stack of its own, but runs beside its parent, is the same without an end.
 *
 * What a child does to itself is nothing to us: exec leaves our memory alone,
 * and so does its end.  It is known by its process id, and not by a word in
 * memory, since the memory is the parent's.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rseq.h"
#include "base/safe_read.h"
#include "core/core.h"
#include "monitor/entries_process.h"
#include "monitor/entries_table.h"

static long own_pid;
static bool has_robust_lists;

/* What libc tells the kernel of each of its threads, and no child inherits. */
static bool has_robust_list(void)
{
	void *head = NULL;
	size_t len;

	return !mmun_syscall(SYS_get_robust_list, 0, &head, &len) && head;
}

void mmun_process_is_own(void)
{
	own_pid = mmun_syscall(SYS_getpid);
	has_robust_lists = own_pid == 1 && has_robust_list();
	mmun_special &= ~MMUN_VFORKED;
}

/* The first process of a namespace may make another one, whose first is a child. */
bool mmun_is_own_process(void)
{
	return mmun_syscall(SYS_getpid) == own_pid &&
	       (!has_robust_lists || has_robust_list());
}

/* -- making one -- */

/*
 * A child is about to share our memory.  One that borrows the thread, too, says
 * so in the thread, until the parent runs again; while any other may be running,
 * nobody counts by CPU any more.
 */
static void before_clone(unsigned long flags)
{
	const unsigned long vfork = CLONE_VM | CLONE_VFORK;

	if (!(flags & CLONE_VM) || (flags & CLONE_THREAD))
		return;
	if ((flags & (vfork | CLONE_SETTLS)) == vfork)
		mmun_special |= MMUN_VFORKED;
	else
		mmun_rseq_use(false);
}

static int hook_clone(int (*fn)(void *), void *stack, int flags, void *arg,
		      void *parent_tid, void *tls, void *child_tid)
{
	int (*call)(int (*)(void *), void *, int, void *, void *, void *,
		    void *) = mmun_entry_orig[CLONE];

	if (mmun_unlikely(mmun_special & MMUN_PROBING))
		return mmun_intercept_special(CLONE, NULL, NULL);
	before_clone((unsigned int)flags);
	return call(fn, stack, flags, arg, parent_tid, tls, child_tid);
}

/* struct clone_args begins with the flags.  Not to be read: then it fails. */
static void before_clone3(const void *args)
{
	uint64_t flags;

	if (mmun_safe_read(&flags, args, sizeof(flags)))
		before_clone(flags);
}

#ifdef __x86_64__
/*
 * vfork() returns twice, and in between its frame is the child's: no function
 * can stand before it.  It begins by taking the return address off the stack,
 * which is one byte; what is patched is the instruction after that.  So the
 * return address is in a register here, and all of these stay as they are.
 */
__attribute__((naked)) static void hook_vfork(void)
{
	__asm__("movq mmun_special@gottpoff(%%rip), %%rax\n\t"
		"orl %0, %%fs:(%%rax)\n\t"
		"jmpq *mmun_entry_orig+8*%c1(%%rip)"
		:
		: "i"(MMUN_VFORKED), "i"(VFORK));
}
#endif

/* -- replacing and ending it -- */

bool mmun_process_call(const struct mmun_raw_event *ev)
{
	switch (ev->nr) {
	case SYS_clone:
		before_clone(ev->arg[0]);
		return false;
	case SYS_clone3:
		before_clone3((const void *)ev->arg[0]);
		return false;
#ifdef SYS_vfork
	case SYS_vfork:
		before_clone(CLONE_VM | CLONE_VFORK);
		return false;
#endif
	case SYS_exit_group:
		if (mmun_has_listeners(&mmun_self) && mmun_is_own_process())
			mmun_mm_exit_now(&mmun_self);
		return false;
	default:
		return mmun_has_listeners(&mmun_self) && mmun_is_own_process();
	}
}

static struct mmun_call call_of(enum entry_id id, long a, long b, long c, long d,
				long e)
{
	return (struct mmun_call){ (mmun_call_fn)mmun_entry_orig[id], true,
				   mmun_entry_foreign[id], { a, b, c, d, e } };
}

/* Where nobody listens not a call more is made: a sandbox may forbid it. */
static bool is_nobodys_business(enum entry_id id)
{
	return !mmun_has_listeners(&mmun_self) && !mmun_entry_foreign[id] &&
	       !(mmun_special & MMUN_PROBING);
}

/* In a child nothing is touched on the way: who succeeds never comes back. */
static int replace(enum entry_id id, const struct mmun_raw_event *ev,
		   const struct mmun_call *call)
{
	if (is_nobodys_business(id))
		return mmun_make_call(call);
	if (mmun_is_own_process())
		return mmun_intercept(id, ev, call);
	if (mmun_entry_foreign[id] == MMUN_TO_NOWHERE)
		return mmun_direct_call(id, ev, call);
	return mmun_make_call(call);
}

static int hook_execve(const char *path, char *const argv[], char *const envp[])
{
	struct mmun_raw_event ev = { SYS_execve,
				     { (long)path, (long)argv, (long)envp } };
	struct mmun_call call = call_of(EXECVE, (long)path, (long)argv,
					(long)envp, 0, 0);

	return replace(EXECVE, &ev, &call);
}

static int hook_execveat(int dirfd, const char *path, char *const argv[],
			 char *const envp[], int flags)
{
	struct mmun_raw_event ev = { SYS_execveat,
				     { dirfd, (long)path, (long)argv,
				       (long)envp, flags } };
	struct mmun_call call = call_of(EXECVEAT, dirfd, (long)path, (long)argv,
					(long)envp, flags);

	return replace(EXECVEAT, &ev, &call);
}

static int hook_fexecve(int fd, char *const argv[], char *const envp[])
{
	struct mmun_raw_event ev = { SYS_execveat,
				     { fd, (long)"", (long)argv, (long)envp,
				       AT_EMPTY_PATH } };
	struct mmun_call call = call_of(FEXECVE, fd, (long)argv, (long)envp, 0,
					0);

	return replace(FEXECVE, &ev, &call);
}

/* Waits for nobody: _exit() is called in signal handlers, too. */
static void leave(enum entry_id id, int status)
{
	bool is_there = mmun_entry_foreign[id] != MMUN_TO_NOWHERE;
	void (*call)(int) = mmun_entry_orig[id];
	struct mmun_visit visit;

	if (!is_nobodys_business(id) && mmun_is_own_process()) {
		mmun_mm_exit_now(&mmun_self);
		is_there = is_there && mmun_visit_enter(&visit, id);
	}
	if (is_there)
		call(status);
	for (;;)
		mmun_syscall(SYS_exit_group, status);
}

static void hook__exit(int status)
{
	leave(EXIT, status);
}

static void hook__Exit(int status)
{
	leave(EXIT_, status);
}

MMUN_LINKED(execve)
MMUN_LINKED(execveat)
MMUN_LINKED(fexecve)
MMUN_LINKED(clone)
MMUN_LINKED(_exit)
MMUN_LINKED(_Exit)
MMUN_LINKED(vfork)

const struct mmun_hook mmun_process_hooks[NR_ENTRIES] = {
	[EXECVE] = MMUN_HOOK(execve, SYS_execve),
	[EXECVEAT] = MMUN_HOOK(execveat, SYS_execveat),
	[FEXECVE] = MMUN_HOOK(fexecve, SYS_execveat),
	[CLONE] = MMUN_HOOK(clone, SYS_clone),
	[EXIT] = MMUN_HOOK(_exit, SYS_exit_group),
	[EXIT_] = MMUN_HOOK(_Exit, SYS_exit_group),
#ifdef __x86_64__
	[VFORK] = MMUN_HOOK(vfork, SYS_vfork),
#else
	[VFORK] = { "vfork", NULL, NULL, SYS_clone },
#endif
};
