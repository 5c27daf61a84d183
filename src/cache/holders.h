/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CACHE_HOLDERS_H
#define MMUN_CACHE_HOLDERS_H
/*
 * Who holds a region: how many is of interest only when it is dead.  While it is
 * alive, holders are counted in a word of the CPU that they run on, which nobody
 * else writes; only the sum of all words means anything.
 *
 *	alive	the CPU's word.  Who cannot: refs, which may so drift by any
 *		number, up or down; but not by BIAS
 *	dead	refs.  When the grace period is over, the words stand still: their
 *		sum goes into refs, and BIAS becomes one as any other, until
 *		reclaim.c drops it.  From then on the last one is seen to be it
 *
 * BIAS is the cache's own reference.
 *
 * ORDER(cache-counts): a CPU's word is written in a sequence that checks that the
 * region's has not changed; the grace period, which begins after that has, restarts
 * those that are under way, and the words are read after it.
 */
#include "cache/cache.h"

#define REF_ONE 1ULL
#define REF_BIAS (1ULL << 62)
/* No more hold a region at once. */
#define REF_HOLDERS 0xffffffULL

/* A CPU's word has how often anybody became a holder, too: that costs no more. */
#define COUNT_GET ((1ULL << 24) | REF_ONE)
#define COUNT_GETS 24

/* CPUs' words of a region lie a page apart: a page is of one CPU. */
#define COUNTS_SHIFT 12
#define COUNTS_PER_PAGE ((1UL << COUNTS_SHIFT) / sizeof(uint64_t))

/* Context: in a section that has seen it alive, or under c->lock. */
static inline void hold_region(struct region *r)
{
	mmun_fetch_add(&r->refs, REF_ONE);
	mmun_fetch_add(&r->gets, 1);
}

/*
 * Context: any but a vfork() child.  Return: is it still what it was when its word was @word, of one that
 * is alive, and held now?  ORDER(cache-counts): pairs with mmun_cache_begin_grace().
 */
static inline bool hold_region_here(const struct mmun_regcache_region *pub,
				    uint64_t word)
{
	return mmun_likely(mmun_this_cpu_add_if(counts_of_pub(pub), COUNTS_SHIFT,
						COUNT_GET, &pub->mmun_word, word));
}

/* Context: any. */
static inline void drop_region(struct region *r)
{
	if (mmun_unlikely(mmun_fetch_sub(&r->refs, REF_ONE) == REF_ONE))
		mmun_cache_ready(r);
}

/*
 * Context: any but a vfork() child.  Return: was it alive, and has it been dropped?
 * ORDER(cache-counts): pairs with mmun_cache_begin_grace().
 */
static inline bool drop_region_here(const struct mmun_regcache_region *pub)
{
	uint64_t word = mmun_read(&pub->mmun_word);

	return (MMUN_BREAK_CACHE_COUNTS || mmun_likely(is_word_alive(word))) &&
	       mmun_likely(mmun_this_cpu_add_if(counts_of_pub(pub), COUNTS_SHIFT,
						-REF_ONE, &pub->mmun_word, word));
}

/*
 * It is dead, and the grace period is over: from now on the cache's is one as any
 * other.  Under c->lock.
 */
void mmun_cache_sum_up(struct region *r);
/* Of one that is alive, as far as that can be told.  Under c->lock. */
bool mmun_cache_is_held(const struct region *r);
/* How many regions have been given to anybody.  Looks at all of them. */
uint64_t mmun_cache_count_gets(struct cache *c);

#endif /* MMUN_CACHE_HOLDERS_H */
