// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does it cost to get and put a notifier that exists?  The peer is how it
 * is written without a library: a mutex, a list and a count.  Both find the
 * oldest of the registrations, the last one in the list.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "reader.h"

/*
 * What is measured lies at the start of a cache line: where malloc() and the
 * stack happen to put it makes a difference of ten percent.
 */
enum { LINE = 64 };

struct registry {
	pthread_mutex_t lock;
	struct node *first;
	const struct mmu_notifier_ops *wanted;
} __attribute__((aligned(LINE)));

static struct node *alloc_node(void)
{
	size_t size = (sizeof(struct node) + LINE - 1) / LINE * LINE;
	struct node *node = aligned_alloc(LINE, size);

	if (node)
		memset(node, 0, size);
	return node;
}

static struct mmu_notifier *registry_get(struct registry *registry,
					 const struct mmu_notifier_ops *ops)
{
	struct node *node;

	pthread_mutex_lock(&registry->lock);
	for (node = registry->first; node; node = node->next)
		if (node->mn.ops == ops)
			break;
	if (node)
		node->mn.users++;
	pthread_mutex_unlock(&registry->lock);
	return &node->mn;
}

/* The registration itself holds a count: it never falls to zero here. */
static void registry_put(struct registry *registry, struct mmu_notifier *mn)
{
	pthread_mutex_lock(&registry->lock);
	if (!--mn->users)
		abort();
	pthread_mutex_unlock(&registry->lock);
}

static void mutex_list(void *arg, long n)
{
	struct registry *registry = arg;

	while (n--)
		registry_put(registry, registry_get(registry,
						    registry->wanted));
}

struct target {
	struct mm_struct *mm;
	const struct mmu_notifier_ops *ops;
};

static void get_put(void *arg, long n)
{
	const struct target *target = arg;

	while (n--)
		mmu_notifier_put(mmu_notifier_get(target->ops, target->mm));
}

static struct mmu_notifier *alloc_notifier(struct mm_struct *mm)
{
	struct node *node = alloc_node();

	(void)mm;
	return node ? &node->mn : NULL;
}

static void free_notifier(struct mmu_notifier *mn)
{
	free(mn); /* the node's first member */
}

static struct mmu_notifier_ops *make_ops(int count)
{
	struct mmu_notifier_ops *ops = calloc(count, sizeof(*ops));

	bench_require(ops, "out of memory");
	for (int i = 0; i < count; i++) {
		ops[i].alloc_notifier = alloc_notifier;
		ops[i].free_notifier = free_notifier;
	}
	return ops;
}

static void registry_fill(struct registry *registry,
			  const struct mmu_notifier_ops *ops, int count)
{
	for (int i = 0; i < count; i++) {
		struct node *node = alloc_node();

		bench_require(node, "out of memory");
		node->mn.ops = &ops[i];
		node->mn.users = 1;
		node->next = registry->first;
		registry->first = node;
	}
}

static void registry_empty(struct registry *registry)
{
	while (registry->first) {
		struct node *node = registry->first;

		registry->first = node->next;
		free(node);
	}
}

static void measure(int subscribers)
{
	struct mmu_notifier_ops *ops = make_ops(subscribers);
	struct mmu_notifier *held[subscribers];
	struct target target = { mm_alloc(), &ops[0] };
	struct registry registry = { PTHREAD_MUTEX_INITIALIZER, NULL, &ops[0] };
	struct bench_case cases[] = {
		{ .name = "mmunotify", .run = get_put, .arg = &target },
		{ .name = "mutex-list", .run = mutex_list, .arg = &registry },
	};
	char what[64];

	bench_require(target.mm, "mm_alloc: out of memory");
	for (int i = 0; i < subscribers; i++) {
		held[i] = mmu_notifier_get(&ops[i], target.mm);
		bench_require(!IS_ERR(held[i]), "mmu_notifier_get failed");
	}
	registry_fill(&registry, ops, subscribers);
	bench_measure(cases, 2);
	snprintf(what, sizeof(what), "get_put subscribers=%d", subscribers);
	bench_ratio(what, &cases[0], &cases[1], NULL);
	bench_release(cases, 2);
	registry_empty(&registry);
	for (int i = 0; i < subscribers; i++)
		mmu_notifier_put(held[i]);
	mmput(target.mm);
	mmu_notifier_synchronize();
	free(ops);
}

int main(int argc, char **argv)
{
	static const int subscribers[] = { 1, 4, 16, 64 };

	bench_begin("get_put", argc, argv);
	for (size_t i = 0; i < sizeof(subscribers) / sizeof(int); i++)
		measure(subscribers[i]);
	return 0;
}
