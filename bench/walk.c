// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does protecting a walk over the subscribers cost?  The same list and
 * the same loop for all; bench=invalidate has the library's own walk.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "reader.h"

static const struct reader *const readers[] = {
	&reader_mmunotify, &reader_none, &reader_urcu_memb,
	&reader_urcu_bp, &reader_urcu_qsbr, &reader_rwlock,
};

enum { COUNT = sizeof(readers) / sizeof(readers[0]) };

static int no_op(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = no_op };

static void measure(int subscribers)
{
	struct node *nodes = calloc(subscribers, sizeof(*nodes));
	struct bench_case cases[COUNT] = {};
	struct list list = {};
	char what[64];

	bench_require(nodes, "out of memory");
	for (int i = 0; i < subscribers; i++) {
		nodes[i].mn.ops = &ops;
		nodes[i].next = list.first;
		list.first = &nodes[i];
	}
	for (int i = 0; i < COUNT; i++) {
		cases[i].name = readers[i]->name;
		cases[i].run = readers[i]->walk;
		cases[i].arg = &list;
	}
	bench_measure(cases, COUNT);
	snprintf(what, sizeof(what), "walk subscribers=%d", subscribers);
	for (int i = 1; i < COUNT; i++)
		bench_ratio(what, &cases[0], &cases[i], NULL);
	bench_release(cases, COUNT);
	free(nodes);
}

int main(int argc, char **argv)
{
	static const int subscribers[] = { 1, 2, 4, 8, 64, 512 };

	bench_begin("walk", argc, argv);
	for (int i = 0; i < COUNT; i++)
		readers[i]->attach();
	for (size_t i = 0; i < sizeof(subscribers) / sizeof(int); i++)
		measure(subscribers[i]);
	return 0;
}
