// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/safe_read.h"
#include "core/own_ranges.h"

uint32_t mmun_generation;

/* In order: the latest is the likeliest to be ended next. */
static void forget(uint32_t i)
{
	for (; i + 1 < mmun_task.nr_own; i++)
		mmun_task.own[i] = mmun_task.own[i + 1];
	mmun_task.nr_own--;
}

/* Is it still the range that we started? Then *now is what is in it. */
static bool still_open(uint32_t i, struct mmu_notifier_range *now)
{
	return mmun_safe_read(now, mmun_task.own[i].range, sizeof(*now)) &&
	       range_is_open(now) &&
	       now->mmun_private[R_TASK] == (uintptr_t)&mmun_task &&
	       now->mmun_private[R_ID] == mmun_task.own[i].id;
}

/* Some may be of the past; else the oldest goes, and is waited for from now on. */
void mmun_own_range_no_room(struct mmu_notifier_range *range)
{
	struct mmu_notifier_range now;
	struct mmun_sigmask saved;

	/* A handler's ranges would come and go in the middle of it. */
	mmun_block_signals(&saved);
	for (uint32_t i = mmun_task.nr_own; i-- > 0;)
		if (!still_open(i, &now))
			forget(i);
	if (mmun_task.nr_own == MMUN_OWN_RANGES)
		forget(0);
	mmun_task.own[mmun_task.nr_own].range = range;
	mmun_task.own[mmun_task.nr_own].id = range->mmun_private[R_ID];
	mmun_task.nr_own++;
	mmun_restore_signals(&saved);
}

void mmun_disown_range_out_of_order(struct mmu_notifier_range *range)
{
	struct mmun_sigmask saved;

	mmun_block_signals(&saved);
	for (uint32_t i = 0; i < mmun_task.nr_own; i++) {
		if (mmun_owns(i, range)) {
			forget(i);
			break;
		}
	}
	mmun_restore_signals(&saved);
}

void mmun_adopt_own_ranges(void)
{
	struct mmu_notifier_range now, *range;
	unsigned int bank;

	for (uint32_t i = mmun_task.nr_own; i-- > 0;)
		if (!still_open(i, &now))
			forget(i);
	mmun_generation++;
	for (uint32_t i = 0; i < mmun_task.nr_own; i++) {
		range = mmun_task.own[i].range;
		bank = range->mmun_private[R_STATE] & R_BANK;
		range->mmun_private[R_STATE] =
			range_open_state(bank) |
			(range->mmun_private[R_STATE] & R_COUNTED);
		mmun_srcu_reenter(range->mm->in_flight, bank);
	}
}

uint32_t mmun_count_own_ranges(void *mm, unsigned int bank)
{
	struct mmu_notifier_range now;
	uint32_t n = 0;

	for (uint32_t i = mmun_task.nr_own; i-- > 0;) {
		if (!still_open(i, &now))
			forget(i);
		else if (now.mm == mm &&
			 (now.mmun_private[R_STATE] & R_BANK) == bank)
			n++;
	}
	return n;
}

unsigned int mmun_count_own_active(struct mm_struct *mm)
{
	struct mmu_notifier_range now;
	unsigned int n = 0;

	for (uint32_t i = 0; i < mmun_task.nr_own; i++)
		n += still_open(i, &now) && now.mm == mm &&
		     (now.mmun_private[R_STATE] & R_COUNTED);
	return n;
}
