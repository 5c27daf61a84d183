/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_HASHTABLE_H
#define MMUN_KCOMPAT_LINUX_HASHTABLE_H
/* Arrays of lists. */
#include <linux/array_size.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/rculist.h>

#define DEFINE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)] = {}
#define DECLARE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]
#define DEFINE_READ_MOSTLY_HASHTABLE(name, bits) DEFINE_HASHTABLE(name, bits)
#define HASH_SIZE(table) ARRAY_SIZE(table)
#define HASH_BITS(table) ilog2(HASH_SIZE(table))
#define hash_min(value, bits) \
	(sizeof(value) <= 4 ? hash_32(value, bits) : hash_long(value, bits))

static inline void mmun_k_hash_init(struct hlist_head *table, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		INIT_HLIST_HEAD(&table[i]);
}

static inline bool mmun_k_hash_empty(const struct hlist_head *table,
				     unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!hlist_empty(&table[i]))
			return false;
	return true;
}

#define hash_init(table) mmun_k_hash_init(table, HASH_SIZE(table))
#define hash_empty(table) mmun_k_hash_empty(table, HASH_SIZE(table))
#define MMUN_K_BUCKET(table, key) (&(table)[hash_min(key, HASH_BITS(table))])
#define hash_add(table, node, key) \
	hlist_add_head(node, MMUN_K_BUCKET(table, key))
#define hash_add_rcu(table, node, key) \
	hlist_add_head_rcu(node, MMUN_K_BUCKET(table, key))
#define hash_hashed(node) (!hlist_unhashed(node))
#define hash_del(node) hlist_del_init(node)
#define hash_del_rcu(node) hlist_del_init_rcu(node)

#define hash_for_each(table, bkt, obj, member)				\
	for ((bkt) = 0, obj = NULL;					\
	     obj == NULL && (bkt) < (int)HASH_SIZE(table); (bkt)++)	\
		hlist_for_each_entry(obj, &(table)[bkt], member)
#define hash_for_each_rcu(table, bkt, obj, member)			\
	for ((bkt) = 0, obj = NULL;					\
	     obj == NULL && (bkt) < (int)HASH_SIZE(table); (bkt)++)	\
		hlist_for_each_entry_rcu(obj, &(table)[bkt], member)
#define hash_for_each_safe(table, bkt, tmp, obj, member)		\
	for ((bkt) = 0, obj = NULL;					\
	     obj == NULL && (bkt) < (int)HASH_SIZE(table); (bkt)++)	\
		hlist_for_each_entry_safe(obj, tmp, &(table)[bkt], member)
#define hash_for_each_possible(table, obj, member, key) \
	hlist_for_each_entry(obj, MMUN_K_BUCKET(table, key), member)
#define hash_for_each_possible_safe(table, obj, tmp, member, key) \
	hlist_for_each_entry_safe(obj, tmp, MMUN_K_BUCKET(table, key), member)
#define hash_for_each_possible_rcu(table, obj, member, key, ...) \
	hlist_for_each_entry_rcu(obj, MMUN_K_BUCKET(table, key), member)

#endif /* MMUN_KCOMPAT_LINUX_HASHTABLE_H */
