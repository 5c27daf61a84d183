/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_DECODE_H
#define MMUN_MONITOR_DECODE_H
/*
 * From a raw event, a system call about to be made, to the ranges that it
 * changes: the one place that knows what each call does to memory.
 *
 * Context: the event path.  No allocation, no lock, no libc; errno untouched.
 */

#include <stdbool.h>

#include <mmunotify/mmu_notifier.h>

struct mmun_raw_event {
	long nr;		/* of the system call */
	unsigned long arg[6];
};

struct mmun_span {
	unsigned long start;
	unsigned long end;
	enum mmu_notifier_event event;
	unsigned int flags;
};

#define MMUN_MAX_SPANS 8

/*
 * What the call would change, in the order in which the kernel does it; a call
 * that the kernel refuses for its arguments, or that changes nothing, has none.
 * Return: how many spans, at most MMUN_MAX_SPANS.
 */
unsigned int mmun_decode(const struct mmun_raw_event *ev,
			 struct mmun_span span[MMUN_MAX_SPANS]);

/*
 * Did the call, which returned -1 with @error, or something else and 0, surely
 * leave everything as it was?  Many calls stop half way.
 */
bool mmun_unchanged(const struct mmun_raw_event *ev, int error);

/* The end of the data segment.  Context: any. */
unsigned long mmun_current_brk(void);

/* Learn the page size.  Context: before the first event. */
void mmun_decode_init(void);

#endif /* MMUN_MONITOR_DECODE_H */
