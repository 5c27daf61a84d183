// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * fork() write-protects private memory, and whoever writes first gets another
 * page.  That write is no call and is not seen; so this is the moment to forget
 * translations that may be written through, if they don't pin the page.
 */
#include <limits.h>

#include "core/own_ranges.h"
#include "monitor/bracket.h"
#include "monitor/fork_event.h"
#include "monitor/proc_maps.h"

#define MAX_RANGES 64

static struct {
	struct mmu_notifier_range range[MAX_RANGES];
	unsigned int n;
} forking;

static void add(unsigned long start, unsigned long end)
{
	if (forking.n == MAX_RANGES) {
		forking.range[MAX_RANGES - 1].end = end;
		return;
	}
	mmu_notifier_range_init(&forking.range[forking.n++],
				MMU_NOTIFY_PROTECTION_PAGE, MMUN_RANGE_READABLE,
				&mmun_self, start, end);
}

/* Linux leaves out what was never written; the list of mappings doesn't say. */
static bool add_private(const struct mmun_mapping *m, void *unused)
{
	(void)unused;
	if (!m->shared && m->writable)
		add(m->start, m->end);
	return true;
}

/*
 * No range of the thread's own, of which there is room for few: nobody registers
 * between here and the end.
 */
static void start(struct mmu_notifier_range *range)
{
	mmu_notifier_invalidate_range_start(range);
	disown_range(range);
	range->mmun_private[R_TASK] = 0;
}

/* A callback that forks is not called again for that. */
void mmun_fork_event_start(void)
{
	forking.n = 0;
	if (!mmun_has_listeners(&mmun_self) || mmun_in_callback(&mmun_self))
		return;
	if (mmun_each_mapping(add_private, NULL)) {
		forking.n = 0;
		add(0, ULONG_MAX);
	}
	for (unsigned int i = 0; i < forking.n; i++)
		start(&forking.range[i]);
}

void mmun_fork_event_end(void)
{
	for (unsigned int i = 0; i < forking.n; i++)
		mmu_notifier_invalidate_range_end(&forking.range[i]);
}
