// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/interval_tree.h"

/* The heap's order: addresses, well mixed, are as good as random. */
static uint64_t priority(const struct mmun_interval *node)
{
	uint64_t x = (uintptr_t)node;

	x = (x ^ x >> 32) * 0x9e3779b97f4a7c15ULL;
	return (x ^ x >> 29) * 0xd6e8feb86659fd93ULL;
}

static unsigned long larger(unsigned long a, unsigned long b)
{
	return a > b ? a : b;
}

static unsigned long largest_last(const struct mmun_interval *node)
{
	return node ? larger(node->last,
			     larger(node->left_last, node->right_last)) : 0;
}

/* ORDER(interval-tree): all that a search reads is written like this. */
#define set(field, value) mmun_store_release(&(field), (value))

static void update(struct mmun_interval *node)
{
	set(node->left_last, largest_last(node->left));
	set(node->right_last, largest_last(node->right));
}

/* @new, or nothing, in the place of @old. */
static void replace(struct mmun_interval_tree *tree, struct mmun_interval *old,
		    struct mmun_interval *new)
{
	struct mmun_interval *parent = old->parent;

	if (!parent)
		set(tree->root, new);
	else if (parent->left == old)
		set(parent->left, new);
	else
		set(parent->right, new);
	if (new)
		new->parent = parent;
}

/* It and its parent change places; the order stays. */
static void rotate_up(struct mmun_interval_tree *tree,
		      struct mmun_interval *node)
{
	struct mmun_interval *parent = node->parent, *moved;

	replace(tree, parent, node);
	if (parent->left == node) {
		moved = node->right;
		set(parent->left, moved);
		set(node->right, parent);
	} else {
		moved = node->left;
		set(parent->right, moved);
		set(node->left, parent);
	}
	if (moved)
		moved->parent = parent;
	parent->parent = node;
	update(parent);
	update(node);
}

void mmun_interval_insert(struct mmun_interval_tree *tree,
			  struct mmun_interval *node)
{
	struct mmun_interval **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		if (node->start < parent->start) {
			set(parent->left_last,
			    larger(parent->left_last, node->last));
			link = &parent->left;
		} else {
			set(parent->right_last,
			    larger(parent->right_last, node->last));
			link = &parent->right;
		}
	}
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->left_last = 0;
	node->right_last = 0;
	set(*link, node);
	while (node->parent && priority(node->parent) < priority(node))
		rotate_up(tree, node);
}

void mmun_interval_remove(struct mmun_interval_tree *tree,
			  struct mmun_interval *node)
{
	while (node->left && node->right)
		rotate_up(tree, priority(node->left) > priority(node->right) ?
					node->left : node->right);
	replace(tree, node, node->left ? node->left : node->right);
	for (node = node->parent; node; node = node->parent)
		update(node);
}

#define get(field) mmun_load_acquire(&(field))

/*
 * Where start orders, the first that ends late enough also begins first.
 * Beside changes it may be led astray, but always down: it ends when they do.
 */
static struct mmun_interval *first_below(struct mmun_interval *node,
					 unsigned long start,
					 unsigned long last)
{
	struct mmun_interval *left;

	while (node) {
		left = get(node->left_last) >= start ? get(node->left) : NULL;
		if (left) {
			node = left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		node = get(node->right_last) >= start ? get(node->right) : NULL;
	}
	return NULL;
}

struct mmun_interval *
mmun_interval_first(const struct mmun_interval_tree *tree, unsigned long start,
		    unsigned long last)
{
	return first_below(get(tree->root), start, last);
}

struct mmun_interval *mmun_interval_next(struct mmun_interval *node,
					 unsigned long start,
					 unsigned long last)
{
	struct mmun_interval *from;

	for (;;) {
		if (node->right && node->right_last >= start)
			return first_below(node->right, start, last);
		do {
			from = node;
			node = from->parent;
			if (!node)
				return NULL;
		} while (node->right == from);
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
	}
}
