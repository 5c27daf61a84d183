/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CORE_OWN_RANGES_H
#define MMUN_CORE_OWN_RANGES_H
/*
 * The ranges that a thread has in flight itself.  Its registrations must not
 * wait for them: it would wait for itself.
 *
 * A thread remembers where each range lies, and the number that it gave it.  It
 * may be ended in another thread, and its memory be used for something else
 * since; so before a range of the past is believed in, it is looked at, with
 * a read that cannot fault.
 *
 * Context: the event path, for the inline ones.
 */

#include "core/core.h"

/* range->mmun_private: */
enum {
	R_STATE,	/* R_STARTED, R_COUNTED and the bank of mm->in_flight, or 0 */
	R_SEQ,		/* the newest notifier that saw the start */
	R_TASK,		/* who started it */
	R_ID,		/* ... and the number he gave it */
};
#define R_STARTED 0x6d6d756e00000000ULL
#define R_COUNTED 2ULL	/* among the active ones of mm->intervals */
#define R_BANK 1ULL

/*
 * Which process, by fork(): in a child the ranges of its parent's other threads
 * have no count any more, and are over.
 */
extern uint32_t mmun_generation __attribute__((visibility("hidden")));

static inline uint64_t range_open_state(unsigned int bank)
{
	return R_STARTED | (uint64_t)(mmun_generation << 2) | bank;
}

static inline bool range_is_open(const struct mmu_notifier_range *range)
{
	return (range->mmun_private[R_STATE] & ~(R_COUNTED | R_BANK)) ==
	       range_open_state(0);
}

void mmun_own_range_no_room(struct mmu_notifier_range *range);
void mmun_disown_range_out_of_order(struct mmu_notifier_range *range);

/* By both: a thread's address and numbers come again when it is gone. */
static inline bool mmun_owns(uint32_t i, const struct mmu_notifier_range *range)
{
	return mmun_task.own[i].range == range &&
	       mmun_task.own[i].id == range->mmun_private[R_ID];
}

static inline void own_range(struct mmu_notifier_range *range)
{
	uint32_t n = mmun_read(&mmun_task.nr_own);

	range->mmun_private[R_TASK] = (uintptr_t)&mmun_task;
	range->mmun_private[R_ID] = ++mmun_task.last_range;
	if (mmun_unlikely(n == MMUN_OWN_RANGES)) {
		mmun_own_range_no_room(range);
		return;
	}
	mmun_task.own[n].range = range;
	mmun_task.own[n].id = range->mmun_private[R_ID];
	/* A signal handler's ranges come and go above n. */
	mmun_barrier();
	mmun_write(&mmun_task.nr_own, n + 1);
}

static inline void disown_range(struct mmu_notifier_range *range)
{
	uint32_t n = mmun_read(&mmun_task.nr_own);

	if (mmun_unlikely(range->mmun_private[R_TASK] != (uintptr_t)&mmun_task))
		return;
	if (mmun_likely(n && mmun_owns(n - 1, range)))
		mmun_write(&mmun_task.nr_own, n - 1);
	else
		mmun_disown_range_out_of_order(range);
}

/*
 * Count this thread's ranges in flight on @mm in a bank of mm->in_flight.
 * Context: not the event path; system calls.
 */
uint32_t mmun_count_own_ranges(void *mm, unsigned int bank);
/* How many of them are counted in mm->intervals.  Context: as above. */
unsigned int mmun_count_own_active(struct mm_struct *mm);
/* In a fork()ed child: this thread's ranges are in flight here, too. */
void mmun_adopt_own_ranges(void);

#endif /* MMUN_CORE_OWN_RANGES_H */
