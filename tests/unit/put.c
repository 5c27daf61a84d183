/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mmu_notifier_put(): what the last one does, when and where. */
#include "subscriber.h"

static void mm_count_in_free(const struct heard *h);
static unsigned int count_in_free;

static void last_put(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	said("A.alloc");
	hook[FREE] = mm_count_in_free;
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	hook[FREE] = NULL;
	ok(said("A.free"), "[S33] put does not call ->release");
	ok(heard[0].tid != my_tid(), "[S36] free_notifier has its own thread");
	ok(heard[0].mm == mm && count_in_free == 2 && mmun_mm_count(mm) == 1,
	   "[S37] mn->mm is valid in free_notifier, dropped after it");
	mmu_notifier_synchronize();
	ok(said(""), "[S36] free_notifier runs once");
	mmput(mm);
}

static void mm_count_in_free(const struct heard *h)
{
	count_in_free = mmun_mm_count(h->mm);
}

/* The notifier holds the last reference: its free takes the mm along. */
static void mm_freed_with_notifier(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	mmput(mm);
	said("A.alloc A.release");
	hook[FREE] = mm_count_in_free;
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	hook[FREE] = NULL;
	ok(said("A.free") && heard[0].mm == mm && count_in_free == 1,
	   "[S38] free_notifier may hold the last mm_count");
}

static void put_between_start_and_end(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, mm);

	said("A.alloc B.alloc");
	start_range(&range, mm);
	ok(said("B.start A.start"), "[S35] both see the start");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("A.free"), "[S32] the free does not wait for the end");
	end_range(&range);
	ok(said("B.end"), "[S35][S26] put between start and end: no end");
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	said("B.free");
	mmput(mm);
}

static void whole_range_task(void *mm)
{
	whole_range(mm);
}

static void put_while_callback_runs(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct task task;

	said("A.alloc");
	hook[START] = hold;
	start_task(&task, whole_range_task, mm);
	gate_entered();
	mmu_notifier_put(a);
	ok(said("A.start"), "[S34] put does not wait for a running callback");
	ok(blocks(&task) && said(""),
	   "[S34] nor is it freed under the callback");
	open_gate();
	finish_task(&task);
	mmu_notifier_synchronize();
	ok(said("A.free"), "[S34] free after the callback, without an end");
	hook[START] = NULL;
	mmput(mm);
}

static void off_the_list_at_once(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, mm);

	said("A.alloc B.alloc");
	hook[FREE] = hold;
	mmu_notifier_put(b);
	gate_entered();
	hook[FREE] = NULL;
	mmu_notifier_put(a);
	whole_range(mm);
	ok(said("B.free"), "[S32] after the last put nothing is heard");
	mmu_notifier_put(a);
	ok(warned() == 1 && a->users == 0,
	   "[S39] a put too many, free pending: a warning, no change");
	mmu_notifier_put(a);
	ok(!warned() && a->users == 0, "[S39] it warns once in a process");
	mmgrab(mm);
	mmput(mm);
	ok(said(""), "[S46] the mm ends: no ->release for what was put");
	open_gate();
	mmu_notifier_synchronize();
	ok(said("A.free") && heard[0].mm == mm && !heard[0].mm_users,
	   "[S46] its free comes with mm_users 0, [S39] and once");
	ok(mmun_mm_count(mm) == 1, "[S46] the mm was held until then");
	mmdrop(mm);
}

static void registered_and_put(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber *s = malloc(sizeof(*s));

	init_subscriber(s, 'R', &ops_A);
	living++;
	must_register(s, mm);
	mmu_notifier_put(&s->mn);
	mmu_notifier_synchronize();
	ok(said("R.free"), "[S40] put of what was registered frees it");
	mmput(mm);
}

static void put_task(void *mn)
{
	mmu_notifier_put(mn);
}

static void put_by_others(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct task task;

	said("A.alloc");
	start_task(&task, put_task, a);
	finish_task(&task);
	mmu_notifier_synchronize();
	ok(said("A.free") && heard[0].tid != task.tid,
	   "[S32] another thread may put");
	mmput(mm);
}

static void put_own(const struct heard *h)
{
	mmu_notifier_put(h->mn);
}

static void put_from_callbacks(void)
{
	struct mm_struct *mm = new_mm();

	must_get(&ops_A, mm);
	must_get(&ops_B, mm);
	hook[START] = put_own;
	said("A.alloc B.alloc");
	whole_range(mm);
	hook[START] = NULL;
	mmu_notifier_synchronize();
	ok(said("B.start A.start B.free A.free"),
	   "[S32] a callback may put its own notifier");
	mmput(mm);
}

/* Eight puts wait behind one free; they run in the order of the puts. */
static void order_of_frees(void)
{
	struct subscriber *s[8];
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	for (int i = 0; i < 8; i++) {
		s[i] = malloc(sizeof(*s[i]));
		init_subscriber(s[i], '0' + i, &ops_A);
		living++;
		must_register(s[i], mm);
	}
	said("A.alloc");
	hook[FREE] = hold;
	mmu_notifier_put(a);
	gate_entered();
	hook[FREE] = NULL;
	for (int i = 0; i < 8; i++)
		mmu_notifier_put(&s[i * 3 % 8]->mn);
	open_gate();
	mmu_notifier_synchronize();
	ok(said("A.free 0.free 3.free 6.free 1.free 4.free 7.free 2.free "
		"5.free"), "[S44] frees run in the order of the puts");
	mmput(mm);
}

int main(void)
{
	unit_begin();
	last_put();
	mm_freed_with_notifier();
	put_between_start_and_end();
	put_while_callback_runs();
	off_the_list_at_once();
	registered_and_put();
	put_by_others();
	put_from_callbacks();
	order_of_frees();
	return unit_end();
}
