/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_LLIST_H
#define MMUN_KCOMPAT_LINUX_LLIST_H
/* Lists that are pushed to without a lock, and emptied as a whole. */
#include <linux/atomic.h>
#include <linux/container_of.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD_INIT(name) { NULL }
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)

static inline void init_llist_head(struct llist_head *head)
{
	head->first = NULL;
}

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

/* Was it empty before? */
static inline bool llist_add(struct llist_node *new, struct llist_head *head)
{
	struct llist_node *first = READ_ONCE(head->first);

	do {
		new->next = first;
	} while (!try_cmpxchg(&head->first, &first, new));
	return !first;
}

static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	return xchg(&head->first, NULL);
}

/* One at a time: nobody else may take any meanwhile. */
static inline struct llist_node *llist_del_first(struct llist_head *head)
{
	struct llist_node *first = smp_load_acquire(&head->first);

	while (first && !try_cmpxchg(&head->first, &first, first->next))
		;
	return first;
}

static inline struct llist_node *llist_next(struct llist_node *node)
{
	return node->next;
}

static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *back = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = back;
		back = node;
	}
	return back;
}

#define llist_entry(ptr, type, member) container_of(ptr, type, member)
#define MMUN_K_LLIST_ENTRY(node, type, member)				\
	({								\
		struct llist_node *mmun_k_node = (node);		\
									\
		mmun_k_node ? llist_entry(mmun_k_node, type, member) : NULL; \
	})
#define llist_for_each(pos, node) \
	for (pos = (node); pos; pos = (pos)->next)
#define llist_for_each_safe(pos, n, node) \
	for (pos = (node); pos && ({ n = (pos)->next; 1; }); pos = n)
#define llist_for_each_entry(pos, node, member)				\
	for (pos = MMUN_K_LLIST_ENTRY(node, typeof(*(pos)), member);	\
	     pos;							\
	     pos = MMUN_K_LLIST_ENTRY((pos)->member.next,		\
				      typeof(*(pos)), member))
#define llist_for_each_entry_safe(pos, n, node, member)			\
	for (pos = MMUN_K_LLIST_ENTRY(node, typeof(*(pos)), member);	\
	     pos && ({ n = MMUN_K_LLIST_ENTRY((pos)->member.next,	\
					      typeof(*(pos)), member);	\
		       1; });						\
	     pos = n)

#endif /* MMUN_KCOMPAT_LINUX_LLIST_H */
