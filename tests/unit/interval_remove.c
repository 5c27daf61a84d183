/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interval notifiers: refusals, removal, the end of the address space, two
 * passes.
 */
#include "interval.h"

static struct interval iv[4];

/* -- refusals -- */

static void refused(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber classic;

	for (int i = 0; i < 3; i++)
		must_insert(&iv[i], '0' + i, mm, 2 * i, 2 * i + 1);
	init_subscriber(&classic, 'A', &ops_A);
	must_register(&classic, mm);
	iv[1].refuses = true;
	ok(start_pages_nonblock(&range, mm, 0, 8) == -EAGAIN,
	   "[S125] one refuses what must not block: -EAGAIN");
	ok(said("0.hit 1.hit"),
	   "[S125] nobody behind it is asked, nor any classic one");
	ok(mmu_interval_read_begin(&iv[0].sub) == 3 &&
	   mmu_interval_read_begin(&iv[1].sub) == 1 && seq_of(&iv[2]) == 1,
	   "[S125] it is over: no reader waits");
	end_range(&range);
	ok(warned() == 1 && said(""), "[S85] its end warns and is ignored");
	iv[1].refuses = false;
	ok(!start_pages_nonblock(&range, mm, 0, 8) &&
	   said("0.hit 1.hit 2.hit A.start") && heard[0].seq == 5,
	   "[S125] nobody refuses: 0, and the next sequence");
	end_range(&range);
	iv[0].refuses = true;
	ok(start_pages_nonblock(&range, mm, 0, 8) == -EAGAIN &&
	   said("A.end 0.hit"), "[S125] the first one refuses");
	ok(!start_pages_nonblock(&range, mm, 1, 2), "[S125] what misses is not refused");
	end_range(&range);
	said("A.start A.end");
	for (int i = 0; i < 3; i++)
		remove_interval(&iv[i]);
	mmu_notifier_unregister(&classic.mn, mm);
	said("A.release");
	mmput(mm);
}

static void refused_amid_others(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range outer, range;

	must_insert(&iv[0], '0', mm, 0, 1);
	must_insert(&iv[1], '1', mm, 2, 3);
	start_pages(&outer, mm, 0, 1);
	iv[1].refuses = true;
	ok(start_pages_nonblock(&range, mm, 0, 3) == -EAGAIN &&
	   said("0.hit 0.hit 1.hit"), "[S125] refused while another is active");
	ok(waits_for_end(task_read, &iv[0], &outer),
	   "[S125] that one goes on until its own end");
	whole_pages(mm, 0, 1);
	ok(said("0.hit") && heard[0].seq == 5, "[S125] and no longer");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

static void refused_blockable(void)
{
	struct mm_struct *mm = new_mm();

	for (int i = 0; i < 2; i++)
		must_insert(&iv[i], '0' + i, mm, 0, 1);
	iv[0].refuses = true;
	whole_pages(mm, 0, 1);
	ok(said("0.hit 1.hit") && warned() == 1,
	   "[S126] one refuses what may block: a warning, and all are called");
	whole_pages(mm, 0, 1);
	ok(said("0.hit 1.hit") && heard[1].seq == 5 && !warned(),
	   "[S126] the range goes on, and ends");
	for (int i = 0; i < 2; i++)
		remove_interval(&iv[i]);
	mmput(mm);
}

static const struct mmu_notifier_ops ops_refuser = {
	.invalidate_range_start = on_start,
};

static void refused_by_classic(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber classic;

	must_insert(&iv[0], '0', mm, 0, 4);
	init_subscriber(&classic, 'B', &ops_refuser);
	classic.start_returns = -EAGAIN;
	must_register(&classic, mm);
	ok(start_pages_nonblock(&range, mm, 0, 4) == -EAGAIN &&
	   said("0.hit B.start"), "[S127] a classic one refuses after a hit");
	ok(mmu_interval_read_begin(&iv[0].sub) == 3,
	   "[S127] the hit is over, too: no reader waits for ever");
	whole_pages(mm, 0, 4);
	ok(said("0.hit B.start") && heard[0].seq == 5 && warned() == 1,
	   "[S127] the sequence has advanced");
	ok(start_pages_nonblock(&range, mm, 0, 4) == -EAGAIN,
	   "[S127] refused again");
	remove_interval(&iv[0]);
	ok(mmun_mm_count(mm) == 2, "[S127] and a removal does not wait, either");
	said("0.hit B.start");
	mmu_notifier_unregister(&classic.mn, mm);
	mmput(mm);
}

/* -- removal -- */

static void removal_waits(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range, miss;

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 8, 12);
	start_pages(&range, mm, 0, 4);
	ok(waits_for_end(task_remove, &iv[0], &range),
	   "[S121] removed amid a hit: waits for the end");
	whole_pages(mm, 0, 4);
	ok(said("0.hit"), "[S121] and is removed then");

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&range, mm, 0, 4);
	ok(waits_for_end(task_remove, &iv[1], &range),
	   "[S121] also if it is another one that is hit");
	whole_pages(mm, 8, 12);
	ok(said("0.hit"), "[S121] and is removed then");

	must_insert(&iv[1], '1', mm, 8, 12);
	start_pages(&range, mm, 0, 4);
	start_pages(&miss, mm, 20, 24);
	end_range(&range);
	ok(waits_for_end(task_remove, &iv[1], &miss),
	   "[S121] the last active one, be it a miss");
	ok(mmun_mm_count(mm) == 2, "[S107] each gave mm_count back");
	remove_interval(&iv[0]);
	said("0.hit");
	mmput(mm);
}

static void removal_does_not_wait(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber classic;
	struct task task;

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 8, 12);
	remove_interval(&iv[0]);
	ok(mmun_mm_count(mm) == 2, "[S121] idle: no wait");
	start_pages(&range, mm, 0, 4);
	remove_interval(&iv[1]);
	ok(said("") && mmun_mm_count(mm) == 1,
	   "[S121] nor amid a range that has hit nobody");
	end_range(&range);

	must_insert(&iv[0], '0', mm, 8, 12);
	init_subscriber(&classic, 'A', &ops_A);
	must_register(&classic, mm);
	hook[START] = hold;
	start_task(&task, (void (*)(void *))whole_range, mm);
	gate_entered();
	remove_interval(&iv[0]);
	ok(mmun_mm_count(mm) == 2, "[S121] nor for a callback of somebody else");
	open_gate();
	finish_task(&task);
	hook[START] = NULL;
	mmu_notifier_unregister(&classic.mn, mm);
	said("A.start A.end A.release");
	mmput(mm);
}

/* Not while it runs, and then never. */
static void removal_waits_for_callback(void)
{
	struct mm_struct *mm = new_mm();
	struct task task, remover;
	bool waits;

	must_insert(&iv[0], '0', mm, 0, 4);
	hook[HIT] = hold;
	start_task(&task, (void (*)(void *))whole_range, mm);
	gate_entered();
	start_task(&remover, task_remove, &iv[0]);
	waits = blocks(&remover);
	open_gate();
	finish_task(&task);
	finish_task(&remover);
	hook[HIT] = NULL;
	ok(waits && said("0.hit"), "[S121] a removal waits for its callback");
	mmput(mm);
}

static void removal_of_deferred(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&range, mm, 0, 4);
	for (int i = 1; i < 4; i++)
		must_insert(&iv[i], '0' + i, mm, 0, 4);
	remove_interval(&iv[2]);
	ok(mmun_mm_count(mm) == 4,
	   "[S122] what was put off is removed without a wait");
	remove_interval(&iv[3]);
	remove_interval(&iv[1]);
	must_insert(&iv[2], '2', mm, 0, 4);
	end_range(&range);
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit 2.hit"), "[S122] and never inserted");
	remove_interval(&iv[2]);

	/* Inserted and removed in one go, by others, in any order. */
	start_pages(&range, mm, 0, 4);
	must_insert(&iv[1], '1', mm, 0, 4);
	ok(waits_for_end(task_remove, &iv[0], &range),
	   "[S124] put off: an insertion, then a removal");
	whole_pages(mm, 0, 4);
	ok(said("0.hit 1.hit"), "[S124] both are done at the end");
	remove_interval(&iv[1]);
	ok(mmun_mm_count(mm) == 1, "[S107] nobody is left");
	mmput(mm);
}

/* -- in a callback -- */

static unsigned long inside_seq;

static void remove_inside(const struct heard *h)
{
	(void)h;
	remove_interval(&iv[0]);
}

static void read_inside(const struct heard *h)
{
	(void)h;
	inside_seq = mmu_interval_read_begin(&iv[0].sub);
}

static int inside_result;

static void insert_inside(const struct heard *h)
{
	init_interval(&iv[1], '1');
	inside_result = insert(&iv[1], h->mm, 0, 4);
}

static void inside(void)
{
	struct mm_struct *mm = new_mm();

	must_insert(&iv[0], '0', mm, 0, 4);
	hook[HIT] = remove_inside;
	whole_pages(mm, 0, 4);
	ok(warned() == 1 && mmun_mm_count(mm) == 2,
	   "[S123] a removal in a callback warns, and does nothing");
	hook[HIT] = read_inside;
	whole_pages(mm, 0, 4);
	ok(warned() == 1 && mmu_interval_read_retry(&iv[0].sub, inside_seq),
	   "[S123] a read that would wait in a callback warns, and is retried");
	hook[HIT] = NULL;
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit 0.hit"), "[S123] it is inserted as before");
	ok(mmu_interval_read_begin(&iv[0].sub) == 7 &&
	   !mmu_interval_read_retry(&iv[0].sub, 7), "[S123] and read");

	hook[HIT] = insert_inside;
	whole_pages(mm, 0, 4);
	hook[HIT] = NULL;
	ok(!inside_result && said("0.hit"),
	   "[S111] an insertion in a callback is put off");
	whole_pages(mm, 0, 4);
	ok(said("0.hit 1.hit"), "[S111] to the end of that range");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

static void first_insert_inside(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber classic;

	init_subscriber(&classic, 'A', &ops_A);
	must_register(&classic, mm);
	hook[START] = insert_inside;
	whole_range(mm);
	hook[START] = NULL;
	ok(inside_result == -EDEADLK && mmun_mm_count(mm) == 2,
	   "[S108] the first one of an mm, in a callback: -EDEADLK");
	mmu_notifier_unregister(&classic.mn, mm);
	said("A.start A.end A.release");
	mmput(mm);
}

/* -- the end -- */

static void released(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 8, 12);
	mmput(mm);
	ok(said("A.alloc 0.hit 1.hit A.release 0.hit 1.hit"),
	   "[S54][S128] interval notifiers, the classic ones, and those again");
	ok(heard[1].event == MMU_NOTIFY_RELEASE && heard[1].start == 0 &&
	   heard[1].end == ULONG_MAX && heard[1].mm == mm &&
	   heard[1].flags & MMU_NOTIFIER_RANGE_BLOCKABLE &&
	   !heard[1].mm_users, "[S128] first of the release of everything");
	ok(heard[4].event == MMU_NOTIFY_UNMAP && heard[4].start == 0 &&
	   heard[4].end == ULONG_MAX && heard[4].seq == heard[1].seq + 2,
	   "[S128] then of its unmapping, another range");
	ok(mmu_interval_read_begin(&iv[0].sub) == heard[5].seq,
	   "[S128] both have ended");
	whole_pages(mm, 0, 12);
	ok(said(""), "[S128] then they hear nothing");
	ok(mmun_mm_count(mm) == 3, "[S129] and hold mm_count");
	remove_interval(&iv[0]);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("A.free") && mmun_mm_count(mm) == 1,
	   "[S129] until they are removed");
	remove_interval(&iv[1]);
}

static void released_alone(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;

	must_insert(&iv[0], '0', mm, 0, 4);
	iv[0].refuses = true;
	mmgrab(mm);
	start_pages(&range, mm, 0, 4);
	mmput(mm);
	end_range(&range);
	ok(said("0.hit 0.hit 0.hit") && mmun_mm_count(mm) == 2,
	   "[S128] amid a range, the same, and no refusal counts");
	remove_interval(&iv[0]);
	ok(mmun_mm_count(mm) == 1, "[S129] only an interval, the same");
	mmdrop(mm);
}

/* -- two passes -- */

static void insert_two_passes(struct interval *i, char name,
			      struct mm_struct *mm, unsigned long first,
			      unsigned long last)
{
	init_interval(i, name);
	if (mmu_interval_notifier_insert(&i->sub, mm, first * PAGE,
					 (last - first) * PAGE, &two_passes))
		bail("insert");
}

static void passes(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber classic;

	insert_two_passes(&iv[0], '0', mm, 0, 1);
	must_insert(&iv[1], '1', mm, 1, 2);
	insert_two_passes(&iv[2], '2', mm, 2, 3);
	insert_two_passes(&iv[3], '3', mm, 3, 4);
	init_subscriber(&classic, 'A', &ops_A);
	must_register(&classic, mm);
	iv[2].hands_nothing_on = true;
	whole_pages(mm, 0, 4);
	ok(said("0.begin 1.hit 2.begin 3.begin 0.finish 3.finish A.start A.end"),
	   "[S130] all begin, then those finish who handed something on, in order");
	ok(heard[0].seq == 3 && heard[1].seq == 3,
	   "[S130] one and two passes, one sequence");

	iv[2].refuses = true;
	iv[2].hands_nothing_on = false;
	ok(start_pages_nonblock(&range, mm, 0, 4) == -EAGAIN &&
	   said("0.begin 1.hit 2.begin 0.finish"),
	   "[S130] refused: those finish who have begun");
	ok(mmu_interval_read_begin(&iv[0].sub) == 5, "[S130] and it is over");
	iv[2].refuses = false;

	for (int i = 1; i < 3; i++)
		remove_interval(&iv[i]);
	mmput(mm);
	ok(said("0.begin 3.begin 0.finish 3.finish A.release "
		"0.begin 3.begin 0.finish 3.finish"),
	   "[S130] at the end of the address space, the same");
	remove_interval(&iv[0]);
	remove_interval(&iv[3]);
	mmu_notifier_unregister(&classic.mn, mm);
}

/* Between the passes the range is active. */
static void read_between(const struct heard *h)
{
	(void)h;
	inside_seq = seq_of(&iv[0]);
}

static void between_passes(void)
{
	struct mm_struct *mm = new_mm();
	struct task task, reader;
	bool waits;

	insert_two_passes(&iv[0], '0', mm, 0, 4);
	hook[BEGIN] = read_between;
	hook[FINISH] = hold;
	start_task(&task, (void (*)(void *))whole_range, mm);
	gate_entered();
	start_task(&reader, task_read, &iv[0]);
	waits = blocks(&reader);
	open_gate();
	finish_task(&task);
	finish_task(&reader);
	ok(waits && task_seq == 3 && inside_seq == 3,
	   "[S130] readers wait for the second pass");
	hook[BEGIN] = hook[FINISH] = NULL;
	said("0.begin 0.finish");
	remove_interval(&iv[0]);
	mmput(mm);
}

int main(void)
{
	unit_begin();
	refused();
	refused_amid_others();
	refused_blockable();
	refused_by_classic();
	removal_waits();
	removal_does_not_wait();
	removal_waits_for_callback();
	removal_of_deferred();
	inside();
	first_insert_inside();
	released();
	released_alone();
	passes();
	between_passes();
	return unit_end();
}
