/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RBTREE_H
#define MMUN_KCOMPAT_LINUX_RBTREE_H
/* Red-black trees; what is in order is the user's to say. */
#include <linux/rbtree_augmented.h>

#define rb_parent(node) ((node)->mmun_parent)
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member)				\
	({								\
		typeof(ptr) mmun_k_rb = (ptr);				\
									\
		mmun_k_rb ? rb_entry(mmun_k_rb, type, member) : NULL;	\
	})
#define RB_EMPTY_ROOT(root) (READ_ONCE((root)->rb_node) == NULL)
#define RB_EMPTY_NODE(node) ((node)->mmun_parent == (node))
#define RB_CLEAR_NODE(node) ((void)((node)->mmun_parent = (node)))

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->rb_left = NULL;
	node->rb_right = NULL;
	node->mmun_parent = parent;
	node->mmun_red = true;
	smp_store_release(link, node);
}

#define rb_link_node_rcu(node, parent, link) rb_link_node(node, parent, link)

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	rb_insert_augmented(node, root, &mmun_k_rb_plain);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_augmented(node, root, &mmun_k_rb_plain);
}

/* The one at the end of the way to the left, or to the right. */
static inline struct rb_node *mmun_k_rb_end(struct rb_node *node, bool left)
{
	struct rb_node *next = node;

	while (next) {
		node = next;
		next = left ? node->rb_left : node->rb_right;
	}
	return node;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return mmun_k_rb_end(root->rb_node, true);
}

static inline struct rb_node *rb_last(const struct rb_root *root)
{
	return mmun_k_rb_end(root->rb_node, false);
}

static inline struct rb_node *mmun_k_rb_step(const struct rb_node *node,
					     bool forward)
{
	struct rb_node *down = forward ? node->rb_right : node->rb_left;
	struct rb_node *up;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (down)
		return mmun_k_rb_end(down, forward);
	for (up = node->mmun_parent;
	     up && node == (forward ? up->rb_right : up->rb_left);
	     up = up->mmun_parent)
		node = up;
	return up;
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	return mmun_k_rb_step(node, true);
}

static inline struct rb_node *rb_prev(const struct rb_node *node)
{
	return mmun_k_rb_step(node, false);
}

static inline void rb_replace_node(struct rb_node *old, struct rb_node *new,
				   struct rb_root *root)
{
	*new = *old;
	if (old->rb_left)
		old->rb_left->mmun_parent = new;
	if (old->rb_right)
		old->rb_right->mmun_parent = new;
	mmun_k_rb_replace(old, new, root);
}

/* Children before their parents. */
static inline struct rb_node *mmun_k_rb_deepest(struct rb_node *node)
{
	while (node->rb_left || node->rb_right)
		node = node->rb_left ? node->rb_left : node->rb_right;
	return node;
}

static inline struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->rb_node ? mmun_k_rb_deepest(root->rb_node) : NULL;
}

static inline struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = node ? node->mmun_parent : NULL;

	if (parent && node == parent->rb_left && parent->rb_right)
		return mmun_k_rb_deepest(parent->rb_right);
	return parent;
}

#define rbtree_postorder_for_each_entry_safe(pos, n, root, field)	\
	for (pos = rb_entry_safe(rb_first_postorder(root),		\
				 typeof(*pos), field);			\
	     pos && ({ n = rb_entry_safe(rb_next_postorder(&pos->field), \
					 typeof(*pos), field); 1; });	\
	     pos = n)

/* -- roots that know their first node -- */

#define rb_first_cached(root) ((root)->rb_leftmost)

static inline void rb_insert_color_cached(struct rb_node *node,
					  struct rb_root_cached *root,
					  bool leftmost)
{
	rb_insert_augmented_cached(node, root, leftmost, &mmun_k_rb_plain);
}

static inline struct rb_node *rb_erase_cached(struct rb_node *node,
					      struct rb_root_cached *root)
{
	struct rb_node *leftmost = NULL;

	if (root->rb_leftmost == node) {
		leftmost = rb_next(node);
		root->rb_leftmost = leftmost;
	}
	rb_erase(node, &root->rb_root);
	return leftmost;
}

static inline void rb_replace_node_cached(struct rb_node *old,
					  struct rb_node *new,
					  struct rb_root_cached *root)
{
	if (root->rb_leftmost == old)
		root->rb_leftmost = new;
	rb_replace_node(old, new, &root->rb_root);
}

/* -- with a comparison -- */

static inline bool mmun_k_rb_add(struct rb_node *node, struct rb_root *root,
				 bool (*less)(struct rb_node *,
					      const struct rb_node *))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(node, parent, link);
	return leftmost;
}

static inline void rb_add(struct rb_node *node, struct rb_root *root,
			  bool (*less)(struct rb_node *,
				       const struct rb_node *))
{
	mmun_k_rb_add(node, root, less);
	rb_insert_color(node, root);
}

static inline struct rb_node *
rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
	      bool (*less)(struct rb_node *, const struct rb_node *))
{
	bool leftmost = mmun_k_rb_add(node, &root->rb_root, less);

	rb_insert_color_cached(node, root, leftmost);
	return leftmost ? node : NULL;
}

static inline struct rb_node *
rb_find_add(struct rb_node *node, struct rb_root *root,
	    int (*cmp)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;
	int order;

	while (*link) {
		parent = *link;
		order = cmp(node, parent);
		if (!order)
			return parent;
		link = order < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, root);
	return NULL;
}

static inline struct rb_node *
rb_find(const void *key, const struct rb_root *root,
	int (*cmp)(const void *key, const struct rb_node *))
{
	struct rb_node *node = root->rb_node;
	int order;

	while (node) {
		order = cmp(key, node);
		if (!order)
			break;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return node;
}

static inline struct rb_node *
rb_find_first(const void *key, const struct rb_root *root,
	      int (*cmp)(const void *key, const struct rb_node *))
{
	struct rb_node *node = root->rb_node, *found = NULL;
	int order;

	while (node) {
		order = cmp(key, node);
		if (!order)
			found = node;
		node = order <= 0 ? node->rb_left : node->rb_right;
	}
	return found;
}

/* The next with the same key. */
static inline struct rb_node *
rb_next_match(const void *key, struct rb_node *node,
	      int (*cmp)(const void *key, const struct rb_node *))
{
	node = rb_next(node);
	return node && !cmp(key, node) ? node : NULL;
}

#define rb_for_each(node, key, root, cmp)			\
	for ((node) = rb_find_first(key, root, cmp); (node);	\
	     (node) = rb_next_match(key, node, cmp))

#endif /* MMUN_KCOMPAT_LINUX_RBTREE_H */
