/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_INTERVAL_TREE_H
#define MMUN_BASE_INTERVAL_TREE_H
/*
 * Intervals [start, last], both inclusive, of which those that overlap another
 * are found in O(log n + how many): a treap, whose nodes know the largest last
 * below them, on either side: where a search goes on is decided without a look at
 * where it does not.  What a node's place in the heap is follows from its address,
 * so that it needs no memory, and no random numbers.
 *
 * Intrusive; duplicates are welcome.  Context: any, under a lock of the
 * caller's; but for mmun_interval_first().
 */

#include <stddef.h>

struct mmun_interval {
	struct mmun_interval *parent, *left, *right;
	unsigned long start;
	unsigned long last;
	/* The tree's: the largest last on that side, or 0. */
	unsigned long left_last, right_last;
};

struct mmun_interval_tree {
	struct mmun_interval *root;
};

/* The caller has set start and last, start <= last. */
void mmun_interval_insert(struct mmun_interval_tree *tree,
			  struct mmun_interval *node);
void mmun_interval_remove(struct mmun_interval_tree *tree,
			  struct mmun_interval *node);

/*
 * Those that overlap [start, last], by their start; NULL at the end.
 *
 * The first may be looked for while somebody changes the tree, for as long as
 * the memory of what was taken out is left alone.  What is found is right if the
 * tree has not changed: who looks sees to that by a version, which is odd before
 * a change, and even with release after it.  ORDER(interval-tree): each step is
 * an acquire, each change a release; who has seen part of a change sees by the
 * version that there was one.
 */
struct mmun_interval *
mmun_interval_first(const struct mmun_interval_tree *tree, unsigned long start,
		    unsigned long last);
struct mmun_interval *mmun_interval_next(struct mmun_interval *node,
					 unsigned long start,
					 unsigned long last);

#endif /* MMUN_BASE_INTERVAL_TREE_H */
