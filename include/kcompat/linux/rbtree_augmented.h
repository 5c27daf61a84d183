/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RBTREE_AUGMENTED_H
#define MMUN_KCOMPAT_LINUX_RBTREE_AUGMENTED_H
/*
 * Red-black trees whose nodes keep something about what is below them.
 *
 * The rules: the root is black, a red node has black children, and all paths
 * from a node down pass the same number of black ones.
 */
#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/rbtree_types.h>

/*
 * @propagate: @node has other children: what it keeps, and what is kept above
 *	it as far as @stop, exclusively
 * @copy: @new takes the place of @old
 * @rotate: the same, and @old is now below @new
 */
struct rb_augment_callbacks {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old, struct rb_node *new);
	void (*rotate)(struct rb_node *old, struct rb_node *new);
};

static inline void mmun_k_rb_none_propagate(struct rb_node *node,
					    struct rb_node *stop)
{
	(void)node;
	(void)stop;
}

static inline void mmun_k_rb_none(struct rb_node *old, struct rb_node *new)
{
	(void)old;
	(void)new;
}

static const struct rb_augment_callbacks mmun_k_rb_plain __maybe_unused = {
	.propagate = mmun_k_rb_none_propagate,
	.copy = mmun_k_rb_none,
	.rotate = mmun_k_rb_none,
};

static inline bool mmun_k_rb_is_red(const struct rb_node *node)
{
	return node && node->mmun_red;
}

/* @new, or nothing, takes the place of @old below its parent. */
static inline void mmun_k_rb_replace(struct rb_node *old, struct rb_node *new,
				     struct rb_root *root)
{
	struct rb_node *parent = old->mmun_parent;

	if (!parent)
		WRITE_ONCE(root->rb_node, new);
	else if (parent->rb_left == old)
		WRITE_ONCE(parent->rb_left, new);
	else
		WRITE_ONCE(parent->rb_right, new);
	if (new)
		new->mmun_parent = parent;
}

/* @node goes down to the left, or to the right; its child takes its place. */
static inline struct rb_node *
mmun_k_rb_rotate(struct rb_node *node, bool left, struct rb_root *root,
		 const struct rb_augment_callbacks *augment)
{
	struct rb_node *up = left ? node->rb_right : node->rb_left;
	struct rb_node *between = left ? up->rb_left : up->rb_right;

	mmun_k_rb_replace(node, up, root);
	if (left) {
		node->rb_right = between;
		up->rb_left = node;
	} else {
		node->rb_left = between;
		up->rb_right = node;
	}
	node->mmun_parent = up;
	if (between)
		between->mmun_parent = node;
	augment->rotate(node, up);
	return up;
}

/* @node was linked; what is kept above it says so already. */
static inline void
rb_insert_augmented(struct rb_node *node, struct rb_root *root,
		    const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent, *grand, *uncle;
	bool left;

	node->mmun_red = true;
	while (mmun_k_rb_is_red(parent = node->mmun_parent)) {
		grand = parent->mmun_parent;	/* the root is black */
		left = parent == grand->rb_left;
		uncle = left ? grand->rb_right : grand->rb_left;
		if (mmun_k_rb_is_red(uncle)) {
			parent->mmun_red = false;
			uncle->mmun_red = false;
			grand->mmun_red = true;
			node = grand;
			continue;
		}
		if (node == (left ? parent->rb_right : parent->rb_left))
			parent = mmun_k_rb_rotate(parent, left, root, augment);
		parent->mmun_red = false;
		grand->mmun_red = true;
		mmun_k_rb_rotate(grand, !left, root, augment);
		break;
	}
	root->rb_node->mmun_red = false;
}

/*
 * The paths through @node, maybe nothing, below @parent, lack one black node.
 */
static inline void
mmun_k_rb_fix_erased(struct rb_node *node, struct rb_node *parent,
		     struct rb_root *root,
		     const struct rb_augment_callbacks *augment)
{
	struct rb_node *other, *near, *far;
	bool left;

	while (parent && !mmun_k_rb_is_red(node)) {
		left = parent->rb_left == node;
		other = left ? parent->rb_right : parent->rb_left;
		if (other->mmun_red) {
			other->mmun_red = false;
			parent->mmun_red = true;
			mmun_k_rb_rotate(parent, left, root, augment);
			other = left ? parent->rb_right : parent->rb_left;
		}
		near = left ? other->rb_left : other->rb_right;
		far = left ? other->rb_right : other->rb_left;
		if (!mmun_k_rb_is_red(near) && !mmun_k_rb_is_red(far)) {
			other->mmun_red = true;
			node = parent;
			parent = node->mmun_parent;
			continue;
		}
		if (!mmun_k_rb_is_red(far)) {
			near->mmun_red = false;
			other->mmun_red = true;
			far = other;
			other = mmun_k_rb_rotate(other, !left, root, augment);
		}
		other->mmun_red = parent->mmun_red;
		parent->mmun_red = false;
		far->mmun_red = false;
		mmun_k_rb_rotate(parent, left, root, augment);
		return;
	}
	if (node)
		node->mmun_red = false;
}

static inline void
rb_erase_augmented(struct rb_node *node, struct rb_root *root,
		   const struct rb_augment_callbacks *augment)
{
	struct rb_node *next, *child, *parent;
	bool was_red;

	if (!node->rb_left || !node->rb_right) {
		child = node->rb_left ? node->rb_left : node->rb_right;
		parent = node->mmun_parent;
		was_red = node->mmun_red;
		mmun_k_rb_replace(node, child, root);
		augment->propagate(parent, NULL);
	} else {
		/*
		 * The next one in order, which has no left child, replaces it.
		 */
		next = node->rb_right;
		while (next->rb_left)
			next = next->rb_left;
		child = next->rb_right;
		was_red = next->mmun_red;
		parent = next->mmun_parent;
		if (parent == node) {
			parent = next;
		} else {
			mmun_k_rb_replace(next, child, root);
			next->rb_right = node->rb_right;
			next->rb_right->mmun_parent = next;
		}
		next->rb_left = node->rb_left;
		next->rb_left->mmun_parent = next;
		next->mmun_red = node->mmun_red;
		mmun_k_rb_replace(node, next, root);
		augment->copy(node, next);
		if (parent != next)
			augment->propagate(parent, next);
		augment->propagate(next, NULL);
	}
	if (!was_red)
		mmun_k_rb_fix_erased(child, parent, root, augment);
}

static inline void
rb_insert_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
			   bool leftmost,
			   const struct rb_augment_callbacks *augment)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_augmented(node, &root->rb_root, augment);
}

static inline struct rb_node *rb_next(const struct rb_node *node);

#define rb_erase_augmented_cached(node, root, augment)			\
	do {								\
		struct rb_node *mmun_k_node = (node);			\
		struct rb_root_cached *mmun_k_root = (root);		\
									\
		if (mmun_k_root->rb_leftmost == mmun_k_node)		\
			mmun_k_root->rb_leftmost = rb_next(mmun_k_node); \
		rb_erase_augmented(mmun_k_node, &mmun_k_root->rb_root,	\
				   augment);				\
	} while (0)

/*
 * Callbacks for what @compute finds from a node and its children: it stores
 * that in the node, and returns whether it may @exit, for nothing has changed.
 */
#define RB_DECLARE_CALLBACKS(rbstatic, name, type, field, kept, compute) \
static inline void name##_propagate(struct rb_node *rb, struct rb_node *stop) \
{									\
	while (rb != stop) {						\
		if (compute(rb_entry(rb, type, field), true))		\
			break;						\
		rb = rb->mmun_parent;					\
	}								\
}									\
static inline void name##_copy(struct rb_node *old, struct rb_node *new) \
{									\
	rb_entry(new, type, field)->kept = rb_entry(old, type, field)->kept; \
}									\
static inline void name##_rotate(struct rb_node *old, struct rb_node *new) \
{									\
	name##_copy(old, new);						\
	compute(rb_entry(old, type, field), false);			\
}									\
rbstatic const struct rb_augment_callbacks name = {			\
	.propagate = name##_propagate,					\
	.copy = name##_copy,						\
	.rotate = name##_rotate,					\
};

/* The same for the largest of what @value tells of each node. */
#define RB_DECLARE_CALLBACKS_MAX(rbstatic, name, type, field, kind, kept, \
				 value)					\
static inline bool name##_compute_max(type *node, bool exit)		\
{									\
	kind largest = value(node);					\
	type *child;							\
									\
	if (node->field.rb_left) {					\
		child = rb_entry(node->field.rb_left, type, field);	\
		if (child->kept > largest)				\
			largest = child->kept;				\
	}								\
	if (node->field.rb_right) {					\
		child = rb_entry(node->field.rb_right, type, field);	\
		if (child->kept > largest)				\
			largest = child->kept;				\
	}								\
	if (exit && node->kept == largest)				\
		return true;						\
	node->kept = largest;						\
	return false;							\
}									\
RB_DECLARE_CALLBACKS(rbstatic, name, type, field, kept, name##_compute_max)

#include <linux/rbtree.h>

#endif /* MMUN_KCOMPAT_LINUX_RBTREE_AUGMENTED_H */
