/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mmu_notifier_synchronize(): what it waits for. */
#include "subscriber.h"

static void whole_range_task(void *mm)
{
	whole_range(mm);
}

static void synchronize_task(void *unused)
{
	(void)unused;
	mmu_notifier_synchronize();
}

static void nothing_to_wait_for(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct mmu_notifier *a;

	mmu_notifier_synchronize();
	ok(said("") && !warned(), "[S47] synchronize before any use returns");
	a = must_get(&ops_A, mm);
	start_range(&range, mm);
	mmu_notifier_synchronize();
	ok(said("A.alloc A.start"), "[S47] it does not wait for open ranges");
	end_range(&range);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.end A.free");
	mmput(mm);
}

static void waits_for_callbacks(void)
{
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, other);
	struct task reader, waiter;

	said("A.alloc B.alloc");
	hook[START] = hold;
	start_task(&reader, whole_range_task, other);
	gate_entered();
	hook[START] = NULL;
	start_task(&waiter, synchronize_task, NULL);
	ok(blocks(&waiter), "[S47] synchronize waits for a callback of any mm");
	whole_range(mm);
	ok(said("B.start A.start A.end"), "[S47] others go on meanwhile");
	open_gate();
	finish_task(&waiter);
	finish_task(&reader);
	said("B.end");
	mmu_notifier_put(a);
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	said("A.free B.free");
	mmput(mm);
	mmput(other);
}

/* The put is over, the free is held up by a callback. */
static void waits_for_frees(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, mm);
	struct task waiter;

	said("A.alloc B.alloc");
	hook[FREE] = hold;
	mmu_notifier_put(a);
	gate_entered();
	hook[FREE] = NULL;
	mmu_notifier_put(b);
	start_task(&waiter, synchronize_task, NULL);
	ok(blocks(&waiter) && said("A.free"),
	   "[S48][S49] synchronize waits for a free_notifier that runs");
	open_gate();
	finish_task(&waiter);
	ok(said("B.free") && !living, "[S48] and for the one behind it");
	mmput(mm);
}

/* Puts of one thread, synchronize of another: the barrier of statement 48. */
#define PUTS 20
static struct mmu_notifier *batch[PUTS];

static void put_batch(void *unused)
{
	(void)unused;
	for (int i = 0; i < PUTS; i++)
		mmu_notifier_put(batch[i]);
}

static void barrier_across_threads(void)
{
	int late = 0;

	for (int round = 0; round < 100; round++) {
		struct mm_struct *mm[PUTS];
		struct task putter;

		for (int i = 0; i < PUTS; i++) {
			mm[i] = i % 2 ? mm[i - 1] : new_mm();
			batch[i] = must_get(i % 2 ? &ops_A : &ops_B, mm[i]);
		}
		atomic_store(&nr_heard, 0);
		start_task(&putter, put_batch, NULL);
		while (!putter.done)
			sched_yield();
		mmu_notifier_synchronize();
		late += living;
		finish_task(&putter);
		for (int i = 0; i < PUTS; i += 2)
			mmput(mm[i]);
	}
	ok(!late, "[S48][S49] all puts before synchronize, in another thread "
	   "and on ten mms, are freed when it returns");
	atomic_store(&nr_heard, 0);
}

static void synchronize_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++)
		mmu_notifier_synchronize();
}

static void many_at_once(void)
{
	struct mm_struct *mm = new_mm();
	struct task task[4];

	for (int i = 0; i < 4; i++)
		start_task(&task[i], synchronize_many, NULL);
	for (int i = 0; i < 50; i++) {
		mmu_notifier_put(must_get(&ops_A, mm));
		whole_range(mm);
	}
	for (int i = 0; i < 4; i++)
		finish_task(&task[i]);
	mmu_notifier_synchronize();
	ok(!living, "[S48] many synchronize at once, beside put and get");
	atomic_store(&nr_heard, 0);
	mmput(mm);
}

int main(void)
{
	unit_begin();
	nothing_to_wait_for();
	waits_for_callbacks();
	waits_for_frees();
	barrier_across_threads();
	many_at_once();
	return unit_end();
}
