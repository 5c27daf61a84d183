// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* fork(), processes that share the memory, and the end of it all. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gone.h"
#include "ops.h"

/* -- copy on write -- */

__attribute__((noreturn)) static void stay(void)
{
	for (;;)
		raw_call(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

static long fork_and_write(struct subject *s)
{
	long pid = CALL(s, fork(), SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		stay();
	if (pid < 0)
		return pid;
	*(volatile uint64_t *)(s->victim + 64) = 1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

/* -- the same memory in another process -- */

__attribute__((noreturn)) static void leave(struct subject *s)
{
	if (!s->raw)
		_exit(0);
	for (;;)
		raw_call(SYS_exit_group, 0);
}

static long status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, __WALL) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* In a frame of its own: the parent's is not to be touched. */
__attribute__((noinline, noreturn)) static void unmap_and_go(struct subject *s)
{
	CALL(s, munmap(s->start, s->len), SYS_munmap, s->start, s->len);
	leave(s);
}

static long unmap_in_vfork_child(struct subject *s)
{
	pid_t pid = vfork();

	if (!pid)
		unmap_and_go(s);
	return status_of(pid);
}

static int unmap_and_leave(void *arg)
{
	struct subject *s = arg;

	raw_call(SYS_munmap, s->start, s->len);
	leave(s);
}

static long unmap_in_sharing_process(struct subject *s)
{
	static char stack[64 << 10] __attribute__((aligned(16)));

	return status_of(clone(unmap_and_leave, stack + sizeof(stack),
			       CLONE_VM | SIGCHLD, s));
}

static long exec_in_vfork_child(struct subject *s)
{
	char *const argv[] = { "mmunotify", "help", NULL };
	char *const env[] = { NULL };
	pid_t pid = vfork();

	(void)s;
	if (!pid) {
		execve("/proc/self/exe", argv, env);
		_exit(1);
	}
	return status_of(pid);
}

/* -- the end -- */

static long leave_at_once(struct subject *s)
{
	leave(s);
}

static long leave_in_order(struct subject *s)
{
	if (s->raw)
		leave(s);
	exit(0);
}

static long leave_quickly(struct subject *s)
{
	(void)s;
	quick_exit(0);
}

static long become_another(struct subject *s)
{
	char *const *argv = gone_argv(s->victim);

	return CALL(s, execve("/proc/self/exe", argv, environ), SYS_execve,
		    "/proc/self/exe", argv, environ);
}

static long become_another_by_path(struct subject *s)
{
	return from_libc(execvp("/proc/self/exe", gone_argv(s->victim)));
}

#define END_OP(name_, via_, flags_, perform_)                                  \
	{ .name = name_, .kind = "anon", .via = via_,                          \
	  .flags = OP_ENDS | (flags_), .blind = MMUN_BLIND_RAW_EXIT,           \
	  .setup = map_anon, .perform = perform_ }

const struct op ops_process[] = {
	{ .name = "fork, then parent writes (CoW)", .kind = "anon",
	  .via = VIA_BOTH, .flags = OP_TABLE, .setup = map_anon,
	  .perform = fork_and_write },
	{ .name = "munmap in a vfork child", .kind = "anon", .via = VIA_BOTH,
	  .blind = MMUN_BLIND_RAW_SHARER, .setup = map_anon,
	  .perform = unmap_in_vfork_child },
	{ .name = "munmap by a process that shares the memory", .kind = "anon",
	  .via = VIA_RAW, .blind = MMUN_BLIND_RAW_SHARER, .setup = map_anon,
	  .perform = unmap_in_sharing_process },
	{ .name = "munmap of System V memory in a vfork child", .kind = "sysv",
	  .via = VIA_BOTH, .blind = MMUN_BLIND_RAW_SHARER, .setup = map_sysv,
	  .perform = unmap_in_vfork_child },
	{ .name = "munmap of System V memory by a process that shares it",
	  .kind = "sysv", .via = VIA_RAW, .blind = MMUN_BLIND_RAW_SHARER,
	  .setup = map_sysv, .perform = unmap_in_sharing_process },
	{ .name = "execve in a vfork child", .kind = "anon", .via = VIA_LIBC,
	  .setup = map_anon, .perform = exec_in_vfork_child },
	END_OP("execve", VIA_RAW, OP_TABLE, become_another),
	END_OP("execve through libc", VIA_LIBC, 0, become_another),
	END_OP("execvp", VIA_LIBC, 0, become_another_by_path),
	END_OP("process exit", VIA_BOTH, OP_TABLE, leave_in_order),
	END_OP("_exit", VIA_LIBC, 0, leave_at_once),
	END_OP("quick_exit", VIA_LIBC, 0, leave_quickly),
	{ 0 }
};
