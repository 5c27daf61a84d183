/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_INTERVAL_TREE_H
#define MMUN_BASE_INTERVAL_TREE_H
/*
 * Intervals [start, last], both inclusive, of which those that overlap another
 * are found in O(log n + how many): a balanced (AVL) tree by start, whose nodes
 * know of either side how high it is and the largest last in it: neither a search
 * nor a change looks at where it does not go.
 *
 * Intrusive; duplicates are welcome.  Context: any, under a lock of the
 * caller's; but for mmun_interval_first().
 */

#include <stddef.h>
#include <stdint.h>

struct mmun_interval {
	struct mmun_interval *parent;
	uint8_t side_height[2];
	/* From here on what a search reads: a cache line, or a part of one. */
	struct mmun_interval *child[2];	/* what begins earlier, and later */
	unsigned long side_last[2];	/* the largest last there, or 0 */
	unsigned long start;
	unsigned long last;
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
