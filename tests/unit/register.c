/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mmu_notifier_register() and the first get: what registration does. */
#include "subscriber.h"

static struct subscriber static_one;

static void register_and_unregister(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber *s = &static_one;

	ok(!mm_has_notifiers(mm), "[S27] a new mm has no notifiers");
	init_subscriber(s, 'R', &ops_A);
	ok(mmu_notifier_register(&s->mn, mm) == 0,
	   "[S21][S30] register of a static notifier");
	ok(s->mn.mm == mm && s->mn.users == 1 && mmun_mm_count(mm) == 2,
	   "[S23] mm set, one user, one more mm_count");
	ok(said("") && s->mn.ops == &ops_A,
	   "[S22] ops are the caller's, alloc_notifier is not called");
	ok(mmap_write_trylock(mm), "[S21] the lock is dropped");
	mmap_write_unlock(mm);
	ok(mm_has_notifiers(mm), "[S27] mm_has_notifiers");
	mmu_notifier_unregister(&s->mn, mm);
	ok(mm_has_notifiers(mm),
	   "[S27] mm_has_notifiers stays after the last has gone");
	said("R.release");

	mmap_write_lock(mm);
	ok(__mmu_notifier_register(&s->mn, mm) == 0,
	   "[S21] the locked variant; a notifier can be used again");
	mmap_write_unlock(mm);
	whole_range(mm);
	ok(said("R.start R.end"), "[S21] and it hears");
	mmu_notifier_unregister(&s->mn, mm);
	said("R.release");
	mmput(mm);
}

static void same_ops_twice(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s[2];

	init_subscriber(&s[0], '0', &ops_A);
	init_subscriber(&s[1], '1', &ops_A);
	must_register(&s[0], mm);
	must_register(&s[1], mm);
	whole_range(mm);
	ok(said("1.start 0.start 1.end 0.end"),
	   "[S22] two with one ops: every event twice, [S23] newest first");
	mmu_notifier_unregister(&s[0].mn, mm);
	mmu_notifier_unregister(&s[1].mn, mm);
	said("0.release 1.release");
	mmput(mm);
}

/* One thread's own range does not block its registration. */
static void within_own_range(void)
{
	struct mmu_notifier_range range, inner;
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a, *b;

	start_range(&range, mm);
	a = must_get(&ops_A, mm);
	ok(said("A.alloc"), "[S24] the first notifier, within an own range");
	start_range(&inner, mm);
	b = must_get(&ops_B, mm);
	ok(said("A.start B.alloc"), "[S24] another, within two");
	end_range(&inner);
	ok(said("A.end"), "[S25] no end without a start");
	end_range(&range);
	ok(said(""),
	   "[S25] and none for the outer range, whose start no one saw");
	ok(!warned(), "[S25] which is no misuse");
	whole_range(mm);
	ok(said("B.start A.start B.end A.end"), "[S25] later ranges are whole");
	mmu_notifier_put(a);
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	said("A.free B.free");
	mmput(mm);
}

/* Put and get again between start and end: the new one saw no start. */
static void replaced_within_own_range(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	start_range(&range, mm);
	said("R.start");
	mmu_notifier_unregister(&s.mn, mm);
	must_register(&s, mm);
	end_range(&range);
	ok(said("R.release"),
	   "[S25] unregistered and registered again: a stranger to the range");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
}

static void nothing_about_the_past(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	whole_range(mm);
	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	ok(said(""), "[S96] registration tells nothing of what exists");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
}

static const struct mmu_notifier_ops ops_secondary[] = {
	{ .arch_invalidate_secondary_tlbs = on_secondary,
	  .alloc_notifier = alloc_A, .free_notifier = on_free },
	{ .arch_invalidate_secondary_tlbs = on_secondary,
	  .invalidate_range_start = on_start,
	  .alloc_notifier = alloc_A, .free_notifier = on_free },
	{ .arch_invalidate_secondary_tlbs = on_secondary,
	  .invalidate_range_end = on_end,
	  .alloc_notifier = alloc_A, .free_notifier = on_free },
};

static void secondary_tlbs_exclude_ranges(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	for (int i = 1; i < 3; i++) {
		const char *with = i == 1 ? "start" : "end";

		init_subscriber(&s, 'T', &ops_secondary[i]);
		ok(mmu_notifier_register(&s.mn, mm) == -EINVAL && !s.mn.mm,
		   "[S19] secondary TLBs and %s: register is -EINVAL", with);
		ok(mmu_notifier_get(&ops_secondary[i], mm) == ERR_PTR(-EINVAL),
		   "[S19] secondary TLBs and %s: get is -EINVAL", with);
		ok(!living, "[S19] nothing is left of it");
	}
	atomic_store(&nr_heard, 0);
	ok(mmun_mm_count(mm) == 1 && warned() <= 1, "[S19] mm_count as it was");
	init_subscriber(&s, 'T', &ops_secondary[0]);
	ok(mmu_notifier_register(&s.mn, mm) == 0, "[S19] alone they are fine");
	mmu_notifier_unregister(&s.mn, mm);
	said("");
	mmput(mm);
}

static struct mm_struct *shared_mm;
static struct mmu_notifier *got[8];
static pthread_barrier_t together;

static struct mmu_notifier *alloc_slowly(struct mm_struct *mm)
{
	struct mmu_notifier *mn = alloc_subscriber('S', mm);

	for (int i = 0; i < 10; i++)
		sched_yield();
	subscriber_of(mn)->start_returns = 12345;
	return mn;
}

static const struct mmu_notifier_ops ops_slow = USUAL_OPS(alloc_slowly);
static atomic_int incomplete;

static void get_at_once(void *slot)
{
	struct mmu_notifier *mn;

	pthread_barrier_wait(&together);
	mn = mmu_notifier_get(&ops_slow, shared_mm);
	if (IS_ERR_OR_NULL(mn) || mn->mm != shared_mm || mn->ops != &ops_slow ||
	    subscriber_of(mn)->start_returns != 12345)
		incomplete++;
	*(struct mmu_notifier **)slot = mn;
}

static void many_get_at_once(void)
{
	struct task task[8];
	bool same = true;

	pthread_barrier_init(&together, NULL, 8);
	for (int round = 0; round < 50; round++) {
		shared_mm = new_mm();
		for (int i = 0; i < 8; i++)
			start_task(&task[i], get_at_once, &got[i]);
		for (int i = 0; i < 8; i++)
			finish_task(&task[i]);
		for (int i = 0; i < 8; i++)
			same &= got[i] == got[0];
		same &= said("S.alloc") && got[0]->users == 8;
		for (int i = 0; i < 8; i++)
			mmu_notifier_put(got[i]);
		mmu_notifier_synchronize();
		same &= said("S.free");
		mmput(shared_mm);
	}
	ok(same, "[S4] eight threads get at once: one alloc, one notifier");
	ok(!incomplete, "[S28] what get returns is complete in every thread");
	pthread_barrier_destroy(&together);
}

int main(void)
{
	unit_begin();
	register_and_unregister();
	same_ops_twice();
	within_own_range();
	replaced_within_own_range();
	nothing_about_the_past();
	secondary_tlbs_exclude_ranges();
	many_get_at_once();
	return unit_end();
}
