/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Blockable ranges: who hears what, in which order. */
#include "subscriber.h"

static void put_all(struct mm_struct *mm, struct mmu_notifier **mn, int n)
{
	for (int i = 0; i < n; i++)
		mmu_notifier_put(mn[i]);
	mmu_notifier_synchronize();
	atomic_store(&nr_heard, 0);
	mmput(mm);
}

static void newest_first(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *mn[3];

	mn[0] = must_get(&ops_A, mm);
	mn[1] = must_get(&ops_B, mm);
	said("A.alloc B.alloc");
	whole_range(mm);
	ok(said("B.start A.start B.end A.end"),
	   "[S71] start and end: both newest first");
	mmu_notifier_put(mn[0]);
	mmu_notifier_synchronize();
	mn[0] = must_get(&ops_A, mm);
	mn[2] = must_get(&ops_C, mm);
	said("A.free A.alloc C.alloc");
	whole_range(mm);
	ok(said("C.start A.start B.start C.end A.end B.end"),
	   "[S72] added again, A is newer than B");
	put_all(mm, mn, 3);
}

static void arguments(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier_range range;
	int owner;

	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_MIGRATE,
				      MMUN_RANGE_READABLE, mm, 0x1234, 0x1235,
				      &owner);
	said("A.alloc");
	mmu_notifier_invalidate_range_start(&range);
	ok(said("A.start") && heard[0].mn == a && heard[0].mm == mm &&
	   heard[0].start == 0x1234 && heard[0].end == 0x1235 &&
	   heard[0].event == MMU_NOTIFY_MIGRATE && heard[0].owner == &owner &&
	   heard[0].range == &range,
	   "[S78] a callback gets the range as it is, [start, end) in bytes");
	ok(heard[0].flags ==
	   (MMU_NOTIFIER_RANGE_BLOCKABLE | MMUN_RANGE_READABLE),
	   "[S74] start sets blockable, other flags stay");
	ok(heard[0].tid == my_tid(),
	   "[S76] callbacks run in the thread that causes the change");
	range.flags |= MMUN_RANGE_UNCHANGED;
	mmu_notifier_invalidate_range_end(&range);
	ok(said("A.end") && heard[0].start == 0x1234 &&
	   heard[0].end == 0x1235 && heard[0].flags & MMUN_RANGE_UNCHANGED,
	   "[S78] so does the end");

	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, 0, mm, 0,
				ULONG_MAX);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	ok(said("A.start A.end") && !heard[1].start &&
	   heard[1].end == ULONG_MAX,
	   "[S78] everything is [0, ULONG_MAX)");
	put_all(mm, &a, 1);
}

static void missing_ops(void)
{
	static const struct mmu_notifier_ops only_start = {
		.invalidate_range_start = on_start,
	}, only_end = {
		.invalidate_range_end = on_end,
	}, nothing;
	struct mm_struct *mm = new_mm();
	struct subscriber s[3];

	init_subscriber(&s[0], 'S', &only_start);
	init_subscriber(&s[1], 'E', &only_end);
	init_subscriber(&s[2], 'N', &nothing);
	for (int i = 0; i < 3; i++)
		must_register(&s[i], mm);
	whole_range(mm);
	ok(said("S.start E.end"), "[S73] a missing op is skipped, by itself");
	mmu_notifier_invalidate_range(mm, 0x1000, 0x2000);
	mmu_notifier_change_pte(mm, 0x1000, 1);
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0x1000, 0x2000);
	ok(!mmu_notifier_clear_flush_young(mm, 0x1000, 0x2000) &&
	   !mmu_notifier_clear_young(mm, 0x1000, 0x2000) &&
	   !mmu_notifier_test_young(mm, 0x1000) && said(""),
	   "[S73] and so are all others");
	mmput(mm);
	ok(said(""), "[S73] ->release too");
	for (int i = 0; i < 3; i++)
		mmu_notifier_unregister(&s[i].mn, mm);
}

static void no_subscribers(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;

	init_range(&range, mm);
	range.flags = MMUN_RANGE_READABLE;
	mmu_notifier_invalidate_range_start(&range);
	ok(range.flags == MMUN_RANGE_READABLE,
	   "[S75] an mm without subscriptions leaves the flags as given");
	mmu_notifier_invalidate_range_end(&range);
	ok(mmu_notifier_invalidate_range_start_nonblock(&range) == 0,
	   "[S75] nobody refuses");
	mmu_notifier_invalidate_range_end(&range);
	mmu_notifier_invalidate_range(mm, 0x1000, 0x2000);
	ok(!mmu_notifier_test_young(mm, 0x1000), "[S75] nobody has accessed");
	ok(!warned(), "[S75] no warning");
	mmput(mm);
}

static void nested_and_crossed(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier_range outer, inner;

	said("A.alloc");
	start_range(&outer, mm);
	start_range(&inner, mm);
	ok(said("A.start A.start") && heard[1].range == &inner,
	   "[S79] ranges nest in one thread");
	end_range(&inner);
	ok(said("A.end") && heard[0].range == &inner, "[S79] inner end");
	end_range(&outer);
	ok(said("A.end") && heard[0].range == &outer, "[S79] outer end");

	start_range(&outer, mm);
	start_range(&inner, mm);
	said("A.start A.start");
	end_range(&outer);
	ok(said("A.end") && heard[0].range == &outer,
	   "[S79] or end in another order");
	end_range(&inner);
	ok(said("A.end") && heard[0].range == &inner, "[S79] each by itself");
	put_all(mm, &a, 1);
}

static void range_inside_callback(const struct heard *h)
{
	hook[START] = NULL;
	whole_range(h->mm);
}

static void nested_in_a_callback(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	said("A.alloc");
	hook[START] = range_inside_callback;
	whole_range(mm);
	ok(said("A.start A.start A.end A.end"),
	   "[S79] a callback may itself change the mm");
	put_all(mm, &a, 1);
}

static void under_any_lock(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	said("A.alloc");
	mmap_write_lock(mm);
	whole_range(mm);
	mmap_write_unlock(mm);
	mmap_read_lock(mm);
	whole_range(mm);
	mmap_read_unlock(mm);
	whole_range(mm);
	ok(said("A.start A.end A.start A.end A.start A.end"),
	   "[S77] the mmap lock may be held for writing, reading, or not");
	put_all(mm, &a, 1);
}

static struct mmu_notifier_range passed_on;

static void end_task(void *range)
{
	end_range(range);
}

static void end_in_another_thread(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm), *b;
	struct task task;

	said("A.alloc");
	start_range(&passed_on, mm);
	start_task(&task, end_task, &passed_on);
	finish_task(&task);
	ok(said("A.start A.end") && heard[1].tid == task.tid,
	   "[S76] the end may come from another thread");
	b = must_get(&ops_B, mm);
	ok(said("B.alloc"), "[S25] and leaves no range in flight");
	mmu_notifier_put(b);
	put_all(mm, &a, 1);
}

static void change_errno(const struct heard *h)
{
	(void)h;
	errno = EIO;
}

static void errno_is_kept(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	hook[START] = change_errno;
	hook[END] = change_errno;
	errno = 4321;
	whole_range(mm);
	ok(errno == 4321, "[S76] errno of the causing thread is preserved");
	hook[START] = NULL;
	hook[END] = NULL;
	put_all(mm, &a, 1);
}

static void refusal_in_a_blockable_range(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *mn[2];

	mn[0] = must_get(&ops_A, mm);
	mn[1] = must_get(&ops_B, mm);
	said("A.alloc B.alloc");
	subscriber_of(mn[1])->start_returns = -EAGAIN;
	whole_range(mm);
	ok(warned() == 1, "[S88] a refusal of a blockable range warns");
	ok(said("B.start A.start B.end A.end"),
	   "[S88] is ignored, and each hears one end");
	whole_range(mm);
	ok(!warned() && said("B.start A.start B.end A.end"),
	   "[S88] it warns once");
	put_all(mm, mn, 2);
}

int main(void)
{
	unit_begin();
	newest_first();
	arguments();
	missing_ops();
	no_subscribers();
	nested_and_crossed();
	nested_in_a_callback();
	under_any_lock();
	end_in_another_thread();
	errno_is_kept();
	refusal_in_a_blockable_range();
	return unit_end();
}
