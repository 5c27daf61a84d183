/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef DEMO_CACHE_H
#define DEMO_CACHE_H
/*
 * A cache of io_uring registrations, keyed by address.
 *
 * Registering a buffer pins its pages, and READ_FIXED then moves data without
 * looking at the page tables again.  That is why people register, and why they
 * keep what they registered: pinning costs more than a read.
 *
 * One thread calls into the cache.  Only cache_invalidate() may be called from
 * any thread at any time, from inside free() too.
 */
#include <liburing.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <mmunotify/mmu_notifier.h>

#define CACHE_SLOTS 16

/*
 * EMPTY: nothing is registered here.
 * LIVE:  [start, end) is registered, as far as anybody knows.
 * DEAD:  it was LIVE and its memory has changed since; the pages that the ring
 *	  holds are not the program's any more.
 *
 * The cache's thread makes every move but one: LIVE to DEAD.
 */
enum slot_state { SLOT_EMPTY, SLOT_LIVE, SLOT_DEAD };

struct slot {
	atomic_int state;
	atomic_ulong start, end;
	unsigned long used; /* when, in lookups */
};

struct cache {
	struct io_uring ring;
	struct slot slots[CACHE_SLOTS]; /* index: buffer in the ring's table */
	unsigned long lookups, hits;
	atomic_ulong invalidated;
	struct mmu_notifier mn; /* the subscriber's; see subscriber.c */
};

/* All return 0 or a negative errno; cache_new() an error pointer. */
struct cache *cache_new(void);
int cache_read(struct cache *c, int fd, void *buf, size_t len, off_t offset);
void cache_drop_all(struct cache *c);
void cache_free(struct cache *c);

/* The memory of [start, end) changes: forget it.  Waits for nothing. */
void cache_invalidate(struct cache *c, unsigned long start, unsigned long end);

#endif /* DEMO_CACHE_H */
