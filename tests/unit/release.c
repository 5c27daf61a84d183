/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last mmput(): ->release, and what is left after it. */
#include "subscriber.h"

static bool lock_was_free;

static void look_around(const struct heard *h)
{
	lock_was_free = mmap_write_trylock(h->mm);
	if (lock_was_free)
		mmap_write_unlock(h->mm);
}

static void released_then_put(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, mm);

	mmu_notifier_get(&ops_A, mm);
	mmgrab(mm);
	said("A.alloc B.alloc");
	hook[RELEASE] = look_around;
	mmput(mm);
	hook[RELEASE] = NULL;
	ok(said("B.release A.release"),
	   "[S54] the last mmput: ->release, newest first, [S41] once each");
	ok(!heard[0].mm_users && heard[0].mm == mm && heard[0].mn == b,
	   "[S52] ->release sees mm_users 0");
	ok(lock_was_free, "[S56] and runs without the mmap lock");
	ok(!mmget_not_zero(mm), "[S52] the mm cannot be used again");
	ok(a->users == 2 && b->users == 1 && a->mm == mm,
	   "[S41] users are as they were");
	ok(mmun_mm_users(mm) == 0 && mmun_mm_count(mm) == 3,
	   "[S41] the notifiers hold the mm");
	whole_range(mm);
	ok(said(""), "[S58] after ->release nothing is heard");

	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("") && a->users == 1, "[S41] it is freed by its owner's puts");
	mmu_notifier_put(a);
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	ok(said("A.free B.free") && heard[0].mm == mm && !heard[0].mm_users,
	   "[S41] by the last");
	ok(mmun_mm_count(mm) == 1, "[S41] and mm_count comes back");
	mmdrop(mm);
}

static void put_twice(const struct heard *h)
{
	mmu_notifier_put(h->mn);
	mmu_notifier_put(h->mn);
}

static void put_from_release(void)
{
	struct mm_struct *mm = new_mm();

	must_get(&ops_A, mm);
	must_get(&ops_B, mm);
	must_get(&ops_C, mm);
	must_get(&ops_A, mm);
	must_get(&ops_B, mm);
	must_get(&ops_C, mm);
	mmgrab(mm);
	said("A.alloc B.alloc C.alloc");
	hook[RELEASE] = put_twice;
	mmput(mm);
	hook[RELEASE] = NULL;
	mmu_notifier_synchronize();
	ok(said("C.release B.release A.release C.free B.free A.free"),
	   "[S42] ->release may put to the end, the others are still called");
	ok(mmun_mm_count(mm) == 1, "[S42] every mm_count came back");
	mmdrop(mm);
}

static struct mmu_notifier *older;

static void put_the_older(const struct heard *h)
{
	if (h->name == 'B')
		mmu_notifier_put(older);
}

static void put_of_another_from_release(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *b;

	older = must_get(&ops_A, mm);
	b = must_get(&ops_B, mm);
	said("A.alloc B.alloc");
	hook[RELEASE] = put_the_older;
	mmput(mm);
	hook[RELEASE] = NULL;
	mmu_notifier_synchronize();
	ok(atomic_load(&times[RELEASE]) <= 2 && times[FREE] == 1,
	   "[S42] ->release may put another, which is freed once");
	atomic_store(&nr_heard, 0);
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	said("B.free");
}

static void range_within_release(const struct heard *h)
{
	if (h->name == 'B')
		whole_range(h->mm);
}

static void range_within_last_release(const struct heard *h)
{
	if (h->name == 'A')
		whole_range(h->mm);
}

static void silent_after_release(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, mm);

	said("A.alloc B.alloc");
	hook[RELEASE] = range_within_last_release;
	mmput(mm);
	hook[RELEASE] = NULL;
	ok(said("B.release A.release A.start A.end"),
	   "[S58] who is released hears nothing, while others still are not");
	mmu_notifier_put(a);
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	said("A.free B.free");
}

static void still_listed_within_release(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, mm);
	bool heard_start = false, heard_end = false;
	int n;

	said("A.alloc B.alloc");
	hook[RELEASE] = range_within_release;
	mmput(mm);
	hook[RELEASE] = NULL;
	n = nr_heard;
	for (int i = 0; i < n; i++) {
		heard_start |= heard[i].name == 'A' && heard[i].call == START;
		heard_end |= heard[i].name == 'A' && heard[i].call == END;
	}
	ok(heard_start && heard_end && heard[n - 1].call == RELEASE,
	   "[S55] who is not released yet hears a range within ->release");
	atomic_store(&nr_heard, 0);
	mmu_notifier_put(a);
	mmu_notifier_put(b);
	mmu_notifier_synchronize();
	said("A.free B.free");
}

static void synchronize_within(const struct heard *h)
{
	(void)h;
	mmu_notifier_synchronize();
}

static void in_a_read_section(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	hook[RELEASE] = synchronize_within;
	mmput(mm);
	hook[RELEASE] = NULL;
	ok(warned() == 1,
	   "[S56] ->release is in a read section: synchronize warns in it");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.alloc A.release A.free");
}

static void without_release_op(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = on_start,
		.alloc_notifier = alloc_C,
		.free_notifier = on_free,
	};
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *c = must_get(&ops, mm);

	mmgrab(mm);
	said("C.alloc");
	mmput(mm);
	whole_range(mm);
	ok(said(""), "[S57] without a ->release op it is removed all the same");
	ok(c->users == 1 && mmun_mm_count(mm) == 2, "[S57] and holds the mm");
	mmu_notifier_put(c);
	mmu_notifier_synchronize();
	ok(said("C.free") && mmun_mm_count(mm) == 1, "[S57] until its put");
	mmdrop(mm);
}

static void mmput_task(void *mm)
{
	mmput(mm);
}

static void last_user_elsewhere(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct task task;

	mmget(mm);
	said("A.alloc");
	mmput(mm);
	ok(said("") && mmun_mm_users(mm) == 1,
	   "[S53] another mm_users delays ->release");
	start_task(&task, mmput_task, mm);
	finish_task(&task);
	ok(said("A.release") && heard[0].tid == task.tid,
	   "[S53] the last mmput calls it, in its thread");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.free");
}

/* ->release runs in another thread, held; the put does not wait for it. */
static void put_while_release_runs(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct task task;

	said("A.alloc");
	hook[RELEASE] = hold;
	start_task(&task, mmput_task, mm);
	gate_entered();
	mmu_notifier_put(a);
	ok(blocks(&task) && said("A.release"),
	   "[S43] put while ->release runs: returns, frees nothing yet");
	open_gate();
	finish_task(&task);
	hook[RELEASE] = NULL;
	mmu_notifier_synchronize();
	ok(said("A.free"), "[S43] the free comes after ->release");
}

int main(void)
{
	unit_begin();
	released_then_put();
	put_from_release();
	put_of_another_from_release();
	silent_after_release();
	still_listed_within_release();
	in_a_read_section();
	without_release_op();
	last_user_elsewhere();
	put_while_release_runs();
	return unit_end();
}
