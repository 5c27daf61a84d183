/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef REGISTRAR_H
#define REGISTRAR_H
/*
 * A registrar that only keeps books: which handle is registered, for what.  Each
 * handle is new, and what becomes of it wrongly is counted.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/regcache.h>

#include "tap.h"

#define MAX_HANDLES (1 << 16)

struct entry {
	unsigned long start;
	size_t len;
	unsigned int access;
	atomic_int registered;
};

static struct entry entries[MAX_HANDLES];
static atomic_int nr_reg, nr_dereg, nr_wrong, nr_refused, nr_calls;
/* What happens in the middle of a registration; its error, if not 0. */
static int (*in_reg)(unsigned long addr, size_t len, unsigned int access);

static inline int book_reg(void *ctx, unsigned long addr, size_t len,
			   unsigned int access, uint64_t *ret_handle)
{
	int err, handle;

	(void)ctx;
	atomic_fetch_add(&nr_calls, 1);
	err = in_reg ? in_reg(addr, len, access) : 0;
	if (err) {
		atomic_fetch_add(&nr_refused, 1);
		return err;
	}
	handle = atomic_fetch_add(&nr_reg, 1);
	if (handle >= MAX_HANDLES)
		bail("more than %d registrations", MAX_HANDLES);
	entries[handle].start = addr;
	entries[handle].len = len;
	entries[handle].access = access;
	atomic_store(&entries[handle].registered, 1);
	*ret_handle = handle;
	return 0;
}

static inline void book_dereg(void *ctx, uint64_t handle)
{
	(void)ctx;
	atomic_fetch_add(&nr_dereg, 1);
	if (handle >= MAX_HANDLES ||
	    atomic_exchange(&entries[handle].registered, 0) != 1)
		atomic_fetch_add(&nr_wrong, 1);
}

static const struct mmun_regcache_ops book_ops = { book_reg, book_dereg };

static inline int registered_now(void)
{
	return atomic_load(&nr_reg) - atomic_load(&nr_dereg);
}

static inline struct mm_struct *new_mm(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		bail("mm_alloc");
	return mm;
}

static inline struct mmun_regcache *
new_cache(struct mm_struct *mm, const struct mmun_regcache_attr *attr)
{
	struct mmun_regcache *cache;
	int err = mmun_regcache_create(mm, &book_ops, NULL, attr, &cache);

	if (err)
		bail("mmun_regcache_create: %s", strerror(-err));
	return cache;
}

static inline struct mmun_regcache_region *
must_find(struct mmun_regcache *cache, unsigned long addr, size_t len,
	  unsigned int access)
{
	struct mmun_regcache_region *region;
	int err = mmun_regcache_get(cache, addr, len, access, &region);

	if (err)
		bail("mmun_regcache_get: %s", strerror(-err));
	return region;
}

static inline void touch(struct mmun_regcache *cache, unsigned long addr,
			 size_t len, unsigned int access)
{
	mmun_regcache_put(must_find(cache, addr, len, access));
}

static inline void invalidate_by(struct mm_struct *mm, unsigned long start,
				 unsigned long end, enum mmu_notifier_event event)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, event, 0, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

static inline void invalidate(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	invalidate_by(mm, start, end, MMU_NOTIFY_UNMAP);
}

static inline bool is_cached(struct mmun_regcache *cache, unsigned long addr,
			     size_t len, unsigned int access)
{
	unsigned int section = mmun_regcache_read_lock(cache);
	bool found = mmun_regcache_borrow(cache, addr, len, access);

	mmun_regcache_read_unlock(cache, section);
	return found;
}

static inline struct mmun_regcache_stats stats_of(struct mmun_regcache *cache)
{
	struct mmun_regcache_stats stats;

	mmun_regcache_get_stats(cache, &stats);
	return stats;
}

#endif /* REGISTRAR_H */
