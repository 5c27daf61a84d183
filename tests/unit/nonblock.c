/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ranges that must not block: refusals, and what they leave behind. */
#include "subscriber.h"

static const struct mmu_notifier_ops ops_refuser = {
	.invalidate_range_start = on_start,
};

/* Registered in this order: 0 is the oldest, called last. */
static struct subscriber s[3];

static struct mm_struct *three(const struct mmu_notifier_ops *middle)
{
	struct mm_struct *mm = new_mm();

	init_subscriber(&s[0], '0', &ops_A);
	init_subscriber(&s[1], '1', middle);
	init_subscriber(&s[2], '2', &ops_B);
	for (int i = 0; i < 3; i++)
		must_register(&s[i], mm);
	return mm;
}

static void remove_three(struct mm_struct *mm)
{
	for (int i = 0; i < 3; i++)
		mmu_notifier_unregister(&s[i].mn, mm);
	atomic_store(&nr_heard, 0);
	mmput(mm);
}

static int start_nonblock(struct mmu_notifier_range *range,
			  struct mm_struct *mm)
{
	init_range(range, mm);
	range->flags = MMU_NOTIFIER_RANGE_BLOCKABLE;
	return mmu_notifier_invalidate_range_start_nonblock(range);
}

static void agreed(void)
{
	struct mm_struct *mm = three(&ops_refuser);
	struct mmu_notifier_range range;

	ok(start_nonblock(&range, mm) == 0, "[S81] nobody refuses: 0");
	ok(said("2.start 1.start 0.start"), "[S81] all were asked");
	ok(!(heard[0].flags & MMU_NOTIFIER_RANGE_BLOCKABLE),
	   "[S74] nonblock clears blockable, whatever the caller set");
	end_range(&range);
	ok(said("2.end 0.end"), "[S82] no end before the real one");
	remove_three(mm);
}

static struct mm_struct *refused_mm;

static void get_new(void *mn_slot)
{
	*(struct mmu_notifier **)mn_slot = mmu_notifier_get(&ops_C, refused_mm);
}

static void refused(void)
{
	struct mm_struct *mm = three(&ops_refuser);
	struct mmu_notifier_range range;
	struct mmu_notifier *c = NULL;
	struct task task;

	s[1].start_returns = -EAGAIN;
	ok(start_nonblock(&range, mm) == -EAGAIN, "[S81] refused: -EAGAIN");
	ok(said("2.start 1.start 0.start 2.end 0.end"),
	   "[S81][S82][S83] all hear the start, then all who can the end");
	ok(!warned(), "[S89] a refusal by ops without end warns not at all");

	refused_mm = mm;
	start_task(&task, get_new, &c);
	finish_task(&task);
	ok(!IS_ERR_OR_NULL(c) && said("C.alloc"),
	   "[S127] a refused range is over: a registration does not wait");
	whole_range(mm);
	ok(said("C.start 2.start 1.start 0.start C.end 2.end 0.end"),
	   "[S127] the next range is whole");
	ok(warned() == 1, "[S88] where the refusal is ignored with a warning");

	ok(start_nonblock(&range, mm) == -EAGAIN, "[S81] refused again");
	atomic_store(&nr_heard, 0);
	end_range(&range);
	ok(said("") && warned() == 1,
	   "[S85] an end after a refusal warns and is ignored");
	mmu_notifier_put(c);
	mmu_notifier_synchronize();
	remove_three(mm);
}

static void refuser_with_end(void)
{
	struct mm_struct *mm = three(&ops_C);
	struct mmu_notifier_range range;

	s[1].start_returns = -EAGAIN;
	ok(start_nonblock(&range, mm) == -EAGAIN &&
	   said("2.start 1.start 0.start 2.end 1.end 0.end"),
	   "[S86] one who refuses and has an end gets it, once");
	ok(warned() == 1, "[S86] and is warned about");
	remove_three(mm);
}

static void the_last_error(void)
{
	struct mm_struct *mm = three(&ops_refuser);
	struct mmu_notifier_range range;

	s[0].start_returns = -EAGAIN;
	s[1].start_returns = -EIO;
	s[2].start_returns = -EAGAIN;
	ok(start_nonblock(&range, mm) == -EAGAIN,
	   "[S84] the last that is not 0 is returned");
	ok(warned() == 1, "[S87] another error than -EAGAIN warns");
	s[0].start_returns = 0;
	ok(start_nonblock(&range, mm) == -EIO,
	   "[S87] and is returned as it is, [S84] being the last");
	s[1].start_returns = 0;
	ok(start_nonblock(&range, mm) == -EAGAIN, "[S84] or the only one");
	warned();
	remove_three(mm);
}

int main(void)
{
	unit_begin();
	agreed();
	refused();
	refuser_with_end();
	the_last_error();
	return unit_end();
}
