// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The plugin of live/plugin.c once more, with watches: what it watches goes away
 * with it, or has gone before.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#define LEN (64UL << 10)

int plugin_start(void);
void plugin_stop(void);

static atomic_long calls;

static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&calls, 1);
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = start };
static struct mmu_notifier notifier = { .ops = &ops };
static struct mmun_watch watch[3];
static char *area;

static int watch_part(int i)
{
	return mmun_watch(&watch[i], mm_self(), (unsigned long)area + i * LEN,
			  (unsigned long)area + (i + 2) * LEN);
}

int plugin_start(void)
{
	int err = mmu_notifier_register(&notifier, mm_self());

	area = mmap(NULL, 4 * LEN, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	for (int i = 0; i < 3 && !err; i++)
		err = watch_part(i);
	return err;
}

/* The first part dies watched, the rest after its watches. */
void plugin_stop(void)
{
	munmap(area, LEN);
	for (int i = 0; i < 3; i++)
		mmun_unwatch(&watch[i]);
	munmap(area + LEN, 3 * LEN);
	mmun_settle(mm_self());
	mmu_notifier_unregister(&notifier, mm_self());
}
