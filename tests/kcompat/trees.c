// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Red-black trees, interval trees, XArrays: against simple models. */
#include <linux/idr.h>
#include <linux/interval_tree.h>
#include <linux/rbtree.h>
#include <linux/xarray.h>

#include "../srcu/threads.h"

#define NR 200
#define ROUNDS 20000

/* -- red-black trees, whose nodes keep how many are below -- */

struct number {
	struct rb_node rb;
	int key;
	int below;		/* with itself */
	bool in;
};

static struct number number[NR];

static int below(const struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct number, rb)->below : 0;
}

static bool count_below(struct number *n, bool exit)
{
	int now = 1 + below(n->rb.rb_left) + below(n->rb.rb_right);

	if (exit && n->below == now)
		return true;
	n->below = now;
	return false;
}

RB_DECLARE_CALLBACKS(static, counting, struct number, rb, below, count_below)

static void insert_number(struct number *n, struct rb_root_cached *root)
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		rb_entry(parent, struct number, rb)->below++;
		if (n->key < rb_entry(parent, struct number, rb)->key) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	n->below = 1;
	rb_link_node(&n->rb, parent, link);
	rb_insert_augmented_cached(&n->rb, root, leftmost, &counting);
}

/* Return: how many black nodes are on each path; negative: it is no tree. */
static int black_height(const struct rb_node *rb, const struct rb_node *parent)
{
	int left, right;

	if (!rb)
		return 0;
	if (rb_parent(rb) != parent ||
	    (rb->mmun_red && (!parent || parent->mmun_red)) ||
	    below(rb) != 1 + below(rb->rb_left) + below(rb->rb_right))
		return -1;
	left = black_height(rb->rb_left, rb);
	right = black_height(rb->rb_right, rb);
	if (left < 0 || left != right)
		return -1;
	return left + !rb->mmun_red;
}

/* Forwards, backwards, children first. */
static bool holds_all(struct rb_root_cached *root, int n)
{
	struct number *at, *next;
	struct rb_node *rb;
	int seen = 0, last = -1, up = 0, post = 0;

	for (rb = rb_first(&root->rb_root); rb; rb = rb_next(rb)) {
		at = rb_entry(rb, struct number, rb);
		if (at->key < last || !at->in)
			return false;
		last = at->key;
		seen++;
	}
	for (rb = rb_last(&root->rb_root); rb; rb = rb_prev(rb))
		up++;
	rbtree_postorder_for_each_entry_safe(at, next, &root->rb_root, rb)
		post++;
	return seen == n && up == n && post == n &&
	       rb_first_cached(root) == rb_first(&root->rb_root);
}

static void test_rbtree(uint64_t seed)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	int in = 0, wrong = 0;

	for (int i = 0; i < NR; i++) {
		number[i].key = next_random(&seed) % (NR / 2);
		RB_CLEAR_NODE(&number[i].rb);
	}
	ok(RB_EMPTY_NODE(&number[0].rb) && !rb_next(&number[0].rb),
	   "a node that was cleared is in no tree");
	for (int i = 0; i < ROUNDS; i++) {
		struct number *n = &number[next_random(&seed) % NR];

		if (!n->in)
			insert_number(n, &root);
		else
			rb_erase_augmented_cached(&n->rb, &root, &counting);
		n->in = !n->in;
		in += n->in ? 1 : -1;
		if (black_height(root.rb_root.rb_node, NULL) < 0 ||
		    (i % 16 == 0 && !holds_all(&root, in)))
			wrong++;
	}
	ok(!wrong, "a tree stays one, and what is kept in it is right");
	ok(holds_all(&root, in), "it holds what was put in");
	while (rb_first_cached(&root)) {
		struct number *n = rb_entry(rb_first_cached(&root),
					    struct number, rb);

		rb_erase_cached(&n->rb, &root);
		n->in = false;
	}
	ok(RB_EMPTY_ROOT(&root.rb_root), "it can be emptied");
}

static bool less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct number, rb)->key <
	       rb_entry(b, const struct number, rb)->key;
}

static int compare(const void *key, const struct rb_node *rb)
{
	return *(const int *)key - rb_entry(rb, const struct number, rb)->key;
}

static int compare_nodes(struct rb_node *a, const struct rb_node *b)
{
	return compare(&rb_entry(a, struct number, rb)->key, b);
}

static void test_rb_find(void)
{
	struct rb_root root = RB_ROOT;
	struct number again = { .key = 7 }, instead = { .key = 7 };
	int key = 7, missing = 1000, equal = 0;
	struct rb_node *at;

	for (int i = 0; i < 20; i++) {
		number[i].key = i;
		ok(!rb_find_add(&number[i].rb, &root, compare_nodes),
		   "%d is new", i);
	}
	ok(rb_find_add(&again.rb, &root, compare_nodes) == &number[7].rb,
	   "what is there is found");
	rb_add(&again.rb, &root, less);
	ok(rb_find_first(&key, &root, compare) == &number[7].rb &&
		   rb_next(&number[7].rb) == &again.rb,
	   "what is added comes after its equals");
	rb_for_each(at, &key, &root, compare)
		equal++;
	ok(equal == 2, "who goes over its equals meets both");
	ok(!rb_find(&missing, &root, compare),
	   "what is not there is not found");
	rb_replace_node(&again.rb, &instead.rb, &root);
	ok(rb_next(&number[7].rb) == &instead.rb &&
		   rb_prev(&number[8].rb) == &instead.rb,
	   "a node takes another's place");
}

/* -- interval trees -- */

static struct interval_tree_node interval[NR];
static bool interval_in[NR];

/* Does the tree find those that a search of all finds, in order? */
static bool queries_agree(struct rb_root_cached *root, unsigned long start,
			  unsigned long last)
{
	struct interval_tree_node *at;
	unsigned long before = 0;
	int wanted = 0, got = 0;

	for (int i = 0; i < NR; i++)
		wanted += interval_in[i] && interval[i].start <= last &&
			  interval[i].last >= start;
	for (at = interval_tree_iter_first(root, start, last); at;
	     at = interval_tree_iter_next(at, start, last)) {
		if (at->start < before || at->start > last || at->last < start)
			return false;
		before = at->start;
		got++;
	}
	return got == wanted;
}

static void test_interval_tree(uint64_t seed)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	int wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int n = next_random(&seed) % NR;
		unsigned long start = next_random(&seed) % 1000;
		unsigned long last = start + next_random(&seed) % 40;

		if (interval_in[n]) {
			interval_tree_remove(&interval[n], &root);
		} else {
			interval[n].start = next_random(&seed) % 1000;
			interval[n].last = interval[n].start +
					   next_random(&seed) % 60;
			interval_tree_insert(&interval[n], &root);
		}
		interval_in[n] = !interval_in[n];
		wrong += !queries_agree(&root, start, last);
	}
	ok(!wrong, "an interval tree finds what a search of all finds");
	ok(queries_agree(&root, 0, ULONG_MAX), "all of it, too");
}

/* -- numbers for pointers -- */

static void test_xarray(void)
{
	static DEFINE_XARRAY_ALLOC1(xa);
	unsigned long index, sum = 0;
	int one, two;
	u32 id, next;
	void *at;

	ok(!xa_store(&xa, 5, &one, GFP_KERNEL) && xa_load(&xa, 5) == &one,
	   "what is stored is there");
	ok(xa_insert(&xa, 5, &two, GFP_KERNEL) == -EBUSY, "and in the way");
	ok(xa_cmpxchg(&xa, 5, &two, NULL, GFP_KERNEL) == &one &&
		   xa_load(&xa, 5) == &one, "another is not exchanged for it");
	ok(!xa_alloc(&xa, &id, &two, xa_limit_32b, GFP_KERNEL) && id == 1,
	   "the lowest index is given away");
	xa_lock(&xa);
	ok(xa_load(&xa, 1) == &two && !__xa_store(&xa, 9, &one, GFP_ATOMIC),
	   "under its lock, too");
	xa_unlock(&xa);
	xa_for_each(&xa, index, at)
		sum += index;
	ok(sum == 1 + 5 + 9, "all are visited");
	mmun_k_fail_in = 0;
	ok(xa_err(xa_store(&xa, 100, &one, GFP_KERNEL)) == -ENOMEM,
	   "an error is told");
	next = 12;
	ok(!xa_alloc_cyclic(&xa, &id, &one, XA_LIMIT(10, 12), &next,
			    GFP_KERNEL) && id == 12 && next == 13,
	   "in turn, from the last one on");
	ok(xa_alloc_cyclic(&xa, &id, &one, XA_LIMIT(10, 12), &next,
			   GFP_KERNEL) == 1 && id == 10 && next == 11,
	   "and from the lowest again, which is told");
	ok(xa_erase(&xa, 5) == &one && !xa_load(&xa, 5), "erased is gone");
	xa_destroy(&xa);
	ok(xa_empty(&xa), "destroyed is empty");
}

static void test_idr(void)
{
	DEFINE_IDR(idr);
	DEFINE_IDA(ida);
	int value[3], id, sum = 0, *at;

	for (int i = 0; i < 3; i++)
		ok(idr_alloc(&idr, &value[i], 2, 5, GFP_KERNEL) == 2 + i,
		   "number %d", i);
	ok(idr_alloc(&idr, &value[0], 2, 5, GFP_KERNEL) == -ENOSPC, "no more");
	idr_for_each_entry(&idr, at, id)
		sum += id;
	ok(sum == 9 && idr_find(&idr, 3) == &value[1], "they are found");
	ok(idr_remove(&idr, 3) == &value[1] && !idr_find(&idr, 3), "or not");
	idr_destroy(&idr);
	ok(!ida_alloc(&ida, GFP_KERNEL) && ida_alloc(&ida, GFP_KERNEL) == 1,
	   "numbers alone");
	ida_free(&ida, 0);
	ok(!ida_alloc(&ida, GFP_KERNEL), "and again");
	ida_destroy(&ida);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20240229;

	tap_begin(100);
	diag("seed %llu", (unsigned long long)seed);
	test_rbtree(seed);
	test_rb_find();
	test_interval_tree(seed);
	test_xarray();
	test_idr();
	return tap_end();
}
