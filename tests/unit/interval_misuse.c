/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interval notifiers: what is refused, and what of misuse is harmless. */
#include "interval.h"

static struct interval iv[4];

static void arguments(void)
{
	static const struct mmu_interval_notifier_ops nothing;
	struct mm_struct *mm = new_mm();
	struct interval *a = &iv[0];

	init_interval(a, '0');
	memset(&a->sub, 0, sizeof(a->sub));
	ok(mmu_interval_notifier_insert(NULL, mm, 0, 1, &one_pass) == -EINVAL &&
	   mmu_interval_notifier_insert(&a->sub, NULL, 0, 1, &one_pass) ==
		   -EINVAL &&
	   mmu_interval_notifier_insert(&a->sub, mm, 0, 1, NULL) == -EINVAL,
	   "NULL: -EINVAL");
	ok(mmu_interval_notifier_insert(&a->sub, mm, 0, 1, &nothing) == -EINVAL,
	   "ops that have nothing to call: -EINVAL");
	ok(!a->sub.mm && mmun_mm_count(mm) == 1 && !mm_has_notifiers(mm),
	   "[S105] and nothing is set");
	mmap_write_lock(mm);
	ok(mmu_interval_notifier_insert_locked(NULL, mm, 0, 1, &one_pass) ==
		   -EINVAL &&
	   mmu_interval_notifier_insert_locked(&a->sub, NULL, 0, 1,
					       &one_pass) == -EINVAL &&
	   mmu_interval_notifier_insert_locked(&a->sub, mm, 0, 1, NULL) ==
		   -EINVAL,
	   "locked: NULL is -EINVAL");
	ok(mmu_interval_notifier_insert_locked(&a->sub, mm, 0, 0, &one_pass) ==
		   -EOVERFLOW, "[S104] locked: an empty interval: -EOVERFLOW");
	mmap_write_unlock(mm);
	mmput(mm);
}

static void half_of_two_passes(void)
{
	static const struct mmu_interval_notifier_ops half = {
		.invalidate_start = on_begin,
	};
	struct mm_struct *mm = new_mm();

	init_interval(&iv[0], '0');
	ok(mmu_interval_notifier_insert(&iv[0].sub, mm, 0, 1, &half) ==
		   -EINVAL && warned() == 1,
	   "[S130] a start without a finish: -EINVAL and a warning");
	mmap_write_lock(mm);
	ok(mmu_interval_notifier_insert_locked(&iv[0].sub, mm, 0, 1, &half) ==
		   -EINVAL, "[S130] locked, too");
	mmap_write_unlock(mm);
	mmput(mm);
}

static void locked(void)
{
	struct mm_struct *mm = new_mm();

	init_interval(&iv[0], '0');
	ok(mmu_interval_notifier_insert_locked(&iv[0].sub, mm, 0, PAGE,
					       &one_pass) == -EINVAL &&
	   warned() == 1, "[S109] without the lock: -EINVAL and a warning");
	mmap_read_lock(mm);
	ok(mmu_interval_notifier_insert_locked(&iv[0].sub, mm, 0, PAGE,
					       &one_pass) == -EINVAL,
	   "[S109] held for reading, the same");
	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	ok(insert(&iv[0], mm, 0, 1) == -EDEADLK,
	   "[S108] the first one takes the lock: -EDEADLK if it is held");
	ok(!mmu_interval_notifier_insert_locked(&iv[0].sub, mm, 0, PAGE,
						&one_pass),
	   "[S109] with the lock it is inserted");
	init_interval(&iv[1], '1');
	ok(!insert(&iv[1], mm, 1, 2), "[S108] later ones do not take it");
	mmap_write_unlock(mm);
	whole_pages(mm, 0, 2);
	ok(said("0.hit 1.hit"), "[S109] either way they are called");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

static struct mm_struct *first_mm;

static void task_insert(void *i)
{
	must_insert(i, '0' + ((struct interval *)i - iv), first_mm, 0, 4);
}

/* Ranges that have begun before are counted nowhere: who is inserted waits. */
static void first_waits(void)
{
	struct mmu_notifier_range range;
	struct task first, second;
	bool waits;

	first_mm = new_mm();
	start_pages(&range, first_mm, 0, 4);
	start_task(&first, task_insert, &iv[0]);
	waits = blocks(&first);
	ok(waits, "[S108] the first insertion waits for the ranges in flight");
	start_task(&second, task_insert, &iv[1]);
	ok(blocks(&second), "[S108] and so does the second, meanwhile");
	end_range(&range);
	finish_task(&first);
	finish_task(&second);
	ok(said(""), "neither is told of what began before");
	start_pages(&range, first_mm, 0, 4);
	end_range(&range);
	ok(said("0.hit 1.hit") || said("1.hit 0.hit"), "but of what comes next");
	atomic_store(&nr_heard, 0);
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(first_mm);
}

/* Its own range a thread cannot wait for; it is not counted. */
static void first_in_own_range(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;

	start_pages(&range, mm, 0, 4);
	must_insert(&iv[0], '0', mm, 0, 4);
	ok(seq_of(&iv[0]) == 1, "[S108] the first one, in a range of one's own");
	end_range(&range);
	whole_pages(mm, 0, 4);
	ok(said("0.hit") && heard[0].seq == 3, "and the next one is counted");
	remove_interval(&iv[0]);
	mmput(mm);
}

static void dead_mm(void)
{
	struct mm_struct *mm = new_mm();

	must_insert(&iv[1], '1', mm, 0, 1);
	mmput(mm);
	init_interval(&iv[0], '0');
	memset(&iv[0].sub, 0, sizeof(iv[0].sub));
	ok(insert(&iv[0], mm, 0, 1) == -EINVAL && warned() == 1,
	   "[S106] an mm that was released: -EINVAL and a warning");
	mmap_write_lock(mm);
	ok(mmu_interval_notifier_insert_locked(&iv[0].sub, mm, 0, PAGE,
					       &one_pass) == -EINVAL,
	   "[S106] locked, the same");
	mmap_write_unlock(mm);
	ok(!iv[0].sub.mm && mmun_mm_count(mm) == 1, "[S105] nothing is set");
	remove_interval(&iv[1]);

	mm = new_mm();
	mmgrab(mm);
	mmput(mm);
	ok(insert(&iv[0], mm, 0, 1) == -EINVAL && !mm_has_notifiers(mm),
	   "[S106] one that never had an interval, the same");
	mmdrop(mm);
	atomic_store(&nr_heard, 0);
}

static void inserting_twice(void)
{
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct mmu_notifier_range range;
	struct interval copy;

	must_insert(&iv[0], '0', mm, 0, 4);
	ok(insert(&iv[0], mm, 8, 9) == -EINVAL &&
	   insert(&iv[0], other, 8, 9) == -EINVAL,
	   "what is inserted is not inserted again");
	ok(iv[0].sub.mm == mm && iv[0].sub.interval_tree.start == 0 &&
	   mmun_mm_count(mm) == 2 && mmun_mm_count(other) == 1,
	   "[S105] and is as it was");
	copy = iv[0];
	ok(!insert(&copy, other, 8, 9), "a copy of it is another one");
	remove_interval(&copy);
	start_pages(&range, mm, 0, 4);
	must_insert(&iv[1], '1', mm, 0, 4);
	ok(insert(&iv[1], mm, 8, 9) == -EINVAL, "nor is what was put off");
	end_range(&range);
	atomic_store(&nr_heard, 0);
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	ok(!insert(&iv[0], other, 0, 4), "removed, it can be inserted elsewhere");
	remove_interval(&iv[0]);
	mmput(mm);
	mmput(other);
}

static void removing_strangers(void)
{
	struct mm_struct *mm = new_mm();

	init_interval(&iv[0], '0');
	remove_interval(&iv[0]);
	ok(warned() == 1, "a removal of garbage warns, no more");
	mmu_interval_notifier_remove(NULL);
	memset(&iv[0].sub, 0, sizeof(iv[0].sub));
	remove_interval(&iv[0]);
	must_insert(&iv[0], '0', mm, 0, 4);
	remove_interval(&iv[0]);
	remove_interval(&iv[0]);
	ok(!warned() && mmun_mm_count(mm) == 1,
	   "twice, of NULL, of zeros: nothing happens, warning once");
	must_insert(&iv[0], '0', mm, 0, 4);
	iv[1] = iv[0];
	remove_interval(&iv[1]);
	ok(mmun_mm_count(mm) == 2, "nor does it of a copy");
	remove_interval(&iv[0]);
	mmput(mm);
}

/* Two threads that remove the same: one of them does. */
static void removing_together(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct task task[2];
	bool right = true;

	for (int i = 0; i < 2000 && right; i++) {
		must_insert(&iv[0], '0', mm, 0, 4);
		for (int t = 0; t < 2; t++)
			start_task(&task[t], task_remove, &iv[0]);
		for (int t = 0; t < 2; t++)
			finish_task(&task[t]);
		right = mmun_mm_count(mm) == 1;
	}
	ok(right, "removed by two threads, it gives mm_count back once");

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&range, mm, 0, 4);
	for (int t = 0; t < 2; t++)
		start_task(&task[t], task_remove, &iv[0]);
	ok(blocks(&task[0]) + blocks(&task[1]) == 1,
	   "amid a hit one of them waits, and the other does nothing");
	end_range(&range);
	for (int t = 0; t < 2; t++)
		finish_task(&task[t]);
	ok(mmun_mm_count(mm) == 1 && warned() == 1, "and is warned");
	said("0.hit");
	mmput(mm);
}

int main(void)
{
	static void (*const groups[])(void) = {
		arguments, half_of_two_passes, locked, first_waits,
		first_in_own_range, dead_mm, inserting_twice,
		removing_strangers, removing_together,
	};

	unit_begin();
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		in_child(groups[i]);
	return unit_end();
}
