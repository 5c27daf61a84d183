// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How to write a subscriber: all that the cache lacks to be right.
 *
 * Both ends of an invalidation kill what overlaps it.
 *
 * - start: whatever was registered before is not used from here on.
 * - end: a buffer that the cache registers between start and end may still get
 *   the old pages, and start has not seen it.  cache_pin() makes it visible
 *   before it pins, so if it pinned before the pages went, end sees it.
 *
 * No ->release: when the process exits, its ring goes with it.
 */
#include <stddef.h>

#include "subscriber.h"

static struct cache *to_cache(struct mmu_notifier *mn)
{
	return (struct cache *)((char *)mn - offsetof(struct cache, mn));
}

static int range_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	cache_invalidate(to_cache(mn), range->start, range->end);
	return 0;
}

static void range_end(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	cache_invalidate(to_cache(mn), range->start, range->end);
}

/* Called by the first get, before any event can arrive. */
static struct mmu_notifier *alloc_notifier(struct mm_struct *mm)
{
	struct cache *c = cache_new();

	(void)mm;
	return IS_ERR(c) ? ERR_PTR(PTR_ERR(c)) : &c->mn;
}

/* Called after the last put, when no callback is looking any more. */
static void free_notifier(struct mmu_notifier *mn)
{
	cache_free(to_cache(mn));
}

static const struct mmu_notifier_ops cache_ops = {
	.invalidate_range_start = range_start,
	.invalidate_range_end = range_end,
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
};

struct cache *subscriber_get(void)
{
	struct mmu_notifier *mn = mmu_notifier_get(&cache_ops, mm_self());

	return IS_ERR(mn) ? ERR_PTR(PTR_ERR(mn)) : to_cache(mn);
}

void subscriber_put(struct cache *c)
{
	mmu_notifier_put(&c->mn);
}
