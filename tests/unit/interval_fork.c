/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interval notifiers and fork(): a child has its copy of a software mm, with
 * the intervals, and of the ranges those of the thread that forked.  (mm_self()
 * is in tests/live/intervals.c.)
 */
#include "interval.h"

static struct interval iv[4];

/* Run @test in a child, and go on. */
static void child_of(void (*test)(struct mm_struct *mm), struct mm_struct *mm)
{
	static void (*the_test)(struct mm_struct *);
	static struct mm_struct *the_mm;
	struct { int count, failed; } *shared;
	int status;
	pid_t pid;

	the_test = test;
	the_mm = mm;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (!pid) {
		alarm(10);
		tap_failed = 0;
		the_test(the_mm);
		shared->count = tap_count;
		shared->failed = tap_failed;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		bail("a child died of status %#x", status);
	tap_count = shared->count;
	tap_failed += shared->failed;
	munmap(shared, sizeof(*shared));
}

static void idle_child(struct mm_struct *mm)
{
	whole_pages(mm, 0, 4);
	ok(said("0.hit") && heard[0].seq == 3, "[S61] the child has a copy");
	must_insert(&iv[1], '1', mm, 0, 4);
	remove_interval(&iv[0]);
	whole_pages(mm, 0, 4);
	ok(said("1.hit"), "and inserts and removes in it");
	remove_interval(&iv[1]);
	ok(mmun_mm_count(mm) == 1, "with counts of its own");
}

static void idle(void)
{
	struct mm_struct *mm = new_mm();

	must_insert(&iv[0], '0', mm, 0, 4);
	child_of(idle_child, mm);
	whole_pages(mm, 0, 4);
	ok(said("0.hit") && heard[0].seq == 3, "the parent has noticed nothing");
	remove_interval(&iv[0]);
	mmput(mm);
}

/* -- ranges of other threads -- */

static void orphaned_child(struct mm_struct *mm)
{
	ok(mmu_interval_read_begin(&iv[0].sub) == 3,
	   "ranges of other threads are over in the child: no reader waits");
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit 1.hit") && heard[1].seq == 5,
	   "what was put off is done");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	ok(mmun_mm_count(mm) == 1, "and no removal waits");
}

static void orphaned(void)
{
	struct mm_struct *mm = new_mm();
	struct task task;

	must_insert(&iv[0], '0', mm, 0, 4);
	hook[HIT] = hold;
	start_task(&task, (void (*)(void *))whole_range, mm);
	gate_entered();
	must_insert(&iv[1], '1', mm, 0, 4);
	hook[HIT] = NULL;
	child_of(orphaned_child, mm);
	open_gate();
	finish_task(&task);
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit 1.hit"), "the parent's range has gone on");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

/* -- ranges of one's own -- */

static struct mmu_notifier_range own;

static void in_own_range_child(struct mm_struct *mm)
{
	ok(waits_for_end(task_read, &iv[0], &own) && task_seq == 3,
	   "a range of one's own is active in the child, too");
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit 1.hit") && heard[1].seq == 5,
	   "what was put off is done at its end");
}

static void in_own_range(void)
{
	struct mm_struct *mm = new_mm();

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&own, mm, 0, 4);
	must_insert(&iv[1], '1', mm, 0, 4);
	child_of(in_own_range_child, mm);
	end_range(&own);
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit 1.hit"), "the parent's own goes on");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

/* -- in a callback -- */

static pid_t forked;

static void fork_inside(const struct heard *h)
{
	if (h->name != '0' || forked)
		return;
	forked = fork();
	if (!forked)
		forked = -1;
}

static void in_callback(enum call call, const struct mmu_interval_notifier_ops *ops)
{
	struct mm_struct *mm = new_mm();
	unsigned long seq;
	bool right;
	int status;

	for (int i = 0; i < 3; i++) {
		init_interval(&iv[i], '0' + i);
		if (mmu_interval_notifier_insert(&iv[i].sub, mm, 0, 4 * PAGE,
						 ops))
			bail("insert");
	}
	forked = 0;
	hook[call] = fork_inside;
	whole_pages(mm, 0, 4);
	hook[call] = NULL;
	seq = mmu_interval_read_begin(&iv[2].sub);
	whole_pages(mm, 0, 4);
	right = seq == 3 && seq_of(&iv[2]) == 5 && times[call] == 6;
	for (int i = 0; i < 3; i++)
		remove_interval(&iv[i]);
	right &= mmun_mm_count(mm) == 1;
	mmput(mm);
	if (forked < 0)
		_exit(!right);
	if (waitpid(forked, &status, 0) != forked)
		bail("waitpid");
	ok(right && !status, "fork in ->%s: both go on (%#x)", call_name[call],
	   status);
	for (int i = 0; i < NR_CALLS; i++)
		times[i] = 0;
	atomic_store(&nr_heard, 0);
}

static void in_release(void)
{
	struct mm_struct *mm = new_mm();
	bool right;
	int status;

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 0, 4);
	forked = 0;
	hook[HIT] = fork_inside;
	mmput(mm);
	hook[HIT] = NULL;
	right = said("0.hit 1.hit 0.hit 1.hit");
	remove_interval(&iv[0]);
	right &= mmun_mm_count(mm) == 1;
	remove_interval(&iv[1]);
	if (forked < 0)
		_exit(!right);
	if (waitpid(forked, &status, 0) != forked)
		bail("waitpid");
	ok(right && !status, "fork amid a release: both go on (%#x)", status);
}

int main(void)
{
	unit_begin();
	idle();
	orphaned();
	in_own_range();
	in_callback(HIT, &one_pass);
	in_callback(BEGIN, &two_passes);
	in_callback(FINISH, &two_passes);
	in_release();
	return unit_end();
}
