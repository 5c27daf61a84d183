// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * get and put, for what is loaded and unloaded: all who get the same ops share one
 * notifier, and the last put frees it, when no callback runs any more.
 */
#include <mmunotify/mmu_notifier.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subscriber {
	struct mmu_notifier mn;	/* the first member */
	unsigned long lost;
};

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	((struct subscriber *)mn)->lost += range->end - range->start;
	return 0;
}

static struct mmu_notifier *alloc(struct mm_struct *mm)
{
	(void)mm;
	return calloc(1, sizeof(struct subscriber));
}

static void drop(struct mmu_notifier *mn)
{
	free(mn);
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = start,
	.alloc_notifier = alloc,
	.free_notifier = drop,
};

int main(void)
{
	/* What the plugin does when it is loaded ... */
	struct mmu_notifier *mn = mmu_notifier_get(&ops, mm_self());
	unsigned long lost;
	char *volatile block;	/* the compiler shall not know better */

	if (IS_ERR(mn))
		return printf("get: %s\n", strerror(-PTR_ERR(mn))), 1;
	block = malloc(1 << 20);
	if (block)
		memset(block, 1, 1 << 20);
	free(block);
	lost = ((struct subscriber *)mn)->lost;
	/* ... and before it is unloaded. */
	mmu_notifier_put(mn);
	mmu_notifier_synchronize();
	printf("lost %lu bytes\n", lost);
	return !lost;
}
