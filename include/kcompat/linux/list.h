/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_LIST_H
#define MMUN_KCOMPAT_LINUX_LIST_H
/*
 * Lists in a ring, and lists with a single pointer at their head.  What readers
 * without a lock follow is stored atomically (linux/rculist.h has those
 * readers).
 */
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/poison.h>
#include <linux/types.h>
#include <asm/barrier.h>

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#undef LIST_HEAD
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	WRITE_ONCE(head->prev, head);
}

static inline void mmun_k_list_link(struct list_head *new,
				    struct list_head *prev,
				    struct list_head *next)
{
	new->prev = prev;
	WRITE_ONCE(new->next, next);
	WRITE_ONCE(next->prev, new);
	/* Whoever finds it from here sees what is in it. */
	smp_store_release(&prev->next, new);
}

static inline void list_add(struct list_head *new, struct list_head *head)
{
	mmun_k_list_link(new, head, head->next);
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	mmun_k_list_link(new, head->prev, head);
}

static inline void __list_del(struct list_head *prev, struct list_head *next)
{
	WRITE_ONCE(next->prev, prev);
	WRITE_ONCE(prev->next, next);
}

static inline void __list_del_entry(struct list_head *entry)
{
	__list_del(entry->prev, entry->next);
}

static inline void list_del(struct list_head *entry)
{
	__list_del_entry(entry);
	WRITE_ONCE(entry->next, LIST_POISON1);
	WRITE_ONCE(entry->prev, LIST_POISON2);
}

static inline void list_del_init(struct list_head *entry)
{
	__list_del_entry(entry);
	INIT_LIST_HEAD(entry);
}

static inline void list_del_init_careful(struct list_head *entry)
{
	__list_del_entry(entry);
	WRITE_ONCE(entry->prev, entry);
	smp_store_release(&entry->next, entry);
}

static inline void list_replace(struct list_head *old, struct list_head *new)
{
	mmun_k_list_link(new, old->prev, old->next);
}

static inline void list_replace_init(struct list_head *old,
				     struct list_head *new)
{
	list_replace(old, new);
	INIT_LIST_HEAD(old);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	__list_del_entry(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry,
				  struct list_head *head)
{
	__list_del_entry(entry);
	list_add_tail(entry, head);
}

static inline void list_bulk_move_tail(struct list_head *head,
				       struct list_head *first,
				       struct list_head *last)
{
	__list_del(first->prev, last->next);
	first->prev = head->prev;
	last->next = head;
	WRITE_ONCE(head->prev->next, first);
	head->prev = last;
}

static inline int list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline int list_empty_careful(const struct list_head *head)
{
	struct list_head *next = smp_load_acquire(&head->next);

	return next == head && next == READ_ONCE(head->prev);
}

static inline int list_is_first(const struct list_head *entry,
				const struct list_head *head)
{
	return entry->prev == head;
}

static inline int list_is_last(const struct list_head *entry,
			       const struct list_head *head)
{
	return entry->next == head;
}

static inline int list_is_head(const struct list_head *entry,
			       const struct list_head *head)
{
	return entry == head;
}

static inline int list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline size_t list_count_nodes(struct list_head *head)
{
	size_t n = 0;

	for (struct list_head *at = head->next; at != head; at = at->next)
		n++;
	return n;
}

static inline void list_rotate_left(struct list_head *head)
{
	if (!list_empty(head))
		list_move_tail(head->next, head);
}

/* All of @list, between two neighbours. */
static inline void mmun_k_list_splice(struct list_head *list,
				      struct list_head *prev,
				      struct list_head *next)
{
	struct list_head *first = list->next, *last = list->prev;

	if (list_empty(list))
		return;
	first->prev = prev;
	last->next = next;
	next->prev = last;
	smp_store_release(&prev->next, first);
}

static inline void list_splice(struct list_head *list, struct list_head *head)
{
	mmun_k_list_splice(list, head, head->next);
}

static inline void list_splice_tail(struct list_head *list,
				    struct list_head *head)
{
	mmun_k_list_splice(list, head->prev, head);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

/* What is before and at @entry goes to @list. */
static inline void list_cut_position(struct list_head *list,
				     struct list_head *head,
				     struct list_head *entry)
{
	struct list_head *first = head->next, *rest = entry->next;

	INIT_LIST_HEAD(list);
	if (list_empty(head) || entry == head)
		return;
	head->next = rest;
	rest->prev = head;
	list->next = first;
	first->prev = list;
	list->prev = entry;
	entry->next = list;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_last_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_last_entry(head, type, member))
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_prev_entry(pos, member) \
	list_entry((pos)->member.prev, typeof(*(pos)), member)
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))
#define list_prepare_entry(pos, head, member) \
	((pos) ? (pos) : list_entry(head, typeof(*(pos)), member))

#define list_for_each(pos, head) \
	for (pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_prev(pos, head) \
	for (pos = (head)->prev; pos != (head); pos = pos->prev)
#define list_for_each_safe(pos, n, head)			\
	for (pos = (head)->next, n = pos->next; pos != (head);	\
	     pos = n, n = pos->next)

#define list_for_each_entry_continue(pos, head, member)		\
	for (pos = list_next_entry(pos, member);		\
	     !list_entry_is_head(pos, head, member);		\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_from(pos, head, member)		\
	for (; !list_entry_is_head(pos, head, member);		\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry(pos, head, member)			\
	for (pos = list_first_entry(head, typeof(*pos), member); \
	     !list_entry_is_head(pos, head, member);		\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_reverse(pos, head, member)		\
	for (pos = list_last_entry(head, typeof(*pos), member);	\
	     !list_entry_is_head(pos, head, member);		\
	     pos = list_prev_entry(pos, member))
#define list_for_each_entry_safe_from(pos, n, head, member)	\
	for (n = list_next_entry(pos, member);			\
	     !list_entry_is_head(pos, head, member);		\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe(pos, n, head, member)		\
	for (pos = list_first_entry(head, typeof(*pos), member), \
	     n = list_next_entry(pos, member);			\
	     !list_entry_is_head(pos, head, member);		\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe_reverse(pos, n, head, member)	\
	for (pos = list_last_entry(head, typeof(*pos), member),	\
	     n = list_prev_entry(pos, member);			\
	     !list_entry_is_head(pos, head, member);		\
	     pos = n, n = list_prev_entry(n, member))
#define list_safe_reset_next(pos, n, member) \
	(n = list_next_entry(pos, member))

/* -- with a single pointer at the head -- */

#define HLIST_HEAD_INIT { .first = NULL }
#define HLIST_HEAD(name) struct hlist_head name = HLIST_HEAD_INIT
#define INIT_HLIST_HEAD(head) WRITE_ONCE((head)->first, NULL)

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	WRITE_ONCE(node->next, NULL);
	WRITE_ONCE(node->pprev, NULL);
}

static inline int hlist_unhashed(const struct hlist_node *node)
{
	return !READ_ONCE(node->pprev);
}

#define hlist_unhashed_lockless(node) hlist_unhashed(node)

static inline int hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline void mmun_k_hlist_link(struct hlist_node *new,
				     struct hlist_node **at)
{
	struct hlist_node *next = *at;

	WRITE_ONCE(new->next, next);
	WRITE_ONCE(new->pprev, at);
	if (next)
		WRITE_ONCE(next->pprev, &new->next);
	smp_store_release(at, new);
}

static inline void hlist_add_head(struct hlist_node *new,
				  struct hlist_head *head)
{
	mmun_k_hlist_link(new, &head->first);
}

static inline void hlist_add_before(struct hlist_node *new,
				    struct hlist_node *next)
{
	mmun_k_hlist_link(new, next->pprev);
}

static inline void hlist_add_behind(struct hlist_node *new,
				    struct hlist_node *prev)
{
	mmun_k_hlist_link(new, &prev->next);
}

static inline void __hlist_del(struct hlist_node *node)
{
	struct hlist_node *next = node->next;

	WRITE_ONCE(*node->pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, node->pprev);
}

static inline void hlist_del(struct hlist_node *node)
{
	__hlist_del(node);
	WRITE_ONCE(node->next, LIST_POISON1);
	WRITE_ONCE(node->pprev, LIST_POISON2);
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	__hlist_del(node);
	INIT_HLIST_NODE(node);
}

static inline void hlist_move_list(struct hlist_head *from,
				   struct hlist_head *to)
{
	to->first = from->first;
	if (to->first)
		to->first->pprev = &to->first;
	from->first = NULL;
}

#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member)				\
	({								\
		typeof(ptr) mmun_k_node = (ptr);			\
									\
		mmun_k_node ? hlist_entry(mmun_k_node, type, member) : NULL; \
	})

#define hlist_for_each(pos, head) \
	for (pos = (head)->first; pos; pos = pos->next)
#define hlist_for_each_safe(pos, n, head) \
	for (pos = (head)->first; pos && ({ n = pos->next; 1; }); pos = n)
#define hlist_for_each_entry(pos, head, member)				\
	for (pos = hlist_entry_safe((head)->first, typeof(*(pos)), member); \
	     pos;							\
	     pos = hlist_entry_safe((pos)->member.next, typeof(*(pos)),	\
				    member))
#define hlist_for_each_entry_continue(pos, member)			\
	for (pos = hlist_entry_safe((pos)->member.next, typeof(*(pos)),	\
				    member);				\
	     pos;							\
	     pos = hlist_entry_safe((pos)->member.next, typeof(*(pos)),	\
				    member))
#define hlist_for_each_entry_from(pos, member)				\
	for (; pos;							\
	     pos = hlist_entry_safe((pos)->member.next, typeof(*(pos)),	\
				    member))
#define hlist_for_each_entry_safe(pos, n, head, member)			\
	for (pos = hlist_entry_safe((head)->first, typeof(*(pos)), member); \
	     pos && ({ n = (pos)->member.next; 1; });			\
	     pos = hlist_entry_safe(n, typeof(*(pos)), member))

#define list_prev_entry_circular(pos, head, member)			\
	(list_is_first(&(pos)->member, head) ?				\
		 list_last_entry(head, typeof(*(pos)), member) :	\
		 list_prev_entry(pos, member))
#define list_next_entry_circular(pos, head, member)			\
	(list_is_last(&(pos)->member, head) ?				\
		 list_first_entry(head, typeof(*(pos)), member) :	\
		 list_next_entry(pos, member))
#define list_for_each_entry_continue_reverse(pos, head, member)		\
	for (pos = list_prev_entry(pos, member); &(pos)->member != (head); \
	     pos = list_prev_entry(pos, member))
#define list_for_each_entry_from_reverse(pos, head, member)		\
	for (; &(pos)->member != (head); pos = list_prev_entry(pos, member))
#define list_for_each_entry_safe_continue(pos, n, head, member)		\
	for (pos = list_next_entry(pos, member),			\
	     n = list_next_entry(pos, member);				\
	     &(pos)->member != (head);					\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_prev_safe(pos, n, head)				\
	for (pos = (head)->prev, n = (pos)->prev; pos != (head);	\
	     pos = n, n = (pos)->prev)

/* Neighbours, too. */
static inline void list_swap(struct list_head *a, struct list_head *b)
{
	struct list_head place;

	list_replace(a, &place);
	list_replace(b, a);
	list_replace(&place, b);
}

/* @entry becomes the first. */
static inline void list_rotate_to_front(struct list_head *entry,
					struct list_head *head)
{
	list_move_tail(head, entry);
}

/* Those before @entry go to @list. */
static inline void list_cut_before(struct list_head *list,
				   struct list_head *head,
				   struct list_head *entry)
{
	if (entry->prev == head)
		INIT_LIST_HEAD(list);
	else
		list_cut_position(list, head, entry->prev);
}

/* On no list, though it looks so. */
static inline void hlist_add_fake(struct hlist_node *node)
{
	node->pprev = &node->next;
}

static inline bool hlist_fake(const struct hlist_node *node)
{
	return node->pprev == &node->next;
}

static inline bool hlist_is_singular_node(const struct hlist_node *node,
					  const struct hlist_head *head)
{
	return !node->next && node->pprev == &head->first;
}

static inline size_t hlist_count_nodes(const struct hlist_head *head)
{
	const struct hlist_node *node;
	size_t n = 0;

	hlist_for_each(node, head)
		n++;
	return n;
}

#endif /* MMUN_KCOMPAT_LINUX_LIST_H */
