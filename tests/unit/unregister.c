/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mmu_notifier_unregister() and mmu_notifier_unregister_no_release(). */
#include "subscriber.h"

static const struct mmu_notifier_ops ops_plain = {
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
};

static void alive(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	mmu_notifier_unregister(&s.mn, mm);
	ok(said("R.release") && heard[0].tid == my_tid() && heard[0].mm == mm,
	   "[S62] unregister of a living mm calls ->release");
	ok(mmun_mm_count(mm) == 1 && mmun_mm_users(mm) == 1,
	   "[S62] and gives mm_count back");
	whole_range(mm);
	ok(said(""), "[S62] nothing is heard after it");
	mmput(mm);
	ok(said(""), "[S62] nor a second ->release");

	mm = new_mm();
	init_subscriber(&s, 'P', &ops_plain);
	must_register(&s, mm);
	mmu_notifier_unregister(&s.mn, mm);
	whole_range(mm);
	ok(said("") && mmun_mm_count(mm) == 1,
	   "[S67] without a ->release op: just removal");
	mmput(mm);
}

static void after_the_end(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	mmgrab(mm);
	mmput(mm);
	ok(said("R.release") && mmun_mm_count(mm) == 2,
	   "[S63] the mm ends first: ->release there");
	mmu_notifier_unregister(&s.mn, mm);
	ok(said("") && mmun_mm_count(mm) == 1 && !warned(),
	   "[S63] unregister after it: no ->release, mm_count back");
	mmdrop(mm);

	mm = new_mm();
	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	mmput(mm);
	mmu_notifier_unregister(&s.mn, mm);
	ok(said("R.release"), "[S68] unregister may free the mm");
}

static void ignores_users(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	must_get(&ops_A, mm);
	said("A.alloc");
	mmu_notifier_unregister(a, mm);
	ok(said("A.release") && a->users == 2 && mmun_mm_count(mm) == 1,
	   "[S65] unregister ignores users, and leaves them");
	mmu_notifier_synchronize();
	whole_range(mm);
	ok(said(""), "[S65] it is gone, and not freed");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("") && a->users == 1, "[S65] a put after it counts");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("") && warned() == 1,
	   "[S65] the last one warns: the memory is whose who unregistered");
	ok(mmun_mm_count(mm) == 1, "[S65] mm_count is untouched");
	on_free(a);
	said("A.free");
	mmput(mm);
}

static void whole_range_task(void *mm)
{
	whole_range(mm);
}

static void unregister_task(void *mn)
{
	mmu_notifier_unregister(mn, ((struct mmu_notifier *)mn)->mm);
}

static void waits_for_callback(void)
{
	struct task reader, remover;
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	hook[START] = hold;
	start_task(&reader, whole_range_task, mm);
	gate_entered();
	start_task(&remover, unregister_task, &s.mn);
	ok(blocks(&remover), "[S66] unregister waits for a running callback");
	open_gate();
	finish_task(&remover);
	hook[START] = NULL;
	memset(&s, 0, sizeof(s)); /* the memory is ours again */
	finish_task(&reader);
	ok(said("R.start R.release"), "[S66] none runs after it");
	mmput(mm);
}

static void between_start_and_end(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	start_range(&range, mm);
	mmu_notifier_unregister(&s.mn, mm);
	memset(&s, 0, sizeof(s));
	end_range(&range);
	ok(said("R.start R.release"),
	   "[S26] unregister between start and end: no end");
	mmput(mm);
}

static void synchronize_task(void *unused)
{
	(void)unused;
	mmu_notifier_synchronize();
}

static void no_release(void)
{
	struct task reader, waiter;
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	hook[START] = hold;
	start_task(&reader, whole_range_task, mm);
	gate_entered();
	mmu_notifier_unregister_no_release(&s.mn, mm);
	hook[START] = NULL;
	ok(blocks(&reader) && said("R.start"),
	   "[S70] no_release: no ->release, no wait for the callback");
	ok(mmun_mm_count(mm) == 1, "[S70] mm_count back");
	whole_range(mm);
	ok(said(""), "[S70] off the list at once");
	start_task(&waiter, synchronize_task, NULL);
	ok(blocks(&waiter), "[S70] synchronize waits for the callback");
	open_gate();
	finish_task(&waiter);
	memset(&s, 0, sizeof(s));
	finish_task(&reader);
	ok(said(""), "[S70] no end");
	mmput(mm);
	ok(said(""), "[S70] no ->release later either");
}

/* Those around the removed one keep their places. */
static void from_the_middle(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s[3];

	for (int i = 0; i < 3; i++) {
		init_subscriber(&s[i], '0' + i, &ops_A);
		must_register(&s[i], mm);
	}
	mmu_notifier_unregister(&s[1].mn, mm);
	said("1.release");
	whole_range(mm);
	ok(said("2.start 0.start 2.end 0.end"), "[S62] only itself is removed");
	must_register(&s[1], mm);
	whole_range(mm);
	ok(said("1.start 2.start 0.start 1.end 2.end 0.end"),
	   "[S72] registered again: it comes first");
	mmput(mm);
	ok(said("1.release 2.release 0.release"), "[S54] newest first");
	mmgrab(mm);
	for (int i = 0; i < 3; i++)
		mmu_notifier_unregister(&s[i].mn, mm);
	ok(said("") && mmun_mm_count(mm) == 1,
	   "[S63] each gives mm_count back");
	mmdrop(mm);
}

int main(void)
{
	unit_begin();
	alive();
	after_the_end();
	ignores_users();
	waits_for_callback();
	between_start_and_end();
	no_release();
	from_the_middle();
	return unit_end();
}
