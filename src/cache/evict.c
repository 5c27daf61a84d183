// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who goes when there is no room: SIEVE.  Regions stand in the order in which they
 * came.  A hand goes from the oldest to the newest, and around: whoever was used
 * since it came by is spared once, and keeps his place; the next one goes.  A hit
 * moves nothing, and writes only if it is the first since.
 *
 * Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 */
#include "cache/holders.h"

void mmun_cache_enqueue(struct cache *c, struct region *r)
{
	r->newer = NULL;
	r->older = c->newest;
	if (c->newest)
		c->newest->newer = r;
	else
		c->oldest = r;
	c->newest = r;
}

void mmun_cache_dequeue(struct cache *c, struct region *r)
{
	if (c->hand == r)
		c->hand = r->newer;
	if (r->newer)
		r->newer->older = r->older;
	else
		c->newest = r->older;
	if (r->older)
		r->older->newer = r->newer;
	else
		c->oldest = r->newer;
}

/* Who gets a reference meanwhile has one of a dead region, as of any event. */
static bool goes(struct region *r)
{
	if (!(mmun_read(&r->pub->mmun_word) & R_UNUSED)) {
		mmun_fetch_or(&r->pub->mmun_word, R_UNUSED);
		return false;
	}
	return !mmun_cache_is_held(r) && kill_region(r);
}

/* Killed, or NULL where all are held. */
static struct region *next_victim(struct cache *c)
{
	for (size_t left = 2 * c->nr; left; left--) {
		struct region *r = c->hand ?: c->oldest;

		if (!r)
			return NULL;
		c->hand = r->newer;
		if (goes(r))
			return r;
	}
	return NULL;
}

static bool evict_one(struct cache *c)
{
	struct region *r = next_victim(c);

	if (!r)
		return false;
	count(&c->stats.evictions);
	mmun_cache_unlist(c, r);
	mmun_cache_bury(r);
	return true;
}

size_t mmun_cache_evict(struct cache *c, size_t regions, uint64_t bytes)
{
	uint64_t until = c->bytes > bytes ? c->bytes - bytes : 0;
	size_t gone = 0;

	while ((gone < regions || c->bytes > until) && evict_one(c))
		gone++;
	return gone;
}

bool mmun_cache_make_room(struct cache *c, uint64_t bytes)
{
	if (c->attr.max_bytes && bytes > c->attr.max_bytes)
		return false;
	while (!has_room(c, bytes))
		if (!evict_one(c))
			return false;
	return true;
}
