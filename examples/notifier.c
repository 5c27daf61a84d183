// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A classic notifier: hear of everything that this process unmaps or discards. */
#include <mmunotify/mmu_notifier.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void *watched;
static int lost;

/* Inside munmap(), or free(): mark, and clean up later. */
static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	if ((unsigned long)watched >= range->start &&
	    (unsigned long)watched < range->end)
		lost = 1;
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = start };

int main(void)
{
	struct mmu_notifier mn = { .ops = &ops };
	int err = mmu_notifier_register(&mn, mm_self());

	if (err)
		return printf("register: %s\n", strerror(-err)), 1;
	watched = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(watched, 4096);
	mmu_notifier_unregister(&mn, mm_self());
	printf("%s\n", lost ? "lost the page" : "heard nothing");
	return !lost;
}
