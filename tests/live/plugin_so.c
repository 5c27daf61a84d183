// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The plugin of plugin.c: a subscriber that comes and goes with its code.
 */
#include <stdatomic.h>

#include <mmunotify/mmu_notifier.h>

int plugin_start(void);
void plugin_stop(void);

static struct mmu_notifier notifier;
static struct mmu_notifier *mine;
static atomic_long calls;

static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&calls, 1);
	return 0;
}

static void end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&calls, 1);
}

static struct mmu_notifier *alloc(struct mm_struct *mm)
{
	(void)mm;
	return &notifier;
}

static void free_it(struct mmu_notifier *mn)
{
	(void)mn;
	atomic_fetch_add(&calls, 1);
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = start,
	.invalidate_range_end = end,
	.alloc_notifier = alloc,
	.free_notifier = free_it,
};

int plugin_start(void)
{
	mine = mmu_notifier_get(&ops, mm_self());
	return IS_ERR(mine) ? PTR_ERR(mine) : 0;
}

/* As a kernel module does on its way out. */
void plugin_stop(void)
{
	mmu_notifier_put(mine);
	mmu_notifier_synchronize();
}
