/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef UNIT_INTERVAL_H
#define UNIT_INTERVAL_H
/*
 * Interval notifiers that write down what they hear, among the classic ones of
 * subscriber.h: said("0.hit A.start").
 */
#include <mmunotify/interval_notifier.h>

#include "subscriber.h"

#define PAGE 0x1000UL

struct interval {
	struct mmu_interval_notifier sub;
	char name;
	bool refuses;
	bool forgets;		/* to set the sequence */
	bool hands_nothing_on;
	struct mmu_interval_notifier_finish finish;
};

static inline struct interval *interval_of(struct mmu_interval_notifier *sub)
{
	return (struct interval *)sub; /* sub comes first */
}

static inline bool hear_interval(enum call call,
				 struct mmu_interval_notifier *sub,
				 const struct mmu_notifier_range *range,
				 unsigned long seq)
{
	struct interval *iv = interval_of(sub);

	if (!iv->forgets && !iv->refuses)
		mmu_interval_set_seq(sub, seq);
	hear((struct heard){ .call = call, .name = iv->name, .mm = range->mm,
			     .start = range->start, .end = range->end,
			     .range = range, .flags = range->flags,
			     .event = range->event, .owner = range->owner,
			     .seq = seq });
	return !iv->refuses;
}

static inline bool on_hit(struct mmu_interval_notifier *sub,
			  const struct mmu_notifier_range *range,
			  unsigned long seq)
{
	return hear_interval(HIT, sub, range, seq);
}

static inline bool on_begin(struct mmu_interval_notifier *sub,
			    const struct mmu_notifier_range *range,
			    unsigned long seq,
			    struct mmu_interval_notifier_finish **finish)
{
	struct interval *iv = interval_of(sub);

	if (*finish)
		bail("*finish is not NULL on entry");
	if (!iv->hands_nothing_on)
		*finish = &iv->finish;
	return hear_interval(BEGIN, sub, range, seq);
}

static inline void on_finish(struct mmu_interval_notifier_finish *finish)
{
	struct interval *iv = interval_of(finish->notifier);

	if (finish != &iv->finish)
		bail("somebody else's finish");
	hear((struct heard){ .call = FINISH, .name = iv->name });
}

static const struct mmu_interval_notifier_ops one_pass = {
	.invalidate = on_hit,
};

static const struct mmu_interval_notifier_ops two_passes = {
	.invalidate_start = on_begin,
	.invalidate_finish = on_finish,
};

/* The memory need not be initialised, but for what is the test's. */
static inline void init_interval(struct interval *iv, char name)
{
	memset(iv, 0, sizeof(*iv));
	memset(&iv->sub, 0xa5, sizeof(iv->sub));
	iv->name = name;
}

/* Pages @first to @last, the one behind. */
static inline int insert(struct interval *iv, struct mm_struct *mm,
			 unsigned long first, unsigned long last)
{
	return mmu_interval_notifier_insert(&iv->sub, mm, first * PAGE,
					    (last - first) * PAGE, &one_pass);
}

static inline void must_insert(struct interval *iv, char name,
			       struct mm_struct *mm, unsigned long first,
			       unsigned long last)
{
	int err;

	init_interval(iv, name);
	err = insert(iv, mm, first, last);
	if (err)
		bail("mmu_interval_notifier_insert: %d", err);
}

static inline void remove_interval(struct interval *iv)
{
	mmu_interval_notifier_remove(&iv->sub);
}

static inline unsigned long seq_of(const struct interval *iv)
{
	return iv->sub.invalidate_seq;
}

static inline void start_pages(struct mmu_notifier_range *range,
			       struct mm_struct *mm, unsigned long first,
			       unsigned long last)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, mm, first * PAGE,
				last * PAGE);
	mmu_notifier_invalidate_range_start(range);
}

static inline int start_pages_nonblock(struct mmu_notifier_range *range,
				       struct mm_struct *mm,
				       unsigned long first, unsigned long last)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, mm, first * PAGE,
				last * PAGE);
	return mmu_notifier_invalidate_range_start_nonblock(range);
}

static inline void whole_pages(struct mm_struct *mm, unsigned long first,
			       unsigned long last)
{
	struct mmu_notifier_range range;

	start_pages(&range, mm, first, last);
	end_range(&range);
}

/* -- what may wait, in a thread of its own -- */

static inline void task_remove(void *iv)
{
	remove_interval(iv);
}

static unsigned long task_seq;

static inline void task_read(void *iv)
{
	task_seq = mmu_interval_read_begin(&interval_of(iv)->sub);
}

/* Does it wait, as long as the range lasts? */
static inline bool waits_for_end(void (*run)(void *), struct interval *iv,
				 struct mmu_notifier_range *range)
{
	struct task task;
	bool waits;

	start_task(&task, run, iv);
	waits = blocks(&task);
	end_range(range);
	finish_task(&task);
	return waits;
}

#endif /* UNIT_INTERVAL_H */
