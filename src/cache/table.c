// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where lookups find regions: a hash of hints.  A slot says that addresses with
 * this key may lie in that region, and whoever reads it asks the region.  So a
 * slot may be wrong, be lost, or lead to a region that is another one by now; and
 * nothing has to be taken out.
 *
 * The key is the granule that the address lies in.  Where a region begins it is
 * known from the start; elsewhere when somebody has looked.  For large regions it
 * is the 2 MiB or 1 GiB that the address lies in, too.  The key itself is not kept:
 * six bits of its hash, in the lower bits of the slot, say which regions of a line
 * are not worth asking.
 */
#include "base/pages.h"
#include "cache/cache.h"

/* A hint lies in one of so many slots, a cache line. */
#define PROBES 8
_Static_assert(sizeof(struct table) == 64, "slots are aligned");
#define MIN_BITS 7
/* Where regions begin takes no more than one slot in so many. */
#define SPARSE 4

static const unsigned int level_shift[] = { 12, 21, 30 };
#define NR_LEVELS 3

/* Where an empty slot leads to. */
static struct mmun_regcache_region nothing
	__attribute__((aligned(64))) = { .mmun_word = R_DEAD };

/* Of a cache that has nothing yet, or any more. */
static struct table empty = {
	.shift = 61, .bits = 3,
	.slots = { [0 ... PROBES - 1] = (uintptr_t)&nothing },
};

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
	return t == &empty;
}

void mmun_cache_forget_table(struct cache *c)
{
	set_table(c, &empty);
}

/* Never 0, and another one for each level. */
static inline uint64_t key_of(unsigned long addr, unsigned int level)
{
	return (addr | ((1UL << level_shift[level]) - 1)) ^ level;
}

#define TAG 63ULL
_Static_assert(_Alignof(struct region) == TAG + 1, "there is room for it");

/* The bits of the hash that follow those of the place. */
static inline uint64_t tag_of(const struct table *t, uint64_t hash)
{
	return hash >> (t->shift - 6) & TAG;
}

static inline struct region *region_in(uint64_t slot)
{
	return region_of((struct mmun_regcache_region *)(slot & ~TAG));
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

static struct region *ask_line(struct table *t, uint64_t key, unsigned long addr,
			       size_t len, unsigned int access)
{
	uint64_t hash = MMUN_REGCACHE_HASH(key);
	uint64_t place = hash >> t->shift, tag = tag_of(t, hash);

	for (int i = 0; i < PROBES; i++) {
		uint64_t slot = mmun_load_acquire(&t->slots[place ^ i]);

		if ((slot & TAG) == tag &&
		    is_hit(region_in(slot), addr, len, access))
			return region_in(slot);
	}
	return NULL;
}

struct region *mmun_cache_look_up(struct cache *c, unsigned long addr, size_t len,
		       unsigned int access)
{
	struct table *t = table_of(c);
	uint32_t levels = mmun_read(&c->levels) | 1;
	struct region *r = NULL;

	for (unsigned int level = 0; level < NR_LEVELS && !r; level++)
		if (levels & (1U << level))
			r = ask_line(t, key_of(addr, level), addr, len, access);
	return r;
}

/* -- hints; under c->lock -- */

/* The address's own, an empty one, one of the dead, or whoever has bad luck. */
static uint64_t *slot_for(struct table *t, uint64_t hash, unsigned long addr)
{
	uint64_t place = hash >> t->shift, tag = tag_of(t, hash);
	uint64_t *poor = NULL;

	for (int i = 0; i < PROBES; i++) {
		uint64_t *slot = &t->slots[place ^ i];
		const struct region *r = region_in(*slot);

		if (&r->pub == &nothing)
			return poor ?: slot;
		if (!is_alive(r))
			poor = poor ?: slot;
		else if ((*slot & TAG) == tag && r->pub.start <= addr &&
			 addr < r->pub.end)
			return slot;
	}
	return poor ?: &t->slots[place ^ hash % PROBES];
}

/* A reader that sees the slot sees what the region is, or a later one. */
static void set_hint(struct table *t, uint64_t key, struct region *r,
		     unsigned long addr)
{
	uint64_t hash = MMUN_REGCACHE_HASH(key);

	mmun_store_release(slot_for(t, hash, addr),
			   (uintptr_t)&r->pub | tag_of(t, hash));
}

static void hint(struct cache *c, struct table *t, struct region *r,
		 unsigned long addr)
{
	unsigned long size = r->pub.end - r->pub.start;
	unsigned int level = 0;

	set_hint(t, key_of(addr, 0), r, addr);
	while (level + 1 < NR_LEVELS && size >> level_shift[level + 1])
		level++;
	if (!level)
		return;
	set_hint(t, key_of(addr, level), r, addr);
	mmun_write(&c->levels, c->levels | 1U << level);
}

void mmun_cache_hint(struct cache *c, struct region *r, unsigned long addr)
{
	if (!is_empty(table_of(c)))
		hint(c, table_of(c), r, addr);
}

static void clear_slots(struct table *t)
{
	for (uint64_t i = 0; i < 1ULL << t->bits; i++)
		mmun_write(&t->slots[i], (uintptr_t)&nothing);
}

static struct table *new_table(uint32_t bits)
{
	struct table *t;
	size_t size = 64 + sizeof(struct table) +
		      (sizeof(t->slots[0]) << bits);
	struct chunk *chunk = mmun_map_pages(size, size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	t = (struct table *)((char *)chunk + 64);
	t->shift = 64 - bits;
	t->bits = bits;
	clear_slots(t);
	return t;
}

static struct chunk *chunk_of(struct table *t)
{
	return (struct chunk *)((char *)t - 64);
}

static void add_hint(struct region *r, void *table)
{
	if (is_alive(r))
		hint(cache_of_region(r), table, r, r->pub.start);
}

void mmun_cache_free_table(struct cache *c)
{
	if (!is_empty(table_of(c)))
		mmun_cache_free_chunks(chunk_of(table_of(c)));
}

/* What was found elsewhere than at its start is found slowly, once again. */
int mmun_cache_grow_table(struct cache *c)
{
	struct table *old = table_of(c), *new;
	bool first = is_empty(old);

	if (!first && c->nr < (1ULL << old->bits) / SPARSE)
		return 0;
	new = new_table(first ? MIN_BITS : old->bits + 1);
	if (!new)
		return first ? -ENOMEM : 0;
	if (!first) {
		mmun_cache_for_each_region(c, add_hint, new);
		chunk_of(old)->next = c->retired;
		c->retired = chunk_of(old);
	}
	set_table(c, new);
	return 0;
}
