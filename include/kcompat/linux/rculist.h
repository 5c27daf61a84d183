/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RCULIST_H
#define MMUN_KCOMPAT_LINUX_RCULIST_H
/* Lists with readers that take no lock. */
#include <linux/list.h>
#include <linux/rcupdate.h>

#define INIT_LIST_HEAD_RCU(head) INIT_LIST_HEAD(head)
#define list_add_rcu(new, head) list_add(new, head)
#define list_add_tail_rcu(new, head) list_add_tail(new, head)
#define list_replace_rcu(old, new) \
	mmun_k_list_replace_rcu(old, new)

/* A reader may still be at it, and goes on from there. */
static inline void list_del_rcu(struct list_head *entry)
{
	__list_del_entry(entry);
	WRITE_ONCE(entry->prev, LIST_POISON2);
}

static inline void mmun_k_list_replace_rcu(struct list_head *old,
					   struct list_head *new)
{
	list_replace(old, new);
	WRITE_ONCE(old->prev, LIST_POISON2);
}

#define list_next_rcu(list) ((list)->next)
#define list_entry_rcu(ptr, type, member) \
	container_of(rcu_dereference_raw(ptr), type, member)
#define list_first_or_null_rcu(head, type, member)			\
	({								\
		struct list_head *mmun_k_head = (head);			\
		struct list_head *mmun_k_first =			\
			rcu_dereference_raw(mmun_k_head->next);		\
									\
		mmun_k_first == mmun_k_head ? NULL :			\
			list_entry(mmun_k_first, type, member);		\
	})
/* What may come last says what is held instead of rcu_read_lock(). */
#define list_for_each_entry_rcu(pos, head, member, ...)			\
	for (pos = list_entry_rcu((head)->next, typeof(*pos), member);	\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_entry_rcu((pos)->member.next, typeof(*pos), member))
#define list_for_each_entry_srcu(pos, head, member, c)			\
	list_for_each_entry_rcu(pos, head, member)
#define list_for_each_entry_lockless(pos, head, member)			\
	list_for_each_entry_rcu(pos, head, member)
#define list_for_each_entry_continue_rcu(pos, head, member)		\
	for (pos = list_entry_rcu((pos)->member.next, typeof(*pos), member); \
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_entry_rcu((pos)->member.next, typeof(*pos), member))

#define hlist_add_head_rcu(new, head) hlist_add_head(new, head)
#define hlist_add_before_rcu(new, next) hlist_add_before(new, next)
#define hlist_add_behind_rcu(new, prev) hlist_add_behind(new, prev)

static inline void hlist_add_tail_rcu(struct hlist_node *new,
				      struct hlist_head *head)
{
	struct hlist_node **at = &head->first;

	while (*at)
		at = &(*at)->next;
	mmun_k_hlist_link(new, at);
}

static inline void hlist_del_rcu(struct hlist_node *node)
{
	__hlist_del(node);
	WRITE_ONCE(node->pprev, LIST_POISON2);
}

static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	__hlist_del(node);
	WRITE_ONCE(node->pprev, NULL);
}

#define hlist_first_rcu(head) ((head)->first)
#define hlist_next_rcu(node) ((node)->next)
#define hlist_for_each_entry_rcu(pos, head, member, ...)		\
	for (pos = hlist_entry_safe(rcu_dereference_raw((head)->first),	\
				    typeof(*(pos)), member);		\
	     pos;							\
	     pos = hlist_entry_safe(rcu_dereference_raw((pos)->member.next), \
				    typeof(*(pos)), member))
#define hlist_for_each_entry_srcu(pos, head, member, c)			\
	hlist_for_each_entry_rcu(pos, head, member)
#define hlist_for_each_entry_rcu_notrace(pos, head, member)		\
	hlist_for_each_entry_rcu(pos, head, member)
#define hlist_for_each_entry_rcu_bh(pos, head, member)			\
	hlist_for_each_entry_rcu(pos, head, member)

#endif /* MMUN_KCOMPAT_LINUX_RCULIST_H */
