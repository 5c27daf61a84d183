// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Ranges that a scenario forges. */
#include <errno.h>
#include <string.h>

#include "library_slots.h"

static int start_range(struct mmu_notifier_range *range, bool blockable)
{
	if (!blockable)
		return mmu_notifier_invalidate_range_start_nonblock(range);
	mmu_notifier_invalidate_range_start(range);
	return 0;
}

/* inv|invnb OBJECT start end event [force|onlyend]: a range on that one's mm */
long do_inv(const struct command *c)
{
	bool forced = c->nr > 5 && !strcmp(c->at[5], "force");
	bool only_end = c->nr > 5 && !strcmp(c->at[5], "onlyend");
	struct object *o = named_object(c, 1);
	struct mmu_notifier_range range;
	unsigned long start, end;
	long event;
	int ret;

	if (c->nr < 5)
		return NO_COMMAND;
	if (!o || !command_address(c, 2, &start) ||
	    !command_address(c, 3, &end) || !command_number(c, 4, &event))
		return -EINVAL;
	mmu_notifier_range_init(&range, event, 0, o->mn.mm, start, end);
	ret = start_range(&range, !c->at[0][3]);
	tr("= raw start -> %d", ret);
	if (ret && !forced)
		return 0;
	if (only_end && !since(library_version, 6, 6))
		mmu_notifier_invalidate_range_only_end(&range);
	else
		mmu_notifier_invalidate_range_end(&range);
	tr("= raw end done");
	return 0;
}

#define NR_RANGES 4
static struct mmu_notifier_range ranges[NR_RANGES];

/* istart K start end b|n: a range that other commands run in */
long do_istart(const struct command *c)
{
	struct mmu_notifier_range *range;
	unsigned long start, end;
	long k;
	int ret;

	if (!command_number(c, 1, &k) || k < 0 || k >= NR_RANGES || c->nr < 5 ||
	    !command_address(c, 2, &start) || !command_address(c, 3, &end))
		return -EINVAL;
	range = &ranges[k];
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, current_mm(), start,
				end);
	ret = start_range(range, c->at[4][0] != 'n');
	tr("= range%ld start -> %d", k, ret);
	return ret;
}

long do_iend(const struct command *c)
{
	long k;

	if (!command_number(c, 1, &k) || k < 0 || k >= NR_RANGES)
		return -EINVAL;
	mmu_notifier_invalidate_range_end(&ranges[k]);
	tr("= range%ld end done", k);
	return 0;
}

long do_young(const struct command *c)
{
	struct object *o = named_object(c, 1);
	unsigned long start, end;
	struct mm_struct *mm;

	if (!o || c->nr < 4)
		return NO_COMMAND;
	if (!command_address(c, 2, &start) || !command_address(c, 3, &end))
		return -EINVAL;
	mm = o->mn.mm;
	tr("= clear_flush_young -> %d",
	   mmu_notifier_clear_flush_young(mm, start, end));
	tr("= clear_young -> %d", mmu_notifier_clear_young(mm, start, end));
	tr("= test_young -> %d", mmu_notifier_test_young(mm, start));
	return 0;
}
