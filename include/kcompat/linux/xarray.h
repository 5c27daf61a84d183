/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_XARRAY_H
#define MMUN_KCOMPAT_LINUX_XARRAY_H
/*
 * Arrays with any index: a red-black tree under a lock.  A load takes the lock
 * too, unless its thread has it.  There are no marks, and no entries of several
 * indices.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

struct xarray {
	spinlock_t xa_lock;
	struct rb_root mmun_entries;
	unsigned int mmun_flags;
};

struct mmun_k_xa_entry {
	struct rb_node node;
	unsigned long index;
	void *entry;
};

struct xa_limit {
	u32 max;
	u32 min;
};

#define XA_LIMIT(from, to) (struct xa_limit){ .min = (from), .max = (to) }
#define xa_limit_32b XA_LIMIT(0, UINT_MAX)
#define xa_limit_31b XA_LIMIT(0, INT_MAX)
#define xa_limit_16b XA_LIMIT(0, USHRT_MAX)

#define XA_FLAGS_LOCK_IRQ 1U
#define XA_FLAGS_LOCK_BH 2U
#define XA_FLAGS_TRACK_FREE 4U
#define XA_FLAGS_ALLOC 4U
#define XA_FLAGS_ALLOC1 12U
#define XARRAY_INIT(name, flags)					\
	{								\
		.xa_lock = { .mmun_lock = PTHREAD_MUTEX_INITIALIZER },	\
		.mmun_flags = (flags),					\
	}
#define DEFINE_XARRAY_FLAGS(name, flags) \
	struct xarray name = XARRAY_INIT(name, flags)
#define DEFINE_XARRAY(name) DEFINE_XARRAY_FLAGS(name, 0)
#define DEFINE_XARRAY_ALLOC(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC)
#define DEFINE_XARRAY_ALLOC1(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC1)

#define XA_ZERO_ENTRY ((void *)1030)
#define xa_mk_value(v) ((void *)((unsigned long)(v) << 1 | 1))
#define xa_to_value(entry) ((unsigned long)(entry) >> 1)
#define xa_is_value(entry) ((unsigned long)(entry) & 1)
#define xa_is_err(entry) IS_ERR(entry)

#define xa_lock(xa) spin_lock(&(xa)->xa_lock)
#define xa_unlock(xa) spin_unlock(&(xa)->xa_lock)
#define xa_trylock(xa) spin_trylock(&(xa)->xa_lock)
#define xa_lock_irq(xa) xa_lock(xa)
#define xa_unlock_irq(xa) xa_unlock(xa)
#define xa_lock_bh(xa) xa_lock(xa)
#define xa_unlock_bh(xa) xa_unlock(xa)
#define xa_lock_irqsave(xa, flags) spin_lock_irqsave(&(xa)->xa_lock, flags)
#define xa_unlock_irqrestore(xa, flags) \
	spin_unlock_irqrestore(&(xa)->xa_lock, flags)

static inline int xa_err(void *entry)
{
	return IS_ERR(entry) ? PTR_ERR(entry) : 0;
}

static inline void xa_init_flags(struct xarray *xa, gfp_t flags)
{
	spin_lock_init(&xa->xa_lock);
	xa->mmun_entries = RB_ROOT;
	xa->mmun_flags = flags;
}

static inline void xa_init(struct xarray *xa)
{
	xa_init_flags(xa, 0);
}

/* Return: did we have to take it? */
static inline bool mmun_k_xa_enter(struct xarray *xa)
{
	if (lockdep_is_held(&xa->xa_lock))
		return false;
	spin_lock(&xa->xa_lock);
	return true;
}

static inline void mmun_k_xa_leave(struct xarray *xa, bool entered)
{
	if (entered)
		spin_unlock(&xa->xa_lock);
}

/* The first one at or after @index, under the lock. */
static inline struct mmun_k_xa_entry *mmun_k_xa_at(struct xarray *xa,
						   unsigned long index)
{
	struct rb_node *rb = xa->mmun_entries.rb_node;
	struct mmun_k_xa_entry *entry, *found = NULL;

	while (rb) {
		entry = rb_entry(rb, struct mmun_k_xa_entry, node);
		if (entry->index >= index) {
			found = entry;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found;
}

static inline bool mmun_k_xa_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mmun_k_xa_entry, node)->index <
	       rb_entry(b, const struct mmun_k_xa_entry, node)->index;
}

/*
 * What is at @index becomes @new if it was @old, or if @always.
 * Return: what was there, or an error.
 */
static inline void *mmun_k_xa_change(struct xarray *xa, unsigned long index,
				     void *old, void *new, bool always)
{
	/* Whether it is needed, is known under the lock only. */
	struct mmun_k_xa_entry *fresh = new ?
			(struct mmun_k_xa_entry *)kmalloc(sizeof(*fresh), 0) :
			NULL;
	bool entered = mmun_k_xa_enter(xa);
	struct mmun_k_xa_entry *at = mmun_k_xa_at(xa, index);
	struct mmun_k_xa_entry *gone = NULL;
	void *was = at && at->index == index ? at->entry : NULL;

	if (!always && was != old) {
		;
	} else if (was && new) {
		at->entry = new;
	} else if (was) {
		rb_erase(&at->node, &xa->mmun_entries);
		gone = at;
	} else if (new && !fresh) {
		was = ERR_PTR(-ENOMEM);
	} else if (new) {
		fresh->index = index;
		fresh->entry = new;
		rb_add(&fresh->node, &xa->mmun_entries, mmun_k_xa_less);
		fresh = NULL;
	}
	mmun_k_xa_leave(xa, entered);
	kfree(fresh);
	kfree(gone);
	return was;
}

static inline void *xa_load(struct xarray *xa, unsigned long index)
{
	bool entered = mmun_k_xa_enter(xa);
	struct mmun_k_xa_entry *at = mmun_k_xa_at(xa, index);
	void *entry = at && at->index == index ? at->entry : NULL;

	mmun_k_xa_leave(xa, entered);
	return entry == XA_ZERO_ENTRY ? NULL : entry;
}

static inline void *xa_store(struct xarray *xa, unsigned long index,
			     void *entry, gfp_t gfp)
{
	void *was = mmun_k_xa_change(xa, index, NULL, entry, true);

	return was == XA_ZERO_ENTRY ? NULL : was;
}

static inline void *xa_erase(struct xarray *xa, unsigned long index)
{
	return xa_store(xa, index, NULL, 0);
}

static inline void *xa_cmpxchg(struct xarray *xa, unsigned long index,
			       void *old, void *entry, gfp_t gfp)
{
	return mmun_k_xa_change(xa, index, old, entry, false);
}

static inline int __must_check xa_insert(struct xarray *xa, unsigned long index,
					 void *entry, gfp_t gfp)
{
	void *was = mmun_k_xa_change(xa, index, NULL,
				     entry ? entry : XA_ZERO_ENTRY, false);

	return IS_ERR(was) ? PTR_ERR(was) : was ? -EBUSY : 0;
}

static inline int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	int err = xa_insert(xa, index, NULL, gfp);

	return err == -EBUSY ? 0 : err;
}

static inline void xa_release(struct xarray *xa, unsigned long index)
{
	xa_cmpxchg(xa, index, XA_ZERO_ENTRY, NULL, 0);
}

/* The first one from *@index on, to @max; NULL, and *@index as it was. */
static inline void *mmun_k_xa_find(struct xarray *xa, unsigned long *index,
				   unsigned long max)
{
	bool entered = mmun_k_xa_enter(xa);
	struct mmun_k_xa_entry *at = mmun_k_xa_at(xa, *index);
	void *entry = NULL;

	while (at && at->entry == XA_ZERO_ENTRY)
		at = rb_entry_safe(rb_next(&at->node), struct mmun_k_xa_entry,
				   node);
	if (at && at->index <= max) {
		*index = at->index;
		entry = at->entry;
	}
	mmun_k_xa_leave(xa, entered);
	return entry;
}

#define XA_PRESENT 0
#define xa_find(xa, index, max, filter) mmun_k_xa_find(xa, index, max)

static inline void *mmun_k_xa_find_after(struct xarray *xa,
					 unsigned long *index,
					 unsigned long max)
{
	unsigned long next = *index + 1;
	void *entry = next && next <= max ? mmun_k_xa_find(xa, &next, max) :
					    NULL;

	if (entry)
		*index = next;
	return entry;
}

#define xa_find_after(xa, index, max, filter) \
	mmun_k_xa_find_after(xa, index, max)
#define xa_for_each_range(xa, index, entry, start, last)		\
	for (index = (start), entry = xa_find(xa, &index, last, 0);	\
	     entry; entry = xa_find_after(xa, &index, last, 0))
#define xa_for_each_start(xa, index, entry, start) \
	xa_for_each_range(xa, index, entry, start, ULONG_MAX)
#define xa_for_each(xa, index, entry) xa_for_each_start(xa, index, entry, 0)

static inline bool xa_empty(const struct xarray *xa)
{
	return RB_EMPTY_ROOT(&xa->mmun_entries);
}

static inline void xa_destroy(struct xarray *xa)
{
	bool entered = mmun_k_xa_enter(xa);
	struct rb_node *rb;

	while ((rb = rb_first(&xa->mmun_entries))) {
		rb_erase(rb, &xa->mmun_entries);
		kfree(rb_entry(rb, struct mmun_k_xa_entry, node));
	}
	mmun_k_xa_leave(xa, entered);
}

/* The lowest free index of a range becomes @entry's. */
static inline int __must_check xa_alloc(struct xarray *xa, u32 *id, void *entry,
					struct xa_limit limit, gfp_t gfp)
{
	bool entered = mmun_k_xa_enter(xa);
	unsigned long index = limit.min;
	struct mmun_k_xa_entry *at;
	int err;

	if (!index && xa->mmun_flags == XA_FLAGS_ALLOC1)
		index = 1;
	while ((at = mmun_k_xa_at(xa, index)) && at->index == index)
		index++;
	err = index > limit.max ? -EBUSY : xa_insert(xa, index, entry, gfp);
	mmun_k_xa_leave(xa, entered);
	if (!err)
		*id = index;
	return err;
}

/* From *@next on; 1: it began again at the lowest. */
static inline int __must_check xa_alloc_cyclic(struct xarray *xa, u32 *id,
					       void *entry,
					       struct xa_limit limit, u32 *next,
					       gfp_t gfp)
{
	bool entered = mmun_k_xa_enter(xa), wraps = false;
	struct xa_limit rest = limit;
	int err;

	rest.min = max(limit.min, *next);
	err = xa_alloc(xa, id, entry, rest, gfp);
	if (err == -EBUSY && rest.min > limit.min) {
		wraps = true;
		err = xa_alloc(xa, id, entry, limit, gfp);
	}
	if (!err)
		*next = *id + 1;
	mmun_k_xa_leave(xa, entered);
	return err ? err : wraps;
}

/* Those with the lock held, or that take another kind of it. */
#define __xa_store(xa, index, entry, gfp) xa_store(xa, index, entry, gfp)
#define __xa_erase(xa, index) xa_erase(xa, index)
#define __xa_insert(xa, index, entry, gfp) xa_insert(xa, index, entry, gfp)
#define __xa_cmpxchg(xa, index, old, entry, gfp) \
	xa_cmpxchg(xa, index, old, entry, gfp)
#define __xa_alloc(xa, id, entry, limit, gfp) \
	xa_alloc(xa, id, entry, limit, gfp)
#define __xa_alloc_cyclic(xa, id, entry, limit, next, gfp) \
	xa_alloc_cyclic(xa, id, entry, limit, next, gfp)
#define xa_alloc_cyclic_irq(xa, id, entry, limit, next, gfp) \
	xa_alloc_cyclic(xa, id, entry, limit, next, gfp)
#define xa_alloc_cyclic_bh(xa, id, entry, limit, next, gfp) \
	xa_alloc_cyclic(xa, id, entry, limit, next, gfp)
#define xa_insert_bh(xa, index, entry, gfp) xa_insert(xa, index, entry, gfp)
#define xa_alloc_bh(xa, id, entry, limit, gfp) \
	xa_alloc(xa, id, entry, limit, gfp)
#define xa_store_irq(xa, index, entry, gfp) xa_store(xa, index, entry, gfp)
#define xa_store_bh(xa, index, entry, gfp) xa_store(xa, index, entry, gfp)
#define xa_erase_irq(xa, index) xa_erase(xa, index)
#define xa_erase_bh(xa, index) xa_erase(xa, index)
#define xa_insert_irq(xa, index, entry, gfp) xa_insert(xa, index, entry, gfp)
#define xa_alloc_irq(xa, id, entry, limit, gfp) \
	xa_alloc(xa, id, entry, limit, gfp)
#define xa_cmpxchg_irq(xa, index, old, entry, gfp) \
	xa_cmpxchg(xa, index, old, entry, gfp)

#endif /* MMUN_KCOMPAT_LINUX_XARRAY_H */
