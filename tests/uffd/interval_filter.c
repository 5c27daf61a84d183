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

static void add(struct mmun_interval *node)
{
	struct mmun_filter_table *table = mmun_filter_reserve(&filter, 1);

	if (table && !mmun_filter_grow(&filter, table))
		mmun_filter_free_table(table);
	mmun_interval_insert(&tree, node);
	mmun_filter_add(&filter, node->start, node->last);
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

/* Without room: whatever is asked, it may be there. */
static void test_no_room(void)
{
	struct mmun_filter none = { 0 };

	ok(!mmun_filter_may_overlap(&none, 0, ULONG_MAX), "nothing, no table");
	mmun_filter_add(&none, 0, GRANULE - 1);
	ok(mmun_filter_may_overlap(&none, 1UL << 30, 1UL << 30),
	   "without a table nothing is known");
	mmun_filter_remove(&none, &tree, 0, GRANULE - 1);
	ok(mmun_filter_may_overlap(&none, 1UL << 30, 1UL << 30) &&
	   !mmun_filter_reserve(&none, 1), "... from then on");
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
	test_no_room();
	mmun_filter_free(&filter);
	return tap_end();
}
