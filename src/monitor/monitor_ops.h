/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_MONITOR_OPS_H
#define MMUN_MONITOR_MONITOR_OPS_H
/*
 * A source of events for mm_self().
 *
 * A source hands each call that it catches as a raw event to decode.h, and
 * brackets it with bracket.h; one that can tell only afterwards makes a range of
 * its own, with MMUN_RANGE_AFTER.  It is a file of its own; sources.c lists
 * them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmunotify/monitor.h>

#include "base/unsettled.h"
#include "monitor/proc_maps.h"

/* All but start may be NULL. */
struct mmun_monitor_ops {
	const char *name;
	const char *covers;
	const char *needs;
	const char *costs;
	/*
	 * What takes the dynamic linker's lock.  Called before start, without a
	 * lock of ours, by any number of threads; not again in a fork()ed child.
	 */
	void (*resolve)(void);
	/*
	 * Start to report; never stops again.  Called with signals blocked, until
	 * it returns something else than -ENOMEM; in a fork()ed child once more.
	 * @state is what to tell the user: how it runs, or why not; static.
	 * Return: 0; -ENOMEM when it may succeed later: nothing is lost then; any
	 * other error when it cannot be had here.
	 */
	int (*start)(const char **state);
	/* What became of entry @index.  Return: 0, or -ENOENT past the last. */
	int (*entry)(size_t index, struct mmun_entry_info *info);
	/* What it sees of such memory, in bits of enum mmun_blind. */
	unsigned int (*sees)(const struct mmun_mapping *m);
	/*
	 * Somebody is about to watch: called each time, without a lock, for what
	 * takes threads or libc.  What fails here, watch fails for.
	 */
	void (*prepare)(void);
	/*
	 * See what happens to this whole mapping, which may be watched already,
	 * until unwatch.  Return: what it sees of it from now on, in bits of enum
	 * mmun_blind; 0 if it cannot.  Context: signals blocked, under the lock
	 * of watch.c; no mapping call, no libc.
	 */
	unsigned int (*watch)(const struct mmun_mapping *m);
	void (*unwatch)(const struct mmun_mapping *m);
	/*
	 * The program has got [start, end) by a call that is about to return, and
	 * that may be watched: tell what was taken away there by calls that have
	 * yet to return.  Context: the event path; errno is kept.
	 */
	void (*mapped)(unsigned long start, unsigned long end);
	/*
	 * Wait until all is told of what calls did that have returned.  Called
	 * while the source's bit is set in mmun_unsettled.
	 */
	void (*settle)(void);
	/* In a fork()ed child, where it does not run until it is started again. */
	void (*fork_child)(void);
};

extern const struct mmun_monitor_ops mmun_monitor_entries;
extern const struct mmun_monitor_ops mmun_monitor_uffd;
extern const struct mmun_monitor_ops mmun_monitor_seccomp;
extern const struct mmun_monitor_ops mmun_monitor_bpf;

/* In the order in which they start, and of the bits in mmun_unsettled. */
enum mmun_source_id {
	MMUN_SOURCE_ENTRIES,
	MMUN_SOURCE_UFFD,
	MMUN_SOURCE_SECCOMP,
	MMUN_SOURCE_BPF,
	MMUN_NR_SOURCES
};

struct mmun_source {
	const struct mmun_monitor_ops *ops;
	const char *state;
	int error;		/* 0: it runs */
};

/* Changed under the lock of monitor.c. */
extern struct mmun_source mmun_sources[MMUN_NR_SOURCES]
	__attribute__((visibility("hidden")));

/* ORDER(source): all that its start did; pairs with start_one(). */
#define for_each_running_source(s)                                             \
	for (struct mmun_source *s = mmun_sources;                             \
	     s < mmun_sources + MMUN_NR_SOURCES; s++)                          \
		if (!mmun_load_acquire(&s->error))

/*
 * Is this the process whose sources run?  A child that was forked past libc has all
 * of their state, and none of their threads.  Context: any.
 */
bool mmun_sources_are_here(void);

#endif /* MMUN_MONITOR_MONITOR_OPS_H */
