// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A subscriber in a module that gets unloaded.  Its code, ops and memory are
 * gone after dlclose(): what comes later crashes.
 */
#include <mmunotify/mmu_notifier.h>

static struct mmu_notifier notifier;
static unsigned int heard, freed;

static struct mmu_notifier *alloc_notifier(struct mm_struct *mm)
{
	(void)mm;
	return &notifier;
}

static void free_notifier(struct mmu_notifier *mn)
{
	(void)mn;
	__atomic_fetch_add(&freed, 1, __ATOMIC_RELEASE);
}

static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	(void)mn, (void)range;
	__atomic_fetch_add(&heard, 1, __ATOMIC_RELAXED);
	return 0;
}

static void end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn, (void)range;
	__atomic_fetch_add(&heard, 1, __ATOMIC_RELAXED);
}

static const struct mmu_notifier_ops ops = {
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
	.invalidate_range_start = start,
	.invalidate_range_end = end,
};

int plugin_run(struct mm_struct *mm);

/* Return: 0, or what went wrong. */
int plugin_run(struct mm_struct *mm)
{
	struct mmu_notifier *mn = mmu_notifier_get(&ops, mm);

	if (mn != &notifier)
		return 1;
	if (mmu_notifier_get(&ops, mm) != mn)
		return 2;
	mmu_notifier_put(mn);
	mmu_notifier_put(mn);
	mmu_notifier_synchronize();
	return __atomic_load_n(&freed, __ATOMIC_ACQUIRE) == 1 ? 0 : 3;
}
