// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The interval tree against an array that is searched from end to end.
 *
 *	uffd-interval_tree [seed]
 */
#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "base/interval_tree.h"
#include "tap.h"

#define NODES 300
#define ROUNDS 30000

static struct mmun_interval nodes[NODES];
static bool in_tree[NODES];
static struct mmun_interval_tree tree;
static uint64_t seed;

static unsigned long pick(unsigned long below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static bool overlaps(const struct mmun_interval *node, unsigned long start,
		     unsigned long last)
{
	return node->start <= last && node->last >= start;
}

/* As many as the model has, each of them in the model, in order, none twice. */
static bool agrees(unsigned long start, unsigned long last)
{
	struct mmun_interval *node = mmun_interval_first(&tree, start, last);
	unsigned long before = 0;
	bool seen[NODES] = { false };
	int found = 0, expected = 0;

	for (int i = 0; i < NODES; i++)
		expected += in_tree[i] && overlaps(&nodes[i], start, last);
	for (; node; node = mmun_interval_next(node, start, last)) {
		int i = node - nodes;

		if (!in_tree[i] || seen[i] || node->start < before ||
		    !overlaps(node, start, last))
			return false;
		seen[i] = true;
		before = node->start;
		found++;
	}
	return found == expected;
}

static int depth(const struct mmun_interval *node)
{
	int earlier, later;

	if (!node)
		return 0;
	earlier = depth(node->child[0]);
	later = depth(node->child[1]);
	return 1 + (earlier > later ? earlier : later);
}

static unsigned long largest_last(const struct mmun_interval *node)
{
	unsigned long last = node->last;

	for (int side = 0; side < 2; side++)
		if (node->side_last[side] > last)
			last = node->side_last[side];
	return last;
}

/* Links, order, balance, and what is known of each side. */
static bool sound(const struct mmun_interval *node)
{
	if (!node)
		return true;
	for (int side = 0; side < 2; side++) {
		const struct mmun_interval *child = node->child[side];

		if (node->side_last[side] != (child ? largest_last(child) : 0) ||
		    node->side_height[side] != depth(child))
			return false;
		if (!child)
			continue;
		if (child->parent != node || !sound(child))
			return false;
		if (side ? child->start < node->start :
			   child->start > node->start)
			return false;
	}
	return abs(node->side_height[0] - node->side_height[1]) <= 1;
}

static void change(unsigned long space)
{
	int i = pick(NODES);

	if (in_tree[i]) {
		mmun_interval_remove(&tree, &nodes[i]);
	} else {
		nodes[i].start = pick(space);
		nodes[i].last = nodes[i].start + pick(space / 8 + 1);
		mmun_interval_insert(&tree, &nodes[i]);
	}
	in_tree[i] = !in_tree[i];
}

static void test_random(unsigned long space)
{
	bool right = true;

	for (int i = 0; i < ROUNDS && right; i++) {
		unsigned long start = pick(space + space / 4);

		change(space);
		right = agrees(start, start + pick(space / 4 + 1)) &&
			(i % 64 || (sound(tree.root) &&
				    (!tree.root || !tree.root->parent)));
	}
	ok(right, "random intervals of [0, %lu): finds what a search finds",
	   space);
}

static void test_edges(void)
{
	struct mmun_interval all = { .start = 0, .last = ULONG_MAX };
	struct mmun_interval end = { .start = ULONG_MAX, .last = ULONG_MAX };
	struct mmun_interval_tree t = { NULL };

	ok(!mmun_interval_first(&t, 0, ULONG_MAX), "an empty tree has nothing");
	mmun_interval_insert(&t, &all);
	mmun_interval_insert(&t, &end);
	ok(mmun_interval_first(&t, 5, 5) == &all &&
	   !mmun_interval_next(&all, 5, 5), "one that covers everything");
	ok(mmun_interval_first(&t, ULONG_MAX, ULONG_MAX) == &all &&
	   mmun_interval_next(&all, ULONG_MAX, ULONG_MAX) == &end,
	   "the last byte there is");
	mmun_interval_remove(&t, &all);
	mmun_interval_remove(&t, &end);
	ok(!t.root, "removed, nothing is left");
}

#define MANY 1000000

static void test_many(void)
{
	struct mmun_interval *many = calloc(MANY, sizeof(*many));
	struct mmun_interval_tree t = { NULL };
	unsigned long hits = 0;
	int deep;

	if (!many)
		bail("no memory");
	for (unsigned long i = 0; i < MANY; i++) {
		many[i].start = i * 10;
		many[i].last = i * 10 + 4;
		mmun_interval_insert(&t, &many[i]);
	}
	deep = depth(t.root);
	ok(deep <= 28, "a million in order: %d deep", deep);
	for (unsigned long i = 0; i < MANY; i++)
		hits += mmun_interval_first(&t, i * 10 + 4, i * 10 + 9) ==
				&many[i] &&
			!mmun_interval_first(&t, i * 10 + 5, i * 10 + 9);
	ok(hits == MANY, "each is found where it is, and not beside");
	for (unsigned long i = 0; i < MANY; i++)
		mmun_interval_remove(&t, &many[i]);
	ok(!t.root, "and all removed again");
	free(many);
}

int main(int argc, char **argv)
{
	tap_begin(60);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	seed = seed * 2 + 1;
	test_edges();
	test_random(20);
	test_random(2000);
	test_random(1UL << 40);
	test_many();
	return tap_end();
}
