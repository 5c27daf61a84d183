/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_INTERVAL_TREE_GENERIC_H
#define MMUN_KCOMPAT_LINUX_INTERVAL_TREE_GENERIC_H
/*
 * Trees of intervals, in the order of their starts, each node with the largest
 * end of what is below it.  Both ends belong to the interval.
 */
#include <linux/rbtree_augmented.h>

#define INTERVAL_TREE_DEFINE(ITSTRUCT, ITRB, ITTYPE, ITSUBTREE, ITSTART, \
			     ITLAST, ITSTATIC, ITPREFIX)		\
RB_DECLARE_CALLBACKS_MAX(static, ITPREFIX##_augment, ITSTRUCT, ITRB,	\
			 ITTYPE, ITSUBTREE, ITLAST)			\
									\
ITSTATIC __maybe_unused void						\
ITPREFIX##_insert(ITSTRUCT *node, struct rb_root_cached *root)		\
{									\
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;	\
	ITSTRUCT *at;							\
	bool leftmost = true;						\
									\
	while (*link) {							\
		parent = *link;						\
		at = rb_entry(parent, ITSTRUCT, ITRB);			\
		if (at->ITSUBTREE < ITLAST(node))			\
			at->ITSUBTREE = ITLAST(node);			\
		if (ITSTART(node) < ITSTART(at)) {			\
			link = &parent->rb_left;			\
		} else {						\
			link = &parent->rb_right;			\
			leftmost = false;				\
		}							\
	}								\
	node->ITSUBTREE = ITLAST(node);					\
	rb_link_node(&node->ITRB, parent, link);			\
	rb_insert_augmented_cached(&node->ITRB, root, leftmost,		\
				   &ITPREFIX##_augment);		\
}									\
									\
ITSTATIC __maybe_unused void						\
ITPREFIX##_remove(ITSTRUCT *node, struct rb_root_cached *root)		\
{									\
	rb_erase_augmented_cached(&node->ITRB, root, &ITPREFIX##_augment); \
}									\
									\
/* The first one at or below @rb that meets [start, last]. */		\
static inline ITSTRUCT *						\
ITPREFIX##_subtree_search(struct rb_node *rb, ITTYPE start, ITTYPE last) \
{									\
	ITSTRUCT *node, *left;						\
									\
	while (rb) {							\
		node = rb_entry(rb, ITSTRUCT, ITRB);			\
		if (node->ITSUBTREE < start)				\
			return NULL;					\
		left = rb_entry_safe(rb->rb_left, ITSTRUCT, ITRB);	\
		if (left && left->ITSUBTREE >= start) {			\
			/* What ends late enough there starts before us. */ \
			rb = rb->rb_left;				\
			continue;					\
		}							\
		if (ITSTART(node) > last)				\
			return NULL;					\
		if (ITLAST(node) >= start)				\
			return node;					\
		rb = rb->rb_right;					\
	}								\
	return NULL;							\
}									\
									\
ITSTATIC __maybe_unused ITSTRUCT *					\
ITPREFIX##_iter_first(struct rb_root_cached *root, ITTYPE start,	\
		      ITTYPE last)					\
{									\
	return ITPREFIX##_subtree_search(root->rb_root.rb_node, start,	\
					 last);				\
}									\
									\
ITSTATIC __maybe_unused ITSTRUCT *					\
ITPREFIX##_iter_next(ITSTRUCT *node, ITTYPE start, ITTYPE last)		\
{									\
	struct rb_node *rb = &node->ITRB, *from;			\
	ITSTRUCT *found = ITPREFIX##_subtree_search(rb->rb_right, start, \
						    last);		\
									\
	while (!found) {						\
		do {							\
			from = rb;					\
			rb = rb_parent(rb);				\
			if (!rb)					\
				return NULL;				\
		} while (rb->rb_right == from);				\
		node = rb_entry(rb, ITSTRUCT, ITRB);			\
		if (ITSTART(node) > last)				\
			return NULL;					\
		if (ITLAST(node) >= start)				\
			return node;					\
		found = ITPREFIX##_subtree_search(rb->rb_right, start, last); \
	}								\
	return found;							\
}

#endif /* MMUN_KCOMPAT_LINUX_INTERVAL_TREE_GENERIC_H */
