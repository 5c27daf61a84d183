/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_INTERVAL_TREE_H
#define MMUN_KCOMPAT_LINUX_INTERVAL_TREE_H
/* The usual tree of intervals. */
#include <linux/interval_tree_generic.h>

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;
	unsigned long __subtree_last;
};

#define MMUN_K_IT_START(node) ((node)->start)
#define MMUN_K_IT_LAST(node) ((node)->last)

INTERVAL_TREE_DEFINE(struct interval_tree_node, rb, unsigned long,
		     __subtree_last, MMUN_K_IT_START, MMUN_K_IT_LAST,
		     static inline, interval_tree)

#endif /* MMUN_KCOMPAT_LINUX_INTERVAL_TREE_H */
