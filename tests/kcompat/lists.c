// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists: what moves about in them. */
#include "tap.h"

#include <mmun_kcompat.h>
#include <linux/list.h>
#include <linux/llist.h>

struct item {
	struct list_head entry;
	struct hlist_node hashed;
	struct llist_node pushed;
	char name;
};

static struct item item[5];
static LIST_HEAD(list);

/* a, b, c, d, e */
static void fill(void)
{
	INIT_LIST_HEAD(&list);
	for (int i = 0; i < 5; i++) {
		item[i].name = 'a' + i;
		list_add_tail(&item[i].entry, &list);
	}
}

/* In both directions. */
static bool is(struct list_head *head, const char *names)
{
	const char *end = names + __builtin_strlen(names);
	struct item *at;

	list_for_each_entry(at, head, entry)
		if (at->name != *names++)
			return false;
	if (*names)
		return false;
	list_for_each_entry_reverse(at, head, entry)
		if (at->name != *--end)
			return false;
	return true;
}

static void test_moves(void)
{
	LIST_HEAD(front);

	fill();
	list_swap(&item[0].entry, &item[3].entry);
	ok(is(&list, "dbcae"), "two change places");
	list_swap(&item[1].entry, &item[2].entry);
	ok(is(&list, "dcbae"), "neighbours");
	list_swap(&item[1].entry, &item[2].entry);
	ok(is(&list, "dbcae"), "and the other way");
	list_rotate_to_front(&item[2].entry, &list);
	ok(is(&list, "caedb"), "one becomes the first");
	list_cut_before(&front, &list, &item[4].entry);
	ok(is(&front, "ca") && is(&list, "edb"), "those before one are cut");
	list_cut_before(&front, &list, &item[4].entry);
	ok(list_empty(&front) && is(&list, "edb"), "there may be none");
	list_cut_before(&front, &list, &list);
	ok(is(&front, "edb") && list_empty(&list), "or all of them");
}

static void test_walks(void)
{
	struct list_head *link, *next_link;
	struct item *at = &item[2], *next;
	char seen[8] = "";
	int n = 0;

	fill();
	list_for_each_entry_continue_reverse(at, &list, entry)
		seen[n++] = at->name;
	at = &item[1];
	list_for_each_entry_from_reverse(at, &list, entry)
		seen[n++] = at->name;
	ok(!__builtin_strcmp(seen, "baba"), "back from one, or from before it");
	at = &item[2];
	list_for_each_entry_safe_continue(at, next, &list, entry)
		list_del(&at->entry);
	ok(is(&list, "abc"), "those after one are taken out");
	ok(list_next_entry_circular(&item[2], &list, entry) == &item[0] &&
		   list_prev_entry_circular(&item[0], &list, entry) == &item[2],
	   "after the last comes the first");
	list_for_each_prev_safe(link, next_link, &list)
		list_del(link);
	ok(list_empty(&list), "all are, from the end");
}

static void test_hlist(void)
{
	HLIST_HEAD(head);

	hlist_add_head(&item[0].hashed, &head);
	ok(hlist_is_singular_node(&item[0].hashed, &head), "one is alone");
	hlist_add_head(&item[1].hashed, &head);
	ok(!hlist_is_singular_node(&item[1].hashed, &head) &&
		   hlist_count_nodes(&head) == 2, "two are not");
	hlist_add_fake(&item[2].hashed);
	ok(hlist_fake(&item[2].hashed) && !hlist_unhashed(&item[2].hashed) &&
		   !hlist_fake(&item[1].hashed), "one is on a list of nobody's");
}

static void test_llist(void)
{
	struct llist_node *at, *next;
	LLIST_HEAD(head);
	int n = 0;

	for (int i = 0; i < 3; i++)
		llist_add(&item[i].pushed, &head);
	ok(llist_del_first(&head) == &item[2].pushed &&
		   head.first == &item[1].pushed, "the last pushed is taken");
	llist_for_each(at, head.first)
		n++;
	llist_for_each_safe(at, next, llist_del_all(&head))
		at->next = NULL;
	ok(n == 2 && !llist_del_first(&head), "until there is none");
}

int main(void)
{
	tap_begin(30);
	test_moves();
	test_walks();
	test_hlist();
	test_llist();
	return tap_end();
}
