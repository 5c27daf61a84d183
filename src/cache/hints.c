// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where lookups in line look, once: a hash of hints.  A slot says that addresses of
 * this granule may lie in that region, and whoever reads it asks the region.  So a
 * slot may be wrong, be lost, or lead to a region that is another one by now; anybody
 * may write it at any time, and nothing has to be taken out.
 *
 * Where a region begins it is known from the start; elsewhere when somebody has looked
 * there some times.  The granule is as large as most regions let it be, so that an
 * address within a large one is known by its neighbours.
 *
 * Of regions that overlap, and share a granule, one is found in line.  So there are
 * hints of pages, too, by another hash, for whom nothing else leads to.
 */
#include "cache/cache.h"

#define MIN_BITS 10
/* Where regions begin takes no more than one slot in so many. */
#define SPARSE 4
/* Hints are written by one in so many who need them: it costs the others a line. */
#define PATIENCE 8
/* A page's hint is in one of so many, of a cache line. */
#define PAGE_SLOTS 4

static void set_table(struct cache *c, struct table *t)
{
	c->hints = t;
	/* Pairs with mmun_regcache_slot(): the slots come first. */
	mmun_store_release(&c->pub.mmun_slots,
			   (uintptr_t)t->slots | (64 - t->bits));
}

void mmun_cache_forget_hints(struct cache *c)
{
	set_table(c, &mmun_cache_empty_table);
}

/* Pairs with mmun_regcache_look_once(): what the region is, or a later one. */
void mmun_cache_hint(struct cache *c, const struct mmun_regcache_region *pub,
		     unsigned long addr)
{
	uint64_t *slot = mmun_regcache_slot(&c->pub, addr);

	if (!mmun_cache_is_constant(slot))
		mmun_store_release(slot, (uintptr_t)pub);
}

void mmun_cache_hint_at_times(struct cache *c, const struct mmun_regcache_region *pub,
			      unsigned long addr)
{
	static __thread unsigned int looks __attribute__((tls_model("initial-exec")));

	if (++looks % PATIENCE == 0)
		mmun_cache_hint(c, pub, addr);
}

/* One of a line. */
static uint64_t *page_slots(const struct cache *c, unsigned long addr)
{
	uint64_t slots = mmun_load_acquire(&c->pub.mmun_slots);
	uint64_t place = mmun_cache_hash(addr >> GRANULE_SHIFT) >> (slots & 63);

	return (uint64_t *)(slots & ~63ULL) + (place & ~(uint64_t)(PAGE_SLOTS - 1));
}

void mmun_cache_hint_page(struct cache *c, const struct mmun_regcache_region *pub,
			  unsigned long addr)
{
	static __thread unsigned int hints __attribute__((tls_model("initial-exec")));
	uint64_t *slots = page_slots(c, addr);

	if (!mmun_cache_is_constant(slots))
		mmun_store_release(&slots[hints++ % PAGE_SLOTS], (uintptr_t)pub);
}

struct mmun_regcache_region *
mmun_cache_look_up_page(const struct cache *c, unsigned long addr, size_t len,
			unsigned int access)
{
	uint64_t *slots = page_slots(c, addr);

	for (int i = 0; i < PAGE_SLOTS; i++) {
		struct mmun_regcache_region *pub =
			(void *)mmun_load_acquire(&slots[i]);

		if (is_hit(pub, addr, len, access))
			return pub;
	}
	return NULL;
}

static void hint_starts(struct cache *c)
{
	for (struct region *r = c->oldest; r; r = r->newer)
		mmun_cache_hint(c, r->pub, r->pub->start);
}

/* What was found elsewhere than at its start is found slowly, some times again. */
int mmun_cache_grow_hints(struct cache *c)
{
	bool first = c->hints == &mmun_cache_empty_table;
	struct table *new;

	if (!first && c->nr < (1ULL << c->hints->bits) / SPARSE)
		return 0;
	new = mmun_cache_new_table(first ? MIN_BITS : c->hints->bits + 1);
	if (!new)
		return first ? -ENOMEM : 0;
	mmun_cache_retire_table(c, c->hints);
	set_table(c, new);
	hint_starts(c);
	return 0;
}

/* A region of the common size has two to eight granules; or a few pages. */
void mmun_cache_set_granule(struct cache *c, unsigned int shift)
{
	shift -= shift > GRANULE_SHIFT;
	if (shift == c->pub.mmun_granule)
		return;
	mmun_write(&c->pub.mmun_granule, shift);
	hint_starts(c);
}
