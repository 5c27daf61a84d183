// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/safe_read.h"
#include "core/own_ranges.h"

static void forget(struct mmun_task *task, uint32_t i)
{
	task->own[i] = task->own[task->nr_own - 1];
	task->nr_own--;
}

/* Is it still the range that we started? Then *now is what is in it. */
static bool still_open(struct mmun_task *task, uint32_t i,
		       struct mmu_notifier_range *now)
{
	return mmun_safe_read(now, task->own[i].range, sizeof(*now)) &&
	       range_is_open(now) &&
	       now->mmun_private[R_TASK] == (uintptr_t)task &&
	       now->mmun_private[R_ID] == task->own[i].id;
}

/* Some may be of the past; else this one goes without a place. */
void mmun_own_range_no_room(struct mmu_notifier_range *range)
{
	struct mmun_task *task = &mmun_task;
	struct mmu_notifier_range now;

	for (uint32_t i = task->nr_own; i-- > 0;)
		if (!still_open(task, i, &now))
			forget(task, i);
	if (task->nr_own == MMUN_OWN_RANGES) {
		task->own_untracked++;
		return;
	}
	task->own[task->nr_own].range = range;
	task->own[task->nr_own].id = range->mmun_private[R_ID];
	task->nr_own++;
}

void mmun_disown_range_out_of_order(struct mmu_notifier_range *range)
{
	struct mmun_task *task = &mmun_task;

	for (uint32_t i = 0; i < task->nr_own; i++) {
		if (task->own[i].id == range->mmun_private[R_ID]) {
			forget(task, i);
			return;
		}
	}
	if (task->own_untracked)
		task->own_untracked--;
}

void mmun_each_own_range(void (*fn)(struct mm_struct *mm, unsigned int bank))
{
	struct mmun_task *task = &mmun_task;
	struct mmu_notifier_range now;

	for (uint32_t i = 0; i < task->nr_own; i++)
		if (still_open(task, i, &now))
			fn(now.mm, now.mmun_private[R_STATE] & 1);
}

void mmun_count_own_ranges(struct mm_struct *mm, uint32_t own[2])
{
	struct mmun_task *task = &mmun_task;
	struct mmu_notifier_range now;

	own[0] = own[1] = 0;
	for (uint32_t i = 0; i < task->nr_own; i++)
		if (still_open(task, i, &now) && now.mm == mm)
			own[now.mmun_private[R_STATE] & 1]++;
}
