// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where lookups find regions: a hash of hints.  A slot says that addresses with
 * this key may lie in that region, and whoever reads it asks the region.  So a
 * slot may be wrong, be lost, or lead to a region that is another one by now; and
 * nothing has to be taken out.
 *
 * The key is the granule that the address lies in.  Where a region begins it is
 * known from the start; elsewhere when somebody has looked.  For large regions it
 * is the 2 MiB or 1 GiB that the address lies in: where many begin and end only
 * one of them is found, and the others are found by granules again.
 */
#include "cache/cache.h"

/* A hint lies in one of so many slots, two cache lines. */
#define PROBES 8
_Static_assert(sizeof(struct table) == 64, "slots are aligned");
#define MIN_BITS 6

static const unsigned int level_shift[] = { 12, 21, 30 };
#define NR_LEVELS 3

/* Of a cache that has nothing yet, or any more. */
static union {
	struct table table;
	char room[sizeof(struct table) + PROBES * sizeof(struct mmun_regcache_slot)];
} empty = { .table = { .shift = 61, .bits = 3 } };

static struct table *table_of(const struct cache *c)
{
	uint64_t slots = mmun_load_acquire(&c->pub.mmun_slots) & ~63ULL;

	return (struct table *)(slots - offsetof(struct table, slots));
}

/* As lookups in line have it. */
static void set_table(struct cache *c, struct table *t)
{
	mmun_store_release(&c->pub.mmun_slots, (uintptr_t)t->slots | t->shift);
}

static bool is_empty(const struct table *t)
{
	return t == &empty.table;
}

void mmun_cache_forget_table(struct cache *c)
{
	set_table(c, &empty.table);
}

/* Never 0, and another one for each level. */
static inline uint64_t key_of(unsigned long addr, unsigned int level)
{
	return (addr | ((1UL << level_shift[level]) - 1)) ^ level;
}

static inline uint64_t place_of(const struct table *t, uint64_t key)
{
	return MMUN_REGCACHE_HASH(key) >> t->shift;
}

static struct region *find_key(struct table *t, uint64_t key)
{
	uint64_t place = place_of(t, key);

	for (int i = 0; i < PROBES; i++) {
		struct mmun_regcache_slot *slot = &t->slots[place ^ i];

		if (mmun_load_acquire(&slot->key) == key)
			return region_of(mmun_read(&slot->region));
	}
	return NULL;
}

/* Notes the first use. */
static bool is_hit(struct region *r, unsigned long addr, size_t len,
		   unsigned int access)
{
	if (!is_alive(r) || !fits(r, addr, len, access))
		return false;
	if (mmun_unlikely(mmun_read(&r->pub.mmun_word) & R_UNUSED))
		mmun_fetch_and(&r->pub.mmun_word, ~R_UNUSED);
	return true;
}

static __attribute__((noinline)) struct region *
look_around(struct cache *c, struct table *t, unsigned long addr, size_t len,
	    unsigned int access)
{
	uint32_t levels = mmun_read(&c->levels);
	struct region *r;

	for (unsigned int level = 0; level < NR_LEVELS; level++) {
		if (level && !(levels & (1U << level)))
			continue;
		r = find_key(t, key_of(addr, level));
		if (r && is_hit(r, addr, len, access))
			return r;
	}
	return NULL;
}

struct region *mmun_cache_look_up(struct cache *c, unsigned long addr, size_t len,
		       unsigned int access)
{
	struct table *t = table_of(c);
	uint64_t key = key_of(addr, 0);
	struct mmun_regcache_slot *slot = &t->slots[place_of(t, key)];
	struct region *r;

	if (mmun_likely(mmun_load_acquire(&slot->key) == key)) {
		r = region_of(mmun_read(&slot->region));
		if (mmun_likely(is_hit(r, addr, len, access)))
			return r;
	}
	return look_around(c, t, addr, len, access);
}

/* -- hints; under c->lock -- */

/* The key's own, an empty one, one of the dead, or whoever has bad luck. */
static struct mmun_regcache_slot *slot_for(struct table *t, uint64_t key)
{
	uint64_t place = place_of(t, key);
	struct mmun_regcache_slot *poor = NULL;

	for (int i = 0; i < PROBES; i++) {
		struct mmun_regcache_slot *slot = &t->slots[place ^ i];

		if (slot->key == key || !slot->key)
			return slot;
		if (!poor && !is_alive(region_of(slot->region)))
			poor = slot;
	}
	return poor ?: &t->slots[place ^ (key >> 12) % PROBES];
}

/* A reader that sees the key sees this region, or a later one. */
static void set_hint(struct table *t, uint64_t key, struct region *r)
{
	struct mmun_regcache_slot *slot = slot_for(t, key);

	mmun_write(&slot->region, &r->pub);
	mmun_store_release(&slot->key, key);
}

void mmun_cache_hint(struct cache *c, struct region *r, unsigned long addr)
{
	unsigned long size = r->pub.end - r->pub.start;
	unsigned int level = 0;
	struct table *t = table_of(c);

	if (is_empty(t))
		return;
	set_hint(t, key_of(addr, 0), r);
	while (level + 1 < NR_LEVELS && size >> level_shift[level + 1])
		level++;
	if (!level)
		return;
	set_hint(t, key_of(addr, level), r);
	mmun_write(&c->levels, c->levels | 1U << level);
}

static struct table *new_table(uint32_t bits)
{
	size_t size = 64 + sizeof(struct table) +
		      (sizeof(struct mmun_regcache_slot) << bits);
	struct chunk *chunk = mmun_cache_map_chunk(size);
	struct table *t;

	if (!chunk)
		return NULL;
	chunk->size = size;
	t = (struct table *)((char *)chunk + 64);
	t->shift = 64 - bits;
	t->bits = bits;
	return t;
}

static struct chunk *chunk_of(struct table *t)
{
	return (struct chunk *)((char *)t - 64);
}

/* Those that still lead somewhere. */
static void copy_hints(struct table *to, const struct table *from)
{
	for (uint64_t i = 0; i < 1ULL << from->bits; i++) {
		const struct mmun_regcache_slot *slot = &from->slots[i];

		if (slot->key && is_alive(region_of(slot->region)))
			set_hint(to, slot->key, region_of(slot->region));
	}
}

void mmun_cache_free_table(struct cache *c)
{
	if (!is_empty(table_of(c)))
		mmun_cache_unmap_chunk(chunk_of(table_of(c)));
}

/* Sparse: a quarter at most is where regions begin. */
int mmun_cache_grow_table(struct cache *c)
{
	struct table *old = table_of(c), *new;
	bool first = is_empty(old);

	if (!first && c->nr < 1ULL << old->bits >> 2)
		return 0;
	new = new_table(first ? MIN_BITS : old->bits + 1);
	if (!new)
		return first ? -ENOMEM : 0;
	if (!first) {
		copy_hints(new, old);
		chunk_of(old)->next = c->retired;
		c->retired = chunk_of(old);
	}
	set_table(c, new);
	return 0;
}
