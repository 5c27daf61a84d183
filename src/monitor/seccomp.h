/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_SECCOMP_H
#define MMUN_MONITOR_SECCOMP_H
/*
 * The parts of the source "seccomp":
 *
 *	seccomp_filter.c	which calls stop, and ask us
 *	seccomp.c		the threads that are asked, and the source itself
 *	seccomp_heir.c		who answers when the process is no more
 *	heir/heir.c		... and what it runs
 *	heir/shared.h		what both of them know
 */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#include "monitor/entries.h"
#include "monitor/heir/shared.h"

/* Of newer kernels than the C library's headers. */
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* -- seccomp_filter.c -- */

#define MMUN_FILTER_MAX BPF_MAXINSNS

/*
 * Calls that may change mappings stop, unless they are made in one of @texts, and
 * so told already.  Pure.
 * Return: how many instructions; 0 if there is no room for them.
 */
size_t mmun_seccomp_filter(struct sock_filter filter[MMUN_FILTER_MAX],
			   const struct mmun_text *texts, size_t nr_texts);

/* -- seccomp_heir.c -- */

/*
 * Start a process that knows nothing yet, but has the memory of @ret_calls, too.
 * Context: a thread with a table of descriptors of its own, in which nothing is;
 * before there is a filter.  Leaves a descriptor open, by whose end the heir knows
 * that the thread is no more.
 * Return: that descriptor, or a negative errno.
 */
int mmun_heir_start(struct mmun_stopped_call **ret_calls);
/* It is not needed. */
void mmun_heir_dismiss(int heir, struct mmun_stopped_call *calls);
/* It is to answer whoever asks at @listener, once this thread is no more. */
int mmun_heir_appoint(int heir, int listener);

#endif /* MMUN_MONITOR_SECCOMP_H */
