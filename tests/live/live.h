/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef LIVE_H
#define LIVE_H
/*
 * What the tests of the running process share: system calls that no patched
 * entry point sees, and a notifier that writes down what it is told.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "tap.h"

#define PAGE 4096UL

/* A system call past libc: the result, or a negative errno. */
static inline long raw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long raw3(long nr, long a, long b, long c)
{
	return raw(nr, a, b, c, 0, 0, 0);
}

/* musl has no functions for these. */
#ifndef __GLIBC__
#define process_madvise(...) syscall(SYS_process_madvise, __VA_ARGS__)
#define execveat(...) syscall(SYS_execveat, __VA_ARGS__)
#define pkey_mprotect(...) syscall(SYS_pkey_mprotect, __VA_ARGS__)
#endif

/* Private anonymous pages that nobody heard of, all of them touched. */
static inline char *pages(size_t nr)
{
	long addr = raw(SYS_mmap, 0, nr * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (addr < 0)
		bail("no memory for %zu pages: %s", nr, strerror(-addr));
	for (size_t i = 0; i < nr; i++)
		((volatile char *)addr)[i * PAGE] = 'x';
	return (char *)addr;
}

static inline void drop(void *addr, size_t nr)
{
	raw3(SYS_munmap, (long)addr, nr * PAGE, 0);
}

/* An address and no more: what lived there may be freed. */
static inline char *address(void *p)
{
	__asm__("" : "+r"(p));
	return p;
}

/* One callback, and the state of the memory at that moment. */
struct heard {
	unsigned long start;
	unsigned long end;
	enum mmu_notifier_event event;
	unsigned int flags;
	bool is_end;
	bool read_only;
	int mapped;
	int resident;
};

#define LOG_MAX 512
static struct heard heard[LOG_MAX];
static atomic_int nr_heard;
static atomic_bool listening;

static inline void look(struct heard *h)
{
	unsigned char vec;

	for (unsigned long a = h->start; a < h->end; a += PAGE) {
		if (a - h->start >= 64 * PAGE)
			return;
		if (raw3(SYS_mincore, a, PAGE, (long)&vec))
			continue;
		h->mapped++;
		h->resident += vec & 1;
	}
}

static inline void hear(const struct mmu_notifier_range *range, bool is_end)
{
	int i;

	if (!atomic_load(&listening))
		return;
	i = atomic_fetch_add(&nr_heard, 1);
	if (i >= LOG_MAX)
		return;
	heard[i] = (struct heard){
		.start = range->start,
		.end = range->end,
		.event = range->event,
		.flags = range->flags,
		.is_end = is_end,
		.read_only = mmu_notifier_range_update_to_read_only(range),
	};
	look(&heard[i]);
	/* Nothing that a callback does to errno may reach the caller. */
	errno = 4711;
}

static inline int hear_start(struct mmu_notifier *mn,
			     const struct mmu_notifier_range *range)
{
	(void)mn;
	hear(range, false);
	return 0;
}

static inline void hear_end(struct mmu_notifier *mn,
			    const struct mmu_notifier_range *range)
{
	(void)mn;
	hear(range, true);
}

static const struct mmu_notifier_ops recorder_ops = {
	.invalidate_range_start = hear_start,
	.invalidate_range_end = hear_end,
};
static struct mmu_notifier recorder = { .ops = &recorder_ops };

static inline void record(void)
{
	int err = mmu_notifier_register(&recorder, mm_self());

	if (err)
		bail("register on mm_self(): %s", strerror(-err));
}

static inline void listen_now(void)
{
	atomic_store(&nr_heard, 0);
	memset(heard, 0, sizeof(heard));
	atomic_store(&listening, true);
}

/* How many callbacks ran since listen_now(). */
static inline int listened(void)
{
	int n;

	atomic_store(&listening, false);
	n = atomic_load(&nr_heard);
	return n < LOG_MAX ? n : LOG_MAX;
}

static inline void tell(void)
{
	for (int i = 0; i < listened() && i < 12; i++)
		diag("%s event %d [%#lx, %#lx) flags %#x mapped %d resident %d",
		     heard[i].is_end ? "end  " : "start", heard[i].event,
		     heard[i].start, heard[i].end, heard[i].flags,
		     heard[i].mapped, heard[i].resident);
	if (!listened())
		diag("nothing was heard");
}

static inline bool is_range(int i, bool is_end, enum mmu_notifier_event event,
			    const void *addr, size_t len)
{
	return heard[i].is_end == is_end && heard[i].event == event &&
	       heard[i].start == (unsigned long)addr &&
	       heard[i].end == (unsigned long)addr + len;
}

/* One start and one end, of exactly this, and nothing besides. */
static inline bool heard_one(enum mmu_notifier_event event, const void *addr,
			     size_t len)
{
	bool right = listened() == 2 && is_range(0, false, event, addr, len) &&
		     is_range(1, true, event, addr, len);

	if (!right) {
		diag("expected event %d [%p, %#lx)", event, addr,
		     (unsigned long)addr + len);
		tell();
	}
	return right;
}

static inline bool heard_none(void)
{
	if (listened())
		tell();
	return !listened();
}

/* Pages that were there at the start, and are not at the end. */
static inline bool went(int nr)
{
	return heard[0].resident == nr && !heard[1].mapped;
}

/* The same, with the mapping left, or another one put in its place. */
static inline bool emptied(int nr)
{
	return heard[0].resident == nr && heard[1].mapped == nr &&
	       !heard[1].resident;
}

/* Did starts cover this byte, each with its end? */
static inline bool heard_at(enum mmu_notifier_event event, const void *addr)
{
	unsigned long a = (unsigned long)addr;
	int starts = 0, ends = 0;

	for (int i = 0; i < listened(); i++) {
		if (heard[i].event != event || a < heard[i].start ||
		    a >= heard[i].end)
			continue;
		starts += !heard[i].is_end;
		ends += heard[i].is_end;
	}
	if (!starts || starts != ends)
		tell();
	return starts && starts == ends;
}

/* The exit status of a child, or 128 and the signal that killed it. */
static inline int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static inline int entries_error(void)
{
	struct mmun_source_info info;

	mmun_monitor_start();
	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		if (!strcmp(info.name, "entries"))
			return info.error;
	return -ENOENT;
}

/*
 * Where libc cannot be patched, other sources tell: in a thread of theirs, and of
 * what libc does besides.  Starts nothing in this process.
 */
static inline bool entries_run(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(entries_error() != 0);
	return !reap(pid);
}

/* A case about the patched entries. */
static inline void ok_by_entries(bool holds, const char *claim)
{
	if (entries_run())
		ok(holds, "%s", claim);
	else
		skip(claim, "patched entries");
}

#endif /* LIVE_H */
