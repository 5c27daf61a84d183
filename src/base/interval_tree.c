// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>

#include "base/atomic.h"
#include "base/interval_tree.h"

enum { EARLIER, LATER };

static unsigned long larger(unsigned long a, unsigned long b)
{
	return a > b ? a : b;
}

static unsigned long largest_last(const struct mmun_interval *node)
{
	return node ? larger(node->last, larger(node->side_last[EARLIER],
						node->side_last[LATER])) : 0;
}

static uint8_t height(const struct mmun_interval *node)
{
	return node ? 1 + larger(node->side_height[EARLIER],
				 node->side_height[LATER]) : 0;
}

/* ORDER(interval-tree): all that a search reads is written like this. */
#define set(field, value) mmun_store_release(&(field), (value))

static int side_of(const struct mmun_interval *node)
{
	return node->parent->child[LATER] == node;
}

/* @new, or nothing, in the place of @old; the place knows nothing of it yet. */
static void replace(struct mmun_interval_tree *tree, struct mmun_interval *old,
		    struct mmun_interval *new)
{
	struct mmun_interval *parent = old->parent;

	if (parent)
		set(parent->child[side_of(old)], new);
	else
		set(tree->root, new);
	if (new)
		new->parent = parent;
}

/* @child, or nothing, on that side of @node.  Return: is what is known news? */
static bool know(struct mmun_interval *node, int side,
		 const struct mmun_interval *child)
{
	unsigned long last = largest_last(child);
	uint8_t high = height(child);

	if (node->side_last[side] == last && node->side_height[side] == high)
		return false;
	set(node->side_last[side], last);
	node->side_height[side] = high;
	return true;
}

static void hang(struct mmun_interval *node, int side,
		 struct mmun_interval *child)
{
	set(node->child[side], child);
	know(node, side, child);
	if (child)
		child->parent = node;
}

/* It and its parent change places; the order stays. */
static void rotate_up(struct mmun_interval_tree *tree,
		      struct mmun_interval *node)
{
	struct mmun_interval *parent = node->parent;
	int side = side_of(node);

	replace(tree, parent, node);
	hang(parent, side, node->child[!side]);
	hang(node, !side, parent);
}

static bool leans(const struct mmun_interval *node, int side, int by)
{
	return node->side_height[side] >= node->side_height[!side] + by;
}

/* One side is higher by two, at most.  Return: what is in its place. */
static struct mmun_interval *balance(struct mmun_interval_tree *tree,
				     struct mmun_interval *node)
{
	struct mmun_interval *child;
	int side = leans(node, LATER, 1);

	if (!leans(node, side, 2))
		return node;
	child = node->child[side];
	if (leans(child, !side, 1)) {
		child = child->child[!side];
		rotate_up(tree, child);
	}
	rotate_up(tree, child);
	return child;
}

/* Something is new about @node: so it may be to all above. */
static void pass_up(struct mmun_interval_tree *tree, struct mmun_interval *node)
{
	for (;;) {
		node = balance(tree, node);
		if (!node->parent || !know(node->parent, side_of(node), node))
			return;
		node = node->parent;
	}
}

void mmun_interval_insert(struct mmun_interval_tree *tree,
			  struct mmun_interval *node)
{
	struct mmun_interval **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[node->start >= parent->start];
	}
	node->parent = parent;
	for (int side = EARLIER; side <= LATER; side++) {
		node->child[side] = NULL;
		node->side_last[side] = 0;
		node->side_height[side] = 0;
	}
	set(*link, node);
	pass_up(tree, node);
}

/* It has one child at most. */
static void unlink(struct mmun_interval_tree *tree, struct mmun_interval *node)
{
	struct mmun_interval *parent = node->parent;
	struct mmun_interval *child = node->child[!node->child[EARLIER]];
	int side = parent ? side_of(node) : EARLIER;

	replace(tree, node, child);
	if (parent && know(parent, side, child))
		pass_up(tree, parent);
}

/* It has none. */
static void take_place(struct mmun_interval_tree *tree,
		       struct mmun_interval *node, struct mmun_interval *old)
{
	hang(node, EARLIER, old->child[EARLIER]);
	hang(node, LATER, old->child[LATER]);
	replace(tree, old, node);
	pass_up(tree, node);
}

void mmun_interval_remove(struct mmun_interval_tree *tree,
			  struct mmun_interval *node)
{
	struct mmun_interval *next = node->child[LATER];

	if (!next || !node->child[EARLIER]) {
		unlink(tree, node);
		return;
	}
	while (next->child[EARLIER])
		next = next->child[EARLIER];
	unlink(tree, next);
	take_place(tree, next, node);
}

#define get(field) mmun_load_acquire(&(field))

/* What is on that side, if anything there ends late enough. */
static struct mmun_interval *side_from(const struct mmun_interval *node,
				       int side, unsigned long start)
{
	return get(node->side_last[side]) >= start ? get(node->child[side]) :
						     NULL;
}

/*
 * Where start orders, the first that ends late enough also begins first.
 * Beside changes it may be led astray, and up again with what moves up: it ends
 * when they do.
 */
static struct mmun_interval *first_below(struct mmun_interval *node,
					 unsigned long start,
					 unsigned long last)
{
	struct mmun_interval *earlier;

	while (node) {
		earlier = side_from(node, EARLIER, start);
		if (earlier) {
			node = earlier;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		node = side_from(node, LATER, start);
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
		if (node->child[LATER] && node->side_last[LATER] >= start)
			return first_below(node->child[LATER], start, last);
		do {
			from = node;
			node = from->parent;
			if (!node)
				return NULL;
		} while (node->child[LATER] == from);
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
	}
}
