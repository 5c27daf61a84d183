/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_WATCH_H
#define MMUN_MONITOR_WATCH_H
/*
 * Who is interested in which part of mm_self().
 *
 * Context: not the event path, but for mmun_may_be_watched().
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

struct mmun_mapping;

/* What core/ tells of interval notifiers on mm_self(). */
extern const struct mmun_interest_ops mmun_watch_interest
	__attribute__((visibility("hidden")));

/* Does any watch, or interval notifier, overlap [start, end)? */
bool mmun_is_watched(unsigned long start, unsigned long end);
/* Is each byte of it watched? */
bool mmun_is_all_watched(unsigned long start, unsigned long end);

/*
 * See a mapping that is watched in part.
 * Return: what the sources see of it from now on, in bits of enum mmun_blind.
 */
unsigned int mmun_watch_seen(const struct mmun_mapping *m);

/*
 * For sources: [start, end) is watched from somewhere else, and may have to be no
 * longer: they hear of it with the next call.  Context: not in a callback.
 */
void mmun_watch_forget(unsigned long start, unsigned long end);

/* The sources have started, perhaps in a fork()ed child: tell them of all watches. */
void mmun_watch_started(void);

/* fork() takes and gives back the lock here. */
void mmun_watch_fork_prepare(void);
void mmun_watch_fork_done(void);

/*
 * Where a source that works by mappings is at work: a bit for each 2 MiB, by
 * the address modulo 8 GiB, so that the calls on all other memory cost no more
 * than before.  Bits stay until nothing is watched any more.
 */
#define MMUN_WATCH_GRANULE 21
#define MMUN_WATCH_BITS 4096

extern uint32_t mmun_watching __attribute__((visibility("hidden")));
extern uint64_t mmun_watch_map[MMUN_WATCH_BITS / 64]
	__attribute__((visibility("hidden")));

/* For sources: before they begin with a mapping. */
void mmun_watch_mark(unsigned long start, unsigned long end);

/* Context: any. */
static inline bool mmun_may_be_watched(unsigned long start, unsigned long end)
{
	unsigned long at = start >> MMUN_WATCH_GRANULE;
	unsigned long last = (end - 1) >> MMUN_WATCH_GRANULE;

	if (last - at >= 64)
		return true;
	for (; at <= last; at++)
		if (mmun_read(&mmun_watch_map[at / 64 % (MMUN_WATCH_BITS / 64)]) &
		    1ULL << at % 64)
			return true;
	return false;
}

/*
 * For the hooks of calls that give the program memory, which has been somebody's
 * until a moment ago: see monitor_ops.h.  Context: the event path; errno is kept.
 */
void mmun_watch_mapped(unsigned long start, unsigned long end);

static inline bool mmun_is_watching(void)
{
	return mmun_unlikely(mmun_read(&mmun_watching));
}

static inline void mmun_mapped(unsigned long start, unsigned long len)
{
	/* ORDER(watch-mark): after the call that gave it. */
	if (mmun_is_watching() && len && mmun_may_be_watched(start, start + len))
		mmun_watch_mapped(start, start + len);
}

#endif /* MMUN_MONITOR_WATCH_H */
