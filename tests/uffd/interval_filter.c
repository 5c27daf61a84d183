// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the filter says of an address, against a tree that is asked itself.
 *
 *	uffd-interval_filter [seed]
 */
#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "base/interval_filter.h"
#include "tap.h"

#define NODES 3000
#define ROUNDS 60000
#define GRANULE 4096UL

static struct mmun_interval nodes[NODES];
static bool in_tree[NODES];
static struct mmun_interval_tree tree;
static struct mmun_filter filter;
static uint64_t seed;

static unsigned long pick(unsigned long below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static size_t table_size;	/* of the newest */

static void make_room(size_t intervals)
{
	size_t blocks = mmun_filter_lacks(&filter, intervals);
	struct mmun_filter_table *table;

	if (!blocks)
		return;
	table = mmun_filter_new_table(blocks);
	if (!table)
		bail("no memory");
	table_size = blocks;
	mmun_filter_free_table(mmun_filter_grow(&filter, &tree, table, intervals));
}

static void add_without_room(struct mmun_interval *node)
{
	mmun_interval_insert(&tree, node);
	mmun_filter_add(&filter, node->start, node->last);
}

static void add(struct mmun_interval *node)
{
	make_room(1);
	add_without_room(node);
}

static void take(struct mmun_interval *node)
{
	mmun_interval_remove(&tree, node);
	mmun_filter_remove(&filter, &tree, node->start, node->last);
}

/* Of any size, but more small ones than large ones. */
static unsigned long pick_size(unsigned long space)
{
	return pick(space >> pick(40) | 1);
}

static void change(unsigned long space)
{
	int i = pick(NODES);

	if (in_tree[i]) {
		take(&nodes[i]);
	} else {
		nodes[i].start = pick(space);
		if (__builtin_add_overflow(nodes[i].start, pick_size(space),
					   &nodes[i].last))
			nodes[i].last = ULONG_MAX;
		add(&nodes[i]);
	}
	in_tree[i] = !in_tree[i];
}

static void empty(void)
{
	for (int i = 0; i < NODES; i++)
		if (in_tree[i])
			take(&nodes[i]);
	memset(in_tree, 0, sizeof(in_tree));
}

static void test_random(unsigned long space)
{
	bool right = true;

	for (int i = 0; i < ROUNDS && right; i++) {
		unsigned long start = pick(space), last;

		change(space);
		if (__builtin_add_overflow(start, pick_size(space), &last))
			last = ULONG_MAX;
		right = mmun_filter_may_overlap(&filter, start, last) ||
			!mmun_interval_first(&tree, start, last);
	}
	ok(right && !filter.off, "random intervals of [0, %lu): none is missed",
	   space);
	empty();
	ok(!mmun_filter_may_overlap(&filter, 0, ULONG_MAX),
	   "and when all have gone nothing is anywhere");
	mmun_filter_free(&filter);
}

/* Pages, at distances at which nobody shares a granule. */
static void test_exact(unsigned long pages)
{
	unsigned long size = pages * GRANULE, stride = size + GRANULE;
	bool right = true;

	for (unsigned long i = 0; i < NODES; i++) {
		nodes[i].start = (i + 1) * stride;
		nodes[i].last = nodes[i].start + size - 1;
		add(&nodes[i]);
	}
	for (unsigned long i = 0; i < NODES; i++) {
		unsigned long gap = nodes[i].last + 1;

		right = right &&
			mmun_filter_may_overlap(&filter, gap - 1, gap - 1) &&
			!mmun_filter_may_overlap(&filter, gap, gap + GRANULE - 1);
		if (i % 2)
			take(&nodes[i]);
	}
	for (unsigned long i = 0; i < NODES; i++)
		right = right && mmun_filter_may_overlap(&filter, nodes[i].start,
						nodes[i].last) == !(i % 2);
	for (unsigned long i = 0; i < NODES; i += 2)
		take(&nodes[i]);
	ok(right && !filter.off, "%lu pages each: what is in, and what is not", pages);
}

/* More in a granule than are looked at when one of them goes. */
static void test_crowd(void)
{
	bool right = true;

	for (int i = 0; i < NODES; i++) {
		nodes[i].start = 1UL << 32 | i;
		nodes[i].last = nodes[i].start + (i % 3) * GRANULE;
		add(&nodes[i]);
	}
	for (int i = NODES - 1; i >= 0; i--) {
		right = right && mmun_filter_may_overlap(&filter, nodes[i].start,
							 nodes[i].start);
		take(&nodes[i]);
	}
	ok(right, "%d in a granule: none is missed while others go", NODES);
	ok(!mmun_filter_may_overlap(&filter, 1UL << 32, 1UL << 32),
	   "and the last one takes all with it");
}

static void place(int i, unsigned long start, unsigned long size)
{
	nodes[i].start = start;
	nodes[i].last = start + size - 1;
}

/* Without room: whatever is asked, it may be there. */
static void test_no_room(void)
{
	unsigned long far = 1UL << 46;

	ok(!mmun_filter_may_overlap(&filter, 0, ULONG_MAX), "nothing, no table");
	for (int i = 0; i < NODES; i++)
		place(i, (unsigned long)i << 20, GRANULE);
	for (int i = 0; i < NODES / 2; i++)
		add_without_room(&nodes[i]);
	ok(mmun_filter_may_overlap(&filter, far, far),
	   "without a table nothing is known");
	take(&nodes[0]);
	ok(mmun_filter_may_overlap(&filter, far, far), "... from then on");
	add(&nodes[0]);
	ok(!mmun_filter_may_overlap(&filter, far, far) &&
	   mmun_filter_may_overlap(&filter, nodes[NODES / 2 - 1].start,
				   nodes[NODES / 2 - 1].start),
	   "... until there is one, with all of them");
	make_room(NODES / 2);
	for (int i = NODES / 2; i < NODES; i++)
		add_without_room(&nodes[i]);
	ok(!filter.off, "%d for which there is room find it", NODES / 2);
	for (int i = 0; i < NODES; i++)
		take(&nodes[i]);
	mmun_filter_free(&filter);
}

/* Here today, there tomorrow: neither the table nor what it forgets grows. */
static void test_wandering(int wide)
{
	unsigned long found = 0;

	for (int i = 1; i <= wide; i++) {
		place(i, 0, 1UL << 40);
		add(&nodes[i]);
	}
	for (unsigned long i = 0; i < 200000; i++) {
		place(0, i << 20, GRANULE);
		add(&nodes[0]);
		take(&nodes[0]);
	}
	ok(table_size <= 1024 && filter.blocks <= 1024 && !filter.off,
	   "200000 places beside %d wide ones: a table of %zu", wide, table_size);
	for (int i = 1; i <= wide; i++)
		take(&nodes[i]);
	place(0, 1UL << 50, GRANULE);
	add(&nodes[0]);
	for (unsigned long i = 0; i < 200000; i++)
		found += mmun_filter_may_overlap(&filter, i << 20, i << 20);
	ok(found < 2000, "%lu of these are taken for something", found);
	take(&nodes[0]);
	mmun_filter_free(&filter);
}

int main(int argc, char **argv)
{
	tap_begin(60);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	seed = seed * 2 + 1;
	test_random(1UL << 20);
	test_random(1UL << 26);
	test_random(1UL << 47);
	test_random(ULONG_MAX);
	test_exact(1);
	test_exact(4);
	test_exact(60);
	test_crowd();
	mmun_filter_free(&filter);
	test_no_room();
	test_wandering(0);
	test_wandering(17);
	test_wandering(100);
	return tap_end();
}
