// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where lookups find what no hint leads to, without a lock: each region that is
 * listed, by the blocks that it lies in.  A region of 4^n granules and more, but less
 * than four times that, lies in up to five blocks of 4^n.  Whoever looks asks for the
 * address's block of each size that there is any region of.
 *
 * A block's regions are in one line.  Where that is full, because many overlap, the
 * others are found under the lock, in the tree, and from then on by a hint of the page.
 *
 * The block is not kept: six bits of its hash, in the lower bits of a slot, say which
 * regions of a line are worth asking.
 */
#include "cache/cache.h"

/* Slots of a cache line. */
#define PROBES 8
#define MIN_BITS 7
/* No more than one slot in so many is taken. */
#define SPARSE 4

#define TAG 63ULL
_Static_assert(sizeof(struct mmun_regcache_region) == TAG + 1, "there is room for it");

static unsigned int level_of(const struct region *r)
{
	unsigned long granules = (r->pub->end - r->pub->start) >> GRANULE_SHIFT;

	return (63 - __builtin_clzl(granules)) / 2;
}

static unsigned int shift_of(unsigned int level)
{
	return GRANULE_SHIFT + 2 * level;
}

static uint64_t hash_of(unsigned long block, unsigned int level)
{
	return mmun_cache_hash(block ^ (uint64_t)level << 58);
}

static uint64_t *line_of(struct table *t, uint64_t hash)
{
	return &t->slots[hash >> (64 - t->bits) & ~(uint64_t)(PROBES - 1)];
}

/* The bits of the hash that follow those of the place. */
static uint64_t tag_of(const struct table *t, uint64_t hash)
{
	return hash >> (58 - t->bits) & TAG;
}

/* -- lookups -- */

static struct mmun_regcache_region *
ask_line(struct table *t, uint64_t hash, unsigned long addr, size_t len,
	 unsigned int access)
{
	uint64_t *line = line_of(t, hash), tag = tag_of(t, hash);

	for (int i = 0; i < PROBES; i++) {
		uint64_t slot = mmun_load_acquire(&line[i]);
		struct mmun_regcache_region *pub = (void *)(slot & ~TAG);

		if ((slot & TAG) == tag && is_hit(pub, addr, len, access))
			return pub;
	}
	return NULL;
}

struct mmun_regcache_region *mmun_cache_look_up(struct cache *c, unsigned long addr,
						size_t len, unsigned int access)
{
	struct table *t = mmun_load_acquire(&c->index);
	uint32_t levels = mmun_read(&c->levels);
	struct mmun_regcache_region *pub = NULL;

	for (; levels && !pub; levels &= levels - 1) {
		unsigned int level = __builtin_ctz(levels);

		pub = ask_line(t, hash_of(addr >> shift_of(level), level), addr, len,
			       access);
	}
	if (!pub)
		return mmun_cache_look_up_page(c, addr, len, access);
	mmun_cache_hint_at_times(c, pub, addr);
	return pub;
}

/* -- changes, under c->lock -- */

/* Return: is there a slot more that is taken? */
static bool put_in(uint64_t *line, uint64_t slot)
{
	uint64_t *place = NULL;

	for (int i = PROBES - 1; i >= 0; i--) {
		if (line[i] == slot)
			return false;
		if (line[i] == mmun_cache_empty_slot())
			place = &line[i];
	}
	/* Pairs with ask_line(); what the region is comes by ORDER(cache-alive). */
	if (place)
		mmun_store_release(place, slot);
	return place;
}

static bool take_out(uint64_t *line, uint64_t slot)
{
	for (int i = 0; i < PROBES; i++)
		if (line[i] == slot) {
			mmun_write(&line[i], mmun_cache_empty_slot());
			return true;
		}
	return false;
}

/* Return: for how many of its blocks that was done. */
static unsigned int for_each_block(struct table *t, const struct region *r,
				   bool (*call)(uint64_t *line, uint64_t slot))
{
	unsigned int level = level_of(r), shift = shift_of(level), n = 0;
	unsigned long last = (r->pub->end - 1) >> shift;

	for (unsigned long block = r->pub->start >> shift; block <= last; block++) {
		uint64_t hash = hash_of(block, level);

		n += call(line_of(t, hash), (uintptr_t)r->pub | tag_of(t, hash));
	}
	return n;
}

void mmun_cache_index(struct cache *c, const struct region *r)
{
	/* A child of fork() that goes on where its parent was has none of its own. */
	if (c->index == &mmun_cache_empty_table)
		return;
	c->taken += for_each_block(c->index, r, put_in);
}

/*
 * Only when there are more than twice as many of another size.  All are looked at then,
 * and so many must have come or gone since the last time.
 */
static void follow_common_level(struct cache *c)
{
	unsigned int most = 0;

	for (unsigned int level = 1; level < NR_LEVELS; level++)
		if (c->nr_of_level[level] > c->nr_of_level[most])
			most = level;
	if (c->nr_of_level[most] <= 2 * c->nr_of_level[c->common_level])
		return;
	c->common_level = most;
	mmun_cache_set_granule(c, shift_of(most));
}

void mmun_cache_add_to_index(struct cache *c, const struct region *r)
{
	unsigned int level = level_of(r);

	mmun_cache_index(c, r);
	if (!c->nr_of_level[level]++)
		mmun_write(&c->levels, c->levels | 1U << level);
	follow_common_level(c);
}

void mmun_cache_take_from_index(struct cache *c, const struct region *r)
{
	unsigned int level = level_of(r);

	c->taken -= for_each_block(c->index, r, take_out);
	if (!--c->nr_of_level[level])
		mmun_write(&c->levels, c->levels & ~(1U << level));
	follow_common_level(c);
}

int mmun_cache_grow_index(struct cache *c)
{
	bool first = c->index == &mmun_cache_empty_table;
	struct table *new;

	if (!first && c->taken < (1ULL << c->index->bits) / SPARSE)
		return 0;
	new = mmun_cache_new_table(first ? MIN_BITS : c->index->bits + 1);
	if (!new)
		return first ? -ENOMEM : 0;
	mmun_cache_retire_table(c, c->index);
	c->taken = 0;
	for (struct region *r = c->oldest; r; r = r->newer)
		c->taken += for_each_block(new, r, put_in);
	/* Pairs with mmun_cache_look_up(): the slots come first. */
	mmun_store_release(&c->index, new);
	return 0;
}

void mmun_cache_forget_index(struct cache *c)
{
	mmun_store_release(&c->index, &mmun_cache_empty_table);
	mmun_write(&c->levels, 0);
}
