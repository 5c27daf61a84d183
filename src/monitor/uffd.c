// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The source "uffd": userfaultfd events of mappings that somebody watches.
 *
 * Whole mappings are registered in write-protect mode, and nothing is ever
 * protected: no fault waits for us, nor do huge pages fault in any differently.
 * What changes for the program: a registered mapping does not merge with a
 * neighbour that is not, khugepaged leaves alone what of it has holes, and
 * nobody else's userfaultfd can have it.
 *
 * What is told, all of it MMUN_RANGE_AFTER, and before mmun_settle() returns to
 * anybody who calls it after the call in question returned:
 *
 *	UNMAP	munmap, MAP_FIXED, brk, the rest of a mremap: MMU_NOTIFY_UNMAP
 *	REMAP	where a mremap took pages away: MMU_NOTIFY_UNMAP
 *	REMOVE	advice that drops pages: MMU_NOTIFY_CLEAR
 *
 * The kernel announces REMOVE before it drops the pages, and goes on when the
 * event is read.  We tell it when that is over: after the kernel no longer
 * counts the caller as about to, and has let go of the lock under which it
 * drops pages. What remains: a caller that loses the processor between these
 * two, which are some instructions apart, or is not given one for 100 ms while
 * others do the same without pause, and drops the pages after we told it.  Who
 * relies on raw madvise() of memory that is in use at that very moment has that
 * risk; a call through libc has not, as it is bracketed by the entries.
 *
 * MADV_REMOVE drops pages under no lock of ours: it may do so after we told it.
 * Made past libc it is a hole in a file, which we don't claim to see
 * (MMUN_BLIND_RAW_FILE).
 *
 * FORK is left alone: it needs privilege, holds up fork(), and has no range;
 * the child's memory is not registered then.
 *
 * A process that was cloned by instruction keeps a copy of the descriptors
 * until it executes something: it neither reads nor is read.  The two threads
 * of the source exist from the first watch on, and as any thread keep a process
 * alive whose main thread has left by pthread_exit().
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "base/lock.h"
#include "base/syscall.h"
#include "monitor/bracket.h"
#include "monitor/uffd.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif

#define EVENTS                                                                 \
	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EVENT_UNMAP |           \
	 UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE)

struct mmun_uffd mmun_uffd = { -1, -1 };

static struct {
	struct mmun_lock lock;
	uint32_t running;	/* the threads do */
} uffd;

/* -- opening -- */

static long open_any(void)
{
	const long flags = O_CLOEXEC | O_NONBLOCK;
	long fd = mmun_syscall(SYS_userfaultfd, flags), dev;

	if (fd == -EPERM || fd == -EINVAL)
		fd = mmun_syscall(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY);
	if (fd != -EPERM && fd != -ENOSYS)
		return fd;
	dev = mmun_syscall(SYS_openat, AT_FDCWD, "/dev/userfaultfd",
			   O_RDWR | O_CLOEXEC, 0);
	if (dev < 0)
		return fd;
	fd = mmun_syscall(SYS_ioctl, dev, USERFAULTFD_IOC_NEW, flags);
	mmun_syscall(SYS_close, dev);
	return fd;
}

static long enable(long fd, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	return mmun_syscall(SYS_ioctl, fd, UFFDIO_API, &api);
}

static long open_uffd(void)
{
	long fd = open_any();

	if (fd < 0)
		return fd;
	/* A kernel before 5.19 watches private memory only. */
	if (!enable(fd, EVENTS | UFFD_FEATURE_WP_HUGETLBFS_SHMEM) ||
	    !enable(fd, EVENTS))
		return fd;
	mmun_syscall(SYS_close, fd);
	return -EOPNOTSUPP;
}

/* Out of the way of programs that count on low numbers. */
static long high(long fd)
{
	struct rlimit limit = { 0, 0 };
	long up;

	mmun_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	if (fd < 0 || limit.rlim_cur < 16)
		return fd;
	up = mmun_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC,
			  limit.rlim_cur < 1024 ? limit.rlim_cur - 8 : 1016);
	if (up < 0)
		return fd;
	mmun_syscall(SYS_close, fd);
	return up;
}

bool mmun_uffd_is_ours(void)
{
	struct epoll_event ev = { 0, { 0 } };
	long err = mmun_syscall(SYS_epoll_ctl, mmun_uffd.epoll, EPOLL_CTL_ADD,
				mmun_uffd.fd, &ev);

	/* Somebody else's epoll has never heard of it. */
	if (!err)
		mmun_syscall(SYS_epoll_ctl, mmun_uffd.epoll, EPOLL_CTL_DEL,
			     mmun_uffd.fd, &ev);
	return err == -EEXIST;
}

static void close_both(void)
{
	if (mmun_uffd.fd >= 0)
		mmun_syscall(SYS_close, mmun_uffd.fd);
	if (mmun_uffd.epoll >= 0)
		mmun_syscall(SYS_close, mmun_uffd.epoll);
	mmun_uffd = (struct mmun_uffd){ -1, -1 };
}

/* The epoll is there for mmun_uffd_is_ours(). */
static int open_both(void)
{
	struct epoll_event ev = { 0, { 0 } };

	mmun_uffd.fd = high(open_uffd());
	mmun_uffd.epoll = high(mmun_syscall(SYS_epoll_create1, EPOLL_CLOEXEC));
	if (mmun_uffd.fd < 0)
		return mmun_uffd.fd;
	if (mmun_uffd.epoll < 0)
		return mmun_uffd.epoll;
	return mmun_syscall(SYS_epoll_ctl, mmun_uffd.epoll, EPOLL_CTL_ADD,
			    mmun_uffd.fd, &ev);
}

/* -- starting -- */

static const char *refusal(long err)
{
	switch (err) {
	case -ENOSYS:
		return "the kernel has no userfaultfd";
	case -EPERM:
		return "userfaultfd is forbidden here";
	case -EOPNOTSUPP:
		return "the kernel's userfaultfd lacks events or write protection";
	case -EMFILE:
	case -ENFILE:
		return "no descriptor is to be had";
	}
	return "userfaultfd cannot be opened";
}

/* Is it to be had?  Until somebody watches, that is all. */
static int start(const char **state)
{
	long fd = open_uffd();

	*state = "ready; its threads start with the first watch";
	if (fd >= 0)
		mmun_syscall(SYS_close, fd);
	else
		*state = refusal(fd);
	/* Of these there may be more by then. */
	if (fd >= 0 || fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
		return 0;
	return -EOPNOTSUPP;
}

static bool is_running(void)
{
	/* ORDER(started): pairs with run(). */
	return mmun_load_acquire(&uffd.running);
}

/* A thread may have the descriptors already: these stay then. */
static const char *run(void)
{
	long err = mmun_uffd.fd < 0 ? open_both() : 0;

	if (err) {
		close_both();
		return refusal(err);
	}
	if (mmun_uffd_threads_start())
		return "it cannot start its threads, or register memory";
	/* ORDER(started): the descriptors; pairs with is_running(). */
	mmun_store_release(&uffd.running, 1);
	return "reading events";
}

/* The threads; if they cannot be had, there may be a better time. */
static void prepare(void)
{
	struct mmun_sigmask saved;

	if (is_running())
		return;
	mmun_lock_save(&uffd.lock, &saved);
	if (!uffd.running)
		mmun_write(&mmun_sources[MMUN_SOURCE_UFFD].state, run());
	mmun_unlock_restore(&uffd.lock, &saved);
}

static void fork_child(void)
{
	if (mmun_uffd_is_ours())
		close_both();
	mmun_uffd = (struct mmun_uffd){ -1, -1 };
	mmun_uffd_threads_fork_child();
	mmun_brackets_fork_child();
	uffd.running = 0;
	uffd.lock.word = 0;
}

/* -- watching -- */

static unsigned int watch(const struct mmun_mapping *m)
{
	struct uffdio_register range = {
		.range = { m->start, m->end - m->start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	if (!is_running() || m->kind == MMUN_MAPPING_SPECIAL)
		return 0;
	mmun_watch_mark(m->start, m->end);
	if (mmun_uffd_ioctl(UFFDIO_REGISTER, &range))
		return 0;
	/* Nor io_uring: of what it does, guards go unseen, and cut files. */
	return MMUN_BLIND_RAW | MMUN_BLIND_RAW_SHARER;
}

/* Older kernels would take it away from somebody else's userfaultfd, too. */
static void unwatch(const struct mmun_mapping *m)
{
	struct uffdio_register range = {
		.range = { m->start, m->end - m->start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	if (!is_running() || m->kind == MMUN_MAPPING_SPECIAL)
		return;
	if (!mmun_uffd_ioctl(UFFDIO_REGISTER, &range))
		mmun_uffd_ioctl(UFFDIO_UNREGISTER, &range.range);
}

const struct mmun_monitor_ops mmun_monitor_uffd = {
	.name = "uffd",
	.covers = "unmaps, moves and advice that drops pages, by whomsoever, of private, shared and huge memory that is watched; told afterwards",
	.needs = "Linux 5.9, leave to call userfaultfd",
	.costs = "5 to 40 us for each event of a watched mapping, nothing elsewhere",
	.start = start,
	.prepare = prepare,
	.watch = watch,
	.unwatch = unwatch,
	.mapped = mmun_uffd_mapped,
	.settle = mmun_uffd_settle,
	.fork_child = fork_child,
};
