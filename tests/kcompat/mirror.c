// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A driver that mirrors a range: without references to the pages, so that what
 * the notifier does not drop is used after it was freed.
 */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mirror.h"

struct mirror {
	struct mmu_interval_notifier sub;
	struct mutex lock;		/* pfns, and the device */
	unsigned long nr_pages;
	unsigned long pfns[];
};

static atomic_long_t retries = ATOMIC_LONG_INIT(0);

static bool mirror_invalidate(struct mmu_interval_notifier *sub,
			      const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, sub);
	unsigned long addr, start, last;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&mirror->lock);
	else if (!mutex_trylock(&mirror->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	start = max(range->start, sub->interval_tree.start);
	last = min(range->end - 1, sub->interval_tree.last);
	for (addr = start & PAGE_MASK; addr <= last; addr += PAGE_SIZE)
		mirror->pfns[(addr - sub->interval_tree.start) >>
			     PAGE_SHIFT] = 0;
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {
	.invalidate = mirror_invalidate,
};

struct mirror *mirror_create(unsigned long start, unsigned long nr_pages)
{
	struct mirror *mirror __free(kfree) =
		kzalloc(struct_size(mirror, pfns, nr_pages), GFP_KERNEL);
	int err;

	if (!mirror)
		return ERR_PTR(-ENOMEM);
	mutex_init(&mirror->lock);
	mirror->nr_pages = nr_pages;
	err = mmu_interval_notifier_insert(&mirror->sub, current->mm, start,
					   nr_pages << PAGE_SHIFT, &mirror_ops);
	if (err)
		return ERR_PTR(err);
	return_ptr(mirror);
}

void mirror_destroy(struct mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->sub);
	mutex_destroy(&mirror->lock);
	kfree(mirror);
}

static int try_fault(struct mirror *mirror, struct hmm_range *range)
{
	struct mm_struct *mm = mirror->sub.mm;
	int err;

	range->notifier_seq = mmu_interval_read_begin(&mirror->sub);
	mmap_read_lock(mm);
	err = hmm_range_fault(range);
	mmap_read_unlock(mm);
	if (err)
		return err;

	guard(mutex)(&mirror->lock);
	if (mmu_interval_read_retry(&mirror->sub, range->notifier_seq))
		return -EBUSY;
	memcpy(mirror->pfns, range->hmm_pfns,
	       array_size(mirror->nr_pages, sizeof(*mirror->pfns)));
	return 0;
}

int mirror_fault(struct mirror *mirror)
{
	struct hmm_range range = {
		.notifier = &mirror->sub,
		.start = mirror->sub.interval_tree.start,
		.end = mirror->sub.interval_tree.last + 1,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
	int err;

	if (!mmget_not_zero(mirror->sub.mm))
		return -EFAULT;
	range.hmm_pfns = kvcalloc(mirror->nr_pages, sizeof(*range.hmm_pfns),
				  GFP_KERNEL);
	if (!range.hmm_pfns) {
		mmput(mirror->sub.mm);
		return -ENOMEM;
	}
	while ((err = try_fault(mirror, &range)) == -EBUSY)
		atomic_long_inc(&retries);
	kvfree(range.hmm_pfns);
	mmput(mirror->sub.mm);
	return err;
}

unsigned long mirror_look(struct mirror *mirror, unsigned long addr)
{
	unsigned long pfn;

	guard(mutex)(&mirror->lock);
	pfn = mirror->pfns[(addr - mirror->sub.interval_tree.start) >>
			   PAGE_SHIFT];
	if (!(pfn & HMM_PFN_VALID))
		return 0;
	return page_private(hmm_pfn_to_page(pfn));
}

unsigned long mirror_retries(void)
{
	return atomic_long_read(&retries);
}

MODULE_DESCRIPTION("A mirror of a range");
MODULE_LICENSE("Dual BSD/GPL");
