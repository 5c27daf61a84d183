// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The event path: a range is started and ended, and each walks the list under
 * SRCU.  No lock, no allocation, nothing of libc but errno.
 *
 * A range in flight is counted in mm->in_flight from before its first callback
 * until after its last, so that registration can wait for it; it is no section
 * of mm->srcu, so that a notifier may be put, and freed, between a range's start
 * and its end.
 *
 * Interval notifiers come first (interval_notifier.c), and keep a count of their
 * own, of ranges that began when there was one.
 *
 * With no subscriber a start is that count, two loads and a branch each.
 */
#include <errno.h>
#include <limits.h>

#include "base/mutants.h"
#include "base/warn.h"
#include "core/own_ranges.h"

/* -- ranges in flight -- */

void mmun_wait_for_ranges(struct mm_struct *mm)
{
	mmun_srcu_synchronize_except(mm->in_flight, mmun_count_own_ranges, mm);
}

static inline void range_open(struct mmu_notifier_range *range)
{
	unsigned int bank = mmun_srcu_read_lock(range->mm->in_flight);

	range->mmun_private[R_STATE] = range_open_state(bank);
	own_range(range);
}

static inline void range_close(struct mmu_notifier_range *range)
{
	unsigned int bank = range->mmun_private[R_STATE] & R_BANK;

	disown_range(range);
	range->mmun_private[R_STATE] = 0;
	mmun_srcu_read_unlock(range->mm->in_flight, bank);
}

/* Nobody who came after the start: he must not hear of an end of it. */
static bool saw_start(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	return MMUN_BREAK_REGISTER || MMUN_BREAK(END_ALONE) ||
	       mn_private(mn)->seq <= range->mmun_private[R_SEQ];
}

/* Its ->release has returned, and the list is about to be emptied. */
static bool is_silent(struct mmu_notifier *mn)
{
	return mmun_read(&mn_private(mn)->state) & MN_SILENT;
}

/* -- start -- */

/* Before it is closed. */
static void end_intervals(struct mmu_notifier_range *range)
{
	if (mmun_unlikely(range->mmun_private[R_STATE] & R_COUNTED))
		mmun_intervals_end(&range->mm->intervals);
	range->mmun_private[R_STATE] &= ~R_COUNTED;
}

/*
 * Who waits for both, for those who look and for those who call, finds that of
 * those that were hit before nobody is called any more.  The list's own walks are
 * another domain: neither unregister nor a free waits for an interval's callback.
 */
static int start_intervals(struct mmu_notifier_range *range)
{
	struct mmun_intervals *in = &range->mm->intervals;
	unsigned int bank = mmun_srcu_read_lock(in->looks);
	struct mmun_interval *first = NULL;
	struct mmun_walk walk;
	int ret;

	if (mmun_likely(mmun_has_intervals(in))) {
		first = mmun_intervals_begin(in, range->start, range->end);
		/* Before the callbacks: one of them may fork. */
		range->mmun_private[R_STATE] |= R_COUNTED;
	}
	if (mmun_unlikely(first))
		walk_begin(range->mm, in->calls, &walk);
	mmun_srcu_read_unlock(in->looks, bank);
	if (mmun_likely(!first))
		return 0;
	ret = mmun_intervals_call(first, range);
	walk_end(&walk);
	return ret;
}

void mmun_invalidate_intervals(struct mm_struct *mm,
			       enum mmu_notifier_event event)
{
	struct mmu_notifier_range range;

	if (!mmun_has_intervals(&mm->intervals))
		return;
	mmu_notifier_range_init(&range, event, MMU_NOTIFIER_RANGE_BLOCKABLE, mm,
				0, ULONG_MAX);
	range_open(&range);
	start_intervals(&range);
	end_intervals(&range);
	range_close(&range);
}

static int call_start(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	int ret;

	if (!mn->ops->invalidate_range_start || is_silent(mn))
		return 0;
	ret = mn->ops->invalidate_range_start(mn, range);
	if (mmun_likely(!ret))
		return 0;
	if (mmu_notifier_range_blockable(range)) {
		mmun_warn_once("invalidate_range_start failed in a blockable range: ignored");
		return 0;
	}
	if (MMUN_BREAK(REFUSAL))
		return 0;
	if (ret != -EAGAIN)
		mmun_warn_once("invalidate_range_start returned other than 0 or -EAGAIN");
	if (mn->ops->invalidate_range_end)
		mmun_warn_once("invalidate_range_start failed and has an invalidate_range_end");
	return ret;
}

static void walk_end_ops(const struct mmu_notifier_range *range, bool flush)
{
	struct mmu_notifier *mn;

	for_each_notifier(mn, range->mm) {
		if (!saw_start(mn, range) || is_silent(mn))
			continue;
		if (flush && mn->ops->invalidate_range)
			mn->ops->invalidate_range(mn, range->mm, range->start,
						  range->end);
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, range);
	}
}

/* Return: the last error.  Everybody is asked, whatever the others say. */
static int walk_start_ops(struct mmu_notifier_range *range)
{
	struct mmu_notifier *mn = mmun_load_acquire(&range->mm->first);
	int ret = 0, err;

	range->mmun_private[R_SEQ] = mn ? mn_private(mn)->seq : 0;
	for (; mn; mn = mmun_load_acquire(&mn_private(mn)->next)) {
		err = call_start(mn, range);
		if (mmun_unlikely(err))
			ret = err;
		if (MMUN_BREAK(STOP) && err)
			break;
	}
	/* Refused: for those who took it, it is over. */
	if (mmun_unlikely(ret) && !MMUN_BREAK(NO_END))
		walk_end_ops(range, false);
	return ret;
}

static void refuse(struct mmu_notifier_range *range)
{
	end_intervals(range);
	range_close(range);
}

static void set_blockable(struct mmu_notifier_range *range,
			  unsigned int blockable)
{
	range->flags &= ~MMU_NOTIFIER_RANGE_BLOCKABLE;
	range->flags |= blockable;
}

static __attribute__((noinline)) int start_walk(struct mmu_notifier_range *range,
						unsigned int blockable)
{
	int *err = task_errno(), saved_errno = *err, ret;
	struct mmun_walk walk;

	set_blockable(range, blockable);
	walk_begin(range->mm, range->mm->srcu, &walk);
	ret = walk_start_ops(range);
	walk_end(&walk);
	*err = saved_errno;
	if (mmun_unlikely(ret))
		refuse(range);
	return ret;
}

/* Interval notifiers come first. */
static __attribute__((noinline)) int start_both(struct mmu_notifier_range *range,
						unsigned int blockable)
{
	int *err = task_errno(), saved_errno = *err, ret;

	set_blockable(range, blockable);
	ret = start_intervals(range);
	*err = saved_errno;
	if (mmun_unlikely(ret))
		refuse(range);
	else if (mmun_load_acquire(&range->mm->first))
		ret = start_walk(range, blockable);
	return ret;
}

static __attribute__((cold, noinline)) int warn_started(void)
{
	mmun_warn_once("a range is started that is started");
	return 0;
}

static inline int range_start(struct mmu_notifier_range *range,
			      unsigned int blockable)
{
	if (mmun_unlikely(range_is_open(range)))
		return warn_started();
	range_open(range);
	range->mmun_private[R_SEQ] = 0;
	if (mmun_unlikely(mmun_has_intervals(&range->mm->intervals)))
		return start_both(range, blockable);
	if (!mmun_load_acquire(&range->mm->first))
		return 0;
	return start_walk(range, blockable);
}

void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	range_start(range, MMU_NOTIFIER_RANGE_BLOCKABLE);
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_start);

int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *range)
{
	return range_start(range, 0);
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_start_nonblock);

/* -- end -- */

static __attribute__((noinline)) void end_walk(struct mmu_notifier_range *range,
					       bool flush)
{
	int *err = task_errno(), saved_errno = *err;
	struct mmun_walk walk;

	walk_begin(range->mm, range->mm->srcu, &walk);
	walk_end_ops(range, flush);
	walk_end(&walk);
	*err = saved_errno;
	range_close(range);
}

static __attribute__((cold, noinline)) void warn_not_started(void)
{
	mmun_warn_once("mmu_notifier_invalidate_range_end() of a range that is not started");
}

static inline void range_end(struct mmu_notifier_range *range, bool flush)
{
	if (mmun_unlikely(!range_is_open(range))) {
		warn_not_started();
		return;
	}
	end_intervals(range);
	/* Whoever came after the start is not told of the end. */
	if ((range->mmun_private[R_SEQ] || MMUN_BREAK_REGISTER) &&
	    (mmun_read(&range->mm->wants) & MM_WANTS_END))
		end_walk(range, flush);
	else
		range_close(range);
}

void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	range_end(range, true);
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_end);

void mmu_notifier_invalidate_range_only_end(struct mmu_notifier_range *range)
{
	range_end(range, false);
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range_only_end);

/* -- what has no end: one walk each -- */

/*
 * Call ops->op(mn, ...) of all who have it; @body sees each as mn.  The walk's
 * frame also tells the thread's other calls that they are in a callback.
 */
#define walk_ops(mm, op, body)                                                 \
	do {                                                                   \
		struct mmu_notifier *mn;                                       \
		struct mmun_walk walk;                                         \
		int *err, saved_errno;                                         \
									       \
		if (!mmun_load_acquire(&(mm)->first))                          \
			break;                                                 \
		err = task_errno();                                            \
		saved_errno = *err;                                            \
		walk_begin((mm), (mm)->srcu, &walk);                           \
		for_each_notifier(mn, (mm)) {                                  \
			if (!mn->ops->op || is_silent(mn))                     \
				continue;                                      \
			body;                                                  \
		}                                                              \
		walk_end(&walk);                                               \
		*err = saved_errno;                                           \
	} while (0)

void mmu_notifier_invalidate_range(struct mm_struct *mm, unsigned long start,
				   unsigned long end)
{
	walk_ops(mm, invalidate_range,
		 mn->ops->invalidate_range(mn, mm, start, end));
}
EXPORT_SYMBOL(mmu_notifier_invalidate_range);

void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
						 unsigned long start,
						 unsigned long end)
{
	if (mmun_likely(!(mmun_read(&mm->wants) & MM_WANTS_ARCH)))
		return;
	walk_ops(mm, arch_invalidate_secondary_tlbs,
		 mn->ops->arch_invalidate_secondary_tlbs(mn, mm, start, end));
}
EXPORT_SYMBOL(mmu_notifier_arch_invalidate_secondary_tlbs);

bool mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start,
				    unsigned long end)
{
	bool young = false;

	walk_ops(mm, clear_flush_young,
		 young |= mn->ops->clear_flush_young(mn, mm, start, end));
	return young;
}
EXPORT_SYMBOL(mmu_notifier_clear_flush_young);

bool mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	bool young = false;

	walk_ops(mm, clear_young,
		 young |= mn->ops->clear_young(mn, mm, start, end));
	return young;
}
EXPORT_SYMBOL(mmu_notifier_clear_young);

bool mmu_notifier_test_young(struct mm_struct *mm, unsigned long address)
{
	bool young = false;

	walk_ops(mm, test_young, {
		young = mn->ops->test_young(mn, mm, address);
		if (young)
			break;
	});
	return young;
}
EXPORT_SYMBOL(mmu_notifier_test_young);

void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address,
			     pte_t pte)
{
	walk_ops(mm, change_pte, mn->ops->change_pte(mn, mm, address, pte));
}
EXPORT_SYMBOL(mmu_notifier_change_pte);
