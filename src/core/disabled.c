// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The build without the subsystem (-Dmmu_notifier=false): as the kernel without
 * CONFIG_MMU_NOTIFIER.  The same symbols, so that callers compile and link;
 * nothing can be registered, nothing is invalidated, nothing is patched.
 */
#include <errno.h>

#include "core/core.h"

static struct mm_struct self;
static MMUN_SRCU_STATIC(self_srcu);
static MMUN_SRCU_STATIC(self_in_flight);

__attribute__((constructor)) static void make_self(void)
{
	mmun_mm_init_static(&self, &self_srcu.srcu, &self_in_flight.srcu, NULL);
}

struct mm_struct *mm_self(void)
{
	return &self;
}
EXPORT_SYMBOL(mm_self);

void mmun_release_notifiers(struct mm_struct *mm)
{
	(void)mm;
}

struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops,
				      struct mm_struct *mm)
{
	(void)ops;
	(void)mm;
	return (struct mmu_notifier *)ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL(mmu_notifier_get);

struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops,
					     struct mm_struct *mm)
{
	return mmu_notifier_get(ops, mm);
}
EXPORT_SYMBOL(mmu_notifier_get_locked);

void mmu_notifier_put(struct mmu_notifier *mn)
{
	(void)mn;
}
EXPORT_SYMBOL(mmu_notifier_put);

void mmu_notifier_synchronize(void)
{
}
EXPORT_SYMBOL(mmu_notifier_synchronize);

int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(__mmu_notifier_register);

int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	return __mmu_notifier_register(mn, mm);
}
EXPORT_SYMBOL(mmu_notifier_register);

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
}
EXPORT_SYMBOL(mmu_notifier_unregister);

void mmu_notifier_unregister_no_release(struct mmu_notifier *mn,
					struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
}
EXPORT_SYMBOL(mmu_notifier_unregister_no_release);

int mm_has_notifiers(struct mm_struct *mm)
{
	(void)mm;
	return 0;
}
EXPORT_SYMBOL(mm_has_notifiers);

bool mmu_notifier_range_update_to_read_only(const struct mmu_notifier_range *range)
{
	(void)range;
	return false;
}
EXPORT_SYMBOL(mmu_notifier_range_update_to_read_only);

void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	(void)range;
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_start);

int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *range)
{
	(void)range;
	return 0;
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_start_nonblock);

void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	(void)range;
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_end);

void mmu_notifier_invalidate_range_only_end(struct mmu_notifier_range *range)
{
	(void)range;
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_only_end);

void mmu_notifier_invalidate_range(struct mm_struct *mm, unsigned long start,
				   unsigned long end)
{
	(void)mm;
	(void)start;
	(void)end;
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range);

void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
						 unsigned long start,
						 unsigned long end)
{
	mmu_notifier_invalidate_range(mm, start, end);
}
EXPORT_SYMBOL(mmu_notifier_arch_invalidate_secondary_tlbs);

bool mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start,
				    unsigned long end)
{
	(void)mm;
	(void)start;
	(void)end;
	return false;
}
EXPORT_SYMBOL(mmu_notifier_clear_flush_young);

bool mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	return mmu_notifier_clear_flush_young(mm, start, end);
}
EXPORT_SYMBOL(mmu_notifier_clear_young);

bool mmu_notifier_test_young(struct mm_struct *mm, unsigned long address)
{
	return mmu_notifier_clear_flush_young(mm, address, address);
}
EXPORT_SYMBOL(mmu_notifier_test_young);

void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address,
			     pte_t pte)
{
	(void)mm;
	(void)address;
	(void)pte;
}
EXPORT_SYMBOL(mmu_notifier_change_pte);

void mmun_intervals_init(struct mmun_intervals *in)
{
	*in = (struct mmun_intervals){ 0 };
}

void mmun_intervals_fork_prepare(struct mmun_intervals *in)
{
	(void)in;
}

void mmun_intervals_fork_parent(struct mmun_intervals *in)
{
	(void)in;
}

void mmun_intervals_fork_child(struct mmun_intervals *in, unsigned int active,
			       bool drop)
{
	(void)in;
	(void)active;
	(void)drop;
}

int mmu_interval_notifier_insert(struct mmu_interval_notifier *interval_sub,
				 struct mm_struct *mm, unsigned long start,
				 unsigned long length,
				 const struct mmu_interval_notifier_ops *ops)
{
	(void)start;
	(void)length;
	return interval_sub && mm && ops ? -EOPNOTSUPP : -EINVAL;
}
EXPORT_SYMBOL(mmu_interval_notifier_insert);

int mmu_interval_notifier_insert_locked(
	struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
	unsigned long start, unsigned long length,
	const struct mmu_interval_notifier_ops *ops)
{
	return mmu_interval_notifier_insert(interval_sub, mm, start, length,
					    ops);
}
EXPORT_SYMBOL(mmu_interval_notifier_insert_locked);

void mmu_interval_notifier_remove(struct mmu_interval_notifier *interval_sub)
{
	(void)interval_sub;
}
EXPORT_SYMBOL(mmu_interval_notifier_remove);

unsigned long
mmu_interval_read_begin(struct mmu_interval_notifier *interval_sub)
{
	return interval_sub->invalidate_seq;
}
EXPORT_SYMBOL(mmu_interval_read_begin);

int mmun_monitor_start(void)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mmun_monitor_start);

int mmun_monitor_entry(size_t index, struct mmun_entry_info *ret_info)
{
	(void)index;
	return ret_info ? -ENOENT : -EINVAL;
}
EXPORT_SYMBOL(mmun_monitor_entry);

int mmun_monitor_select(const char *sources)
{
	return sources ? -EOPNOTSUPP : -EINVAL;
}
EXPORT_SYMBOL(mmun_monitor_select);

int mmun_monitor_source(size_t index, struct mmun_source_info *ret_info)
{
	(void)index;
	return ret_info ? -ENOENT : -EINVAL;
}
EXPORT_SYMBOL(mmun_monitor_source);

int mmun_watch(struct mmun_watch *watch, struct mm_struct *mm,
	       unsigned long start, unsigned long end)
{
	return watch && mm && start < end ? -EOPNOTSUPP : -EINVAL;
}
EXPORT_SYMBOL(mmun_watch);

void mmun_unwatch(struct mmun_watch *watch)
{
	(void)watch;
}
EXPORT_SYMBOL(mmun_unwatch);

int mmun_coverage(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	return mm && start < end ? -EAGAIN : -EINVAL;
}
EXPORT_SYMBOL(mmun_coverage);

void mmun_settle(struct mm_struct *mm)
{
	(void)mm;
}
EXPORT_SYMBOL(mmun_settle);
