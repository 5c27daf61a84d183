/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_MONITOR_OPS_H
#define MMUN_MONITOR_MONITOR_OPS_H
/*
 * A source of events for mm_self().
 *
 * A source catches mapping calls, hands each as a raw event to decode.h, and
 * brackets the call with bracket.h.  It is a file of its own; monitor.c lists
 * them.
 */

#include <stddef.h>

#include <mmunotify/monitor.h>

struct mmun_monitor_ops {
	const char *name;
	/*
	 * What takes the dynamic linker's lock.  Called before start, without a
	 * lock of ours, by any number of threads.
	 */
	void (*resolve)(void);
	/*
	 * Start to report; never stops again.  Called from monitor.c until it
	 * returns something else than -ENOMEM.
	 * Return: 0; -EOPNOTSUPP when what it is for cannot be reported here;
	 * -ENOMEM when it may be later: nothing is lost then.
	 */
	int (*start)(void);
	/* What became of entry @index.  Return: 0, or -ENOENT past the last. */
	int (*entry)(size_t index, struct mmun_entry_info *info);
};

extern const struct mmun_monitor_ops mmun_monitor_entries;

#endif /* MMUN_MONITOR_MONITOR_OPS_H */
