/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The loops of a struct reader.  Who includes this has defined
 * enter(), leave(token), attach(), detach() and wait_for_readers().
 */
#include "reader.h"

static void loop_section(void *unused, long n)
{
	(void)unused;
	while (n--) {
		unsigned int token = enter();

		__asm__ volatile("" ::: "memory");
		leave(token);
	}
}

static inline void walk_once(struct list *list)
{
	struct node *node = __atomic_load_n(&list->first, __ATOMIC_ACQUIRE);

	for (; node; node = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE))
		if (node->mn.ops->invalidate_range_start)
			node->mn.ops->invalidate_range_start(&node->mn,
							     &list->range);
}

static void loop_walk(void *list, long n)
{
	while (n--) {
		unsigned int token = enter();

		walk_once(list);
		leave(token);
	}
}

static void loop_synchronize(void *unused, long n)
{
	(void)unused;
	while (n--)
		wait_for_readers();
}

#define READER(title)					\
	{						\
		.name = title,				\
		.attach = attach,			\
		.detach = detach,			\
		.section = loop_section,		\
		.walk = loop_walk,			\
		.synchronize = loop_synchronize,	\
	}
