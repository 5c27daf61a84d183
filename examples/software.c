// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A software address space: memory of a device, of which its allocator reports
 * what it frees.
 */
#include <mmunotify/mmu_notifier.h>

#include <stdio.h>

static unsigned long freed;

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	freed += range->end - range->start;
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = start };

/* The allocator of the device. */
static void device_free(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, addr, addr + len);
	mmu_notifier_invalidate_range_start(&range);
	/* ... here it takes the memory away ... */
	mmu_notifier_invalidate_range_end(&range);
}

int main(void)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier mn = { .ops = &ops };

	if (!mm || mmu_notifier_register(&mn, mm))
		return 1;
	device_free(mm, 0x100000, 0x2000);
	mmu_notifier_unregister(&mn, mm);
	mmput(mm);
	printf("freed %#lx bytes\n", freed);
	return freed != 0x2000;
}
