/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_UFFD_H
#define MMUN_MONITOR_UFFD_H
/*
 * The inside of the source "uffd": uffd.c has the descriptors and what is
 * registered, uffd_threads.c the threads that read events and tell them.
 */

#include <stdbool.h>

#include "monitor/monitor_ops.h"
#include "monitor/watch.h"

/* The number of a userfaultfd, and of an epoll that it alone is in. */
struct mmun_uffd {
	int fd;
	int epoll;
};

extern struct mmun_uffd mmun_uffd __attribute__((visibility("hidden")));

/*
 * Are these numbers still what we opened, in the table of the calling thread?
 * Whoever closes all descriptors closes ours.  Context: any; a system call.
 */
bool mmun_uffd_is_ours(void);

/*
 * ioctl() of the userfaultfd, wherever it is still open.
 * Context: sleeps; not on the keeper.
 */
long mmun_uffd_ioctl(unsigned long cmd, void *arg);

/* Once more after an error.  Return: 0, or a negative errno. */
int mmun_uffd_threads_start(void);
void mmun_uffd_threads_fork_child(void);
void mmun_uffd_settle(void);
/* Events that are read when it is called are noted when it returns. */
void mmun_uffd_wait_for_read(void);

/*
 * See monitor_ops.h: if what was in [start, end) was unmapped a moment ago by a
 * call whose event is yet to come, tell it now.
 */
void mmun_uffd_mapped(unsigned long start, unsigned long end);

#endif /* MMUN_MONITOR_UFFD_H */
