// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of an address space: ->release of every notifier, once each; before it
 * interval notifiers hear of a release, after it of an unmap.
 *
 * Also called by mmu_notifier_unregister() for its own; whoever sets MN_RELEASED
 * calls it, in a walk, and whoever comes second waits for that walk.
 */
#include "core/registration.h"

void mmun_release_one(struct mmu_notifier *mn, struct mm_struct *mm)
{
	if ((mmun_fetch_or(&mn_private(mn)->state, MN_RELEASED) & MN_RELEASED) &&
	    !MMUN_BREAK(RELEASE_TWICE))
		return;
	if (mn->ops->release && !(MMUN_BREAK(NO_RELEASE) && mm->released))
		mn->ops->release(mn, mm);
	mmun_fetch_or(&mn_private(mn)->state, MN_SILENT);
}

/* Return: is it the first time?  exit() ends in _exit(), which releases, too. */
static bool close_registration(struct mm_struct *mm)
{
	struct mmun_sigmask saved;
	bool first;

	mmun_lock_save(&mm->lock, &saved);
	first = !mm->released;
	mmun_write(&mm->released, 1);
	mmun_unlock_restore(&mm->lock, &saved);
	return first;
}

/* They keep their pins: the owners' puts, or unregisters, are still to come. */
static void empty_list(struct mm_struct *mm)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&mm->lock, &saved);
	while (mm->first)
		list_del(mm->first);
	mmun_unlock_restore(&mm->lock, &saved);
}

/* Return: as close_registration(). */
static bool release_now(struct mm_struct *mm)
{
	bool first = close_registration(mm);
	struct mmun_walk walk;
	struct mmu_notifier *mn;

	if (first)
		mmun_invalidate_intervals(mm, MMU_NOTIFY_RELEASE);
	walk_begin(mm, mm->srcu, &walk);
	for_each_notifier(mn, mm)
		mmun_release_one(mn, mm);
	walk_end(&walk);
	empty_list(mm);
	return first;
}

/*
 * Interval notifiers stay until they are removed.  As in the kernel they are told
 * that all is unmapped, and nothing after that: who called it may be gone.
 */
static void silence_intervals(struct mm_struct *mm)
{
	mmun_invalidate_intervals(mm, MMU_NOTIFY_UNMAP);
	mmun_xchg(&mm->intervals.used, USED_OVER);
}

void mmun_release_notifiers(struct mm_struct *mm)
{
	bool first = release_now(mm);
	bool waits = mmun_load_acquire(&mm->has_notifiers) &&
		     !mmun_in_callback(mm);
	bool had_intervals = mmun_has_intervals(&mm->intervals);

	/* exit() called by a callback cannot wait for that callback. */
	if (waits)
		mmun_srcu_synchronize(mm->srcu);
	if (!first || !had_intervals)
		return;
	silence_intervals(mm);
	if (waits) {
		mmun_srcu_synchronize(mm->intervals.looks);
		mmun_srcu_synchronize(mm->intervals.calls);
	}
}

void mmun_mm_exit_now(struct mm_struct *mm)
{
	if (mmun_in_callback(mm))
		return;
	mmun_xchg(&mm->mm_users, 0);
	if (release_now(mm))
		silence_intervals(mm);
}
