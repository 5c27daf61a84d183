// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/atomic.h"
#include "base/interval_filter.h"
#include "base/pages.h"

/* Four in a cache line: those of neighbours. */
struct block {
	uint64_t key;		/* 0: none, and no key comes after it */
	uint64_t bits;
};

struct mmun_filter_table {
	size_t size;		/* in bytes */
	uint32_t shift;		/* of a hash, to a line */
	uint32_t used;		/* blocks that have a key */
	uint64_t mask;
	struct block blocks[] __attribute__((aligned(64)));
};

enum { MIN_LINE_BITS = 6 };

/* What spans more blocks than that is looked for in the tree. */
#define MAX_BLOCKS 8
/* Who shares granules with more others of his level leaves his bits set; */
#define MAX_SHARERS 16
/* ... or with more of any level. */
#define MAX_NEIGHBOURS 64

/* ORDER(interval-tree): as in the tree, each change a release, each look an acquire. */
#define set(field, value) mmun_store_release(&(field), (value))
#define get(field) mmun_load_acquire(&(field))

static unsigned int shift_of(unsigned int level)
{
	return 12 + 6 * level;
}

static unsigned int level_of(unsigned long start, unsigned long last)
{
	unsigned int level = 0;

	while ((last >> shift_of(level)) - (start >> shift_of(level)) >= 64)
		level++;
	return level;
}

/* Those of granules [first, last] that lie in this block. */
static uint64_t bits_in(unsigned long block, unsigned long first,
			unsigned long last)
{
	uint64_t bits = ~0ULL;

	if (first / 64 > block || last / 64 < block)
		return 0;
	if (first / 64 == block)
		bits &= ~0ULL << first % 64;
	if (last / 64 == block)
		bits &= ~0ULL >> (63 - last % 64);
	return bits;
}

/* -- the table -- */

/* From below: that it is one, the level, the block. */
static uint64_t key_of(unsigned long block, unsigned int level)
{
	return (uint64_t)block << 5 | level << 1 | 1;
}

/* Blocks that differ in their last two bits lie in the same line. */
static uint64_t place_of(const struct mmun_filter_table *t, uint64_t key)
{
	uint64_t line = key & ~(3ULL << 5);

	return ((line ^ line >> 15) * 0xff51afd7ed558ccdULL >> t->shift) * 4 +
	       (key >> 5) % 4;
}

/* The block with this key, or the empty one where it would be. */
static struct block *find(struct mmun_filter_table *t, uint64_t key)
{
	uint64_t i = place_of(t, key), found;

	while ((found = get(t->blocks[i].key)) && found != key)
		i = (i + 1) & t->mask;
	return &t->blocks[i];
}

static size_t capacity(const struct mmun_filter_table *t)
{
	return t ? t->mask + 1 : 0;
}

/* Beyond 5/8 a new one is asked for; what comes before it is there goes up to 7/8. */
static bool is_crowded(size_t used, const struct mmun_filter_table *t)
{
	return used * 8 > capacity(t) * 5;
}

struct mmun_filter_table *mmun_filter_new_table(size_t blocks)
{
	uint32_t bits = MIN_LINE_BITS;
	struct mmun_filter_table *t;
	size_t size;

	while (4ULL << bits < blocks)
		bits++;
	size = sizeof(*t) + (sizeof(t->blocks[0]) * 4 << bits);
	t = mmun_map_pages(size, size);
	if (!t)
		return NULL;
	t->size = size;
	t->shift = 64 - bits;
	t->mask = (4ULL << bits) - 1;
	return t;
}

void mmun_filter_free_table(struct mmun_filter_table *table)
{
	if (table)
		mmun_unmap_pages(table, table->size);
}

/* Each needs two at most.  Blocks that nobody needs any more may have bits. */
static size_t blocks_needed(const struct mmun_filter *filter, size_t more)
{
	size_t blocks = mmun_read(&filter->blocks), intervals = 0;

	for (int i = 0; i < MMUN_FILTER_LEVELS; i++)
		intervals += mmun_read(&filter->intervals[i]);
	if (mmun_read(&filter->off) || blocks > 2 * intervals)
		blocks = 2 * intervals;
	return blocks + 2 * more;
}

size_t mmun_filter_lacks(const struct mmun_filter *filter, size_t intervals)
{
	const struct mmun_filter_table *t = get(filter->table);
	size_t used = t ? mmun_read(&t->used) : 0;

	if (!mmun_read(&filter->off) && !is_crowded(used + 2 * intervals, t))
		return 0;
	return 3 * blocks_needed(filter, intervals);
}

/* Return: NULL without room. */
static struct block *find_or_make(struct mmun_filter_table *t, uint64_t key)
{
	struct block *block;

	if (!t)
		return NULL;
	block = find(t, key);
	if (!block->key) {
		if (t->used > capacity(t) / 8 * 7)
			return NULL;
		mmun_write(&t->used, t->used + 1);
		set(block->key, key);
	}
	return block;
}

/* Return: was there room? */
static bool set_bits(struct mmun_filter *filter, struct mmun_filter_table *t,
		     unsigned long start, unsigned long last)
{
	unsigned int level = level_of(start, last);
	unsigned long from = start >> shift_of(level), to = last >> shift_of(level);

	for (unsigned long b = from / 64; b <= to / 64; b++) {
		struct block *block = find_or_make(t, key_of(b, level));

		if (!block)
			return false;
		mmun_write(&filter->blocks, filter->blocks + !block->bits);
		set(block->bits, block->bits | bits_in(b, from, to));
	}
	return true;
}

/* What has bits, needed or not. */
static void copy(struct mmun_filter_table *to, const struct mmun_filter_table *from)
{
	for (size_t i = 0; i < capacity(from); i++) {
		if (!from->blocks[i].bits)
			continue;
		*find(to, from->blocks[i].key) = from->blocks[i];
		to->used++;
	}
}

static void set_all_bits(struct mmun_filter *filter, struct mmun_filter_table *t,
			 const struct mmun_interval_tree *tree)
{
	struct mmun_interval *node = mmun_interval_first(tree, 0, ~0UL);

	mmun_write(&filter->blocks, 0);
	for (; node; node = mmun_interval_next(node, 0, ~0UL))
		set_bits(filter, t, node->start, node->last);
}

/* Others may have grown it since it was asked, or added to it.  It has room for all. */
struct mmun_filter_table *mmun_filter_grow(struct mmun_filter *filter,
					   const struct mmun_interval_tree *tree,
					   struct mmun_filter_table *table,
					   size_t intervals)
{
	struct mmun_filter_table *old = filter->table;
	size_t needed = blocks_needed(filter, intervals);

	if (is_crowded(needed, table) || !mmun_filter_lacks(filter, intervals))
		return table;
	/* Half of them for nothing is too many; and without all, it is the tree's. */
	if (filter->off || filter->blocks > needed)
		set_all_bits(filter, table, tree);
	else
		copy(table, old);
	set(filter->table, table);
	/* What was missing is in it. */
	set(filter->off, 0);
	return old;
}

void mmun_filter_free(struct mmun_filter *filter)
{
	mmun_filter_free_table(filter->table);
	*filter = (struct mmun_filter){ 0 };
}

/* -- changes -- */

void mmun_filter_add(struct mmun_filter *filter, unsigned long start,
		     unsigned long last)
{
	unsigned int level = level_of(start, last);

	if (!filter->off && !set_bits(filter, filter->table, start, last))
		set(filter->off, 1);
	mmun_write(&filter->intervals[level], filter->intervals[level] + 1);
	set(filter->levels, filter->levels | 1U << level);
}

static void clear_bits(struct mmun_filter *filter, uint64_t key, uint64_t bits)
{
	struct block *block = find(filter->table, key);
	uint64_t left = block->bits & ~bits;

	if (block->bits && !left)
		mmun_write(&filter->blocks, filter->blocks - 1);
	set(block->bits, left);
}

/*
 * What others of the level need, of two blocks from @block on.
 * Return: false where there are too many to ask.
 */
static bool bits_of_others(const struct mmun_interval_tree *tree,
			   unsigned int level, unsigned long start,
			   unsigned long last, uint64_t *bits)
{
	unsigned int shift = shift_of(level);
	unsigned long block = (start >> shift) / 64;
	struct mmun_interval *node;
	int neighbours = 0, sharers = 0;

	start &= ~0UL << shift;
	last |= ~(~0UL << shift);
	for (node = mmun_interval_first(tree, start, last); node;
	     node = mmun_interval_next(node, start, last)) {
		if (++neighbours > MAX_NEIGHBOURS)
			return false;
		if (level_of(node->start, node->last) != level)
			continue;
		if (++sharers > MAX_SHARERS)
			return false;
		for (int i = 0; i < 2; i++)
			bits[i] |= bits_in(block + i, node->start >> shift,
					   node->last >> shift);
	}
	return true;
}

void mmun_filter_remove(struct mmun_filter *filter,
			const struct mmun_interval_tree *tree,
			unsigned long start, unsigned long last)
{
	unsigned int level = level_of(start, last);
	unsigned long from = start >> shift_of(level), to = last >> shift_of(level);
	uint64_t others[2] = { 0, 0 };

	if (!filter->off && bits_of_others(tree, level, start, last, others))
		for (unsigned long b = from / 64; b <= to / 64; b++)
			clear_bits(filter, key_of(b, level),
				   bits_in(b, from, to) & ~others[b - from / 64]);
	mmun_write(&filter->intervals[level], filter->intervals[level] - 1);
	if (!filter->intervals[level])
		set(filter->levels, filter->levels & ~(1U << level));
}

/* -- asking -- */

static bool level_may_overlap(struct mmun_filter_table *t, unsigned int level,
			      unsigned long start, unsigned long last)
{
	unsigned long from = start >> shift_of(level), to = last >> shift_of(level);

	if (to / 64 - from / 64 >= MAX_BLOCKS)
		return true;
	for (unsigned long b = from / 64; b <= to / 64; b++)
		if (get(find(t, key_of(b, level))->bits) & bits_in(b, from, to))
			return true;
	return false;
}

bool mmun_filter_may_overlap(const struct mmun_filter *filter,
			     unsigned long start, unsigned long last)
{
	uint32_t levels = get(filter->levels);
	struct mmun_filter_table *t = get(filter->table);

	if (get(filter->off))
		return true;
	for (; levels; levels &= levels - 1)
		if (!t || level_may_overlap(t, __builtin_ctz(levels), start, last))
			return true;
	return false;
}
