// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does an invalidation cost, start and end, through the public calls?
 * The peer is two walks of a list of the same shape without any protection.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "reader.h"

static int no_op_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	return 0;
}

static void no_op_end(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = no_op_start,
	.invalidate_range_end = no_op_end,
};

static void invalidate(void *mm, long n)
{
	struct mmu_notifier_range range;

	while (n--) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm,
					0x10000, 0x20000);
		mmu_notifier_invalidate_range_start(&range);
		mmu_notifier_invalidate_range_end(&range);
	}
}

static void walk_twice(void *arg, long n)
{
	struct list *list = arg;
	struct node *node;

	while (n--) {
		mmu_notifier_range_init(&list->range, MMU_NOTIFY_UNMAP, 0, NULL,
					0x10000, 0x20000);
		for (node = list->first; node; node = node->next)
			node->mn.ops->invalidate_range_start(&node->mn,
							     &list->range);
		for (node = list->first; node; node = node->next)
			node->mn.ops->invalidate_range_end(&node->mn,
							   &list->range);
	}
}

static struct node *make_nodes(int count)
{
	struct node *nodes = calloc(count + 1, sizeof(*nodes));

	bench_require(nodes, "out of memory");
	for (int i = 0; i < count; i++)
		nodes[i].mn.ops = &ops;
	return nodes;
}

static void measure(int subscribers)
{
	struct node *ours = make_nodes(subscribers);
	struct node *theirs = make_nodes(subscribers);
	struct mm_struct *mm = mm_alloc();
	struct list list = {};
	struct bench_case cases[] = {
		{ .name = "mmunotify", .run = invalidate, .arg = mm },
		{ .name = "none", .run = walk_twice, .arg = &list },
	};
	char what[64];

	bench_require(mm, "mm_alloc: out of memory");
	for (int i = 0; i < subscribers; i++) {
		bench_require(!mmu_notifier_register(&ours[i].mn, mm),
			      "mmu_notifier_register failed");
		theirs[i].next = list.first;
		list.first = &theirs[i];
	}
	bench_measure(cases, 2);
	snprintf(what, sizeof(what), "invalidate subscribers=%d", subscribers);
	bench_ratio(what, &cases[0], &cases[1], NULL);
	bench_release(cases, 2);
	for (int i = 0; i < subscribers; i++)
		mmu_notifier_unregister(&ours[i].mn, mm);
	mmput(mm);
	free(ours);
	free(theirs);
}

int main(int argc, char **argv)
{
	static const int subscribers[] = { 0, 1, 2, 4, 8, 64, 512 };

	bench_begin("invalidate", argc, argv);
	for (size_t i = 0; i < sizeof(subscribers) / sizeof(int); i++)
		measure(subscribers[i]);
	return 0;
}
