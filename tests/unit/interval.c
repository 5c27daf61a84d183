/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interval notifiers: who is called, when, with what; and what readers see. */
#include "interval.h"

static struct interval iv[4];

static void ranges_of_insert(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct interval *a = &iv[0];

	init_interval(a, '0');
	memset(&a->sub, 0, sizeof(a->sub));
	ok(insert(a, mm, 1, 1) == -EOVERFLOW,
	   "[S104] an empty interval: -EOVERFLOW");
	ok(mmu_interval_notifier_insert(&a->sub, mm, -PAGE, PAGE + 1,
					&one_pass) == -EOVERFLOW,
	   "[S104] beyond the last address: -EOVERFLOW");
	ok(!a->sub.mm && !a->sub.ops && !a->sub.interval_tree.last &&
	   mmun_mm_count(mm) == 1, "[S105] a failed insertion sets nothing");
	ok(!mmu_interval_notifier_insert(&a->sub, mm, -PAGE, PAGE, &one_pass),
	   "[S104] the last page is legal");
	ok(a->sub.interval_tree.start == -PAGE &&
	   a->sub.interval_tree.last == ULONG_MAX && a->sub.mm == mm &&
	   a->sub.ops == &one_pass, "[S104] last is inclusive");
	whole_pages(mm, -1UL >> 12, 0);
	ok(said(""), "a range that ends before it begins hits nobody");
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, 0, ULONG_MAX);
	mmu_notifier_invalidate_range_start(&range);
	end_range(&range);
	ok(said("0.hit"), "[S78] everything hits the last page");
	remove_interval(a);
	mmput(mm);
}

static void whole_space(void)
{
	struct mm_struct *mm = new_mm();

	init_interval(&iv[0], '0');
	ok(!mmu_interval_notifier_insert(&iv[0].sub, mm, 0, ULONG_MAX,
					 &one_pass),
	   "[S104] all but the last byte is legal");
	whole_pages(mm, 0, 1);
	whole_pages(mm, 0x12345, 0x12346);
	ok(said("0.hit 0.hit"), "[S113] and hit by whatever happens");
	remove_interval(&iv[0]);
	ok(!mmu_interval_notifier_insert(&iv[0].sub, mm, 0x1234, 1, &one_pass),
	   "[S104] a byte will do");
	whole_pages(mm, 2, 3);
	whole_pages(mm, 1, 2);
	ok(said("0.hit"), "[S113] and is hit by its page");
	remove_interval(&iv[0]);
	mmput(mm);
}

static void counts(void)
{
	struct mm_struct *mm = new_mm();

	ok(!mm_has_notifiers(mm), "nobody has ever registered");
	must_insert(&iv[0], '0', mm, 0, 4);
	ok(mmun_mm_count(mm) == 2 && mmun_mm_users(mm) == 1,
	   "[S107] an interval holds mm_count, and not mm_users");
	must_insert(&iv[1], '1', mm, 0, 4);
	ok(mmun_mm_count(mm) == 3, "[S107] each of them one");
	ok(mm_has_notifiers(mm), "[S27] they count as notifiers");
	remove_interval(&iv[1]);
	ok(mmun_mm_count(mm) == 2, "[S107] and gives it back when it is removed");
	mmput(mm);
	ok(said("0.hit 0.hit") && mmun_mm_count(mm) == 1 && !mmun_mm_users(mm),
	   "[S107] the release drops none");
	remove_interval(&iv[0]);
}

/* -- who is called -- */

static void boundaries(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;

	must_insert(&iv[0], '0', mm, 4, 8);
	whole_pages(mm, 2, 4);
	whole_pages(mm, 8, 10);
	ok(said(""), "[S113] what is adjacent does not hit");
	whole_pages(mm, 3, 5);
	whole_pages(mm, 7, 9);
	whole_pages(mm, 5, 6);
	whole_pages(mm, 0, 100);
	ok(said("0.hit 0.hit 0.hit 0.hit"), "[S113] what intersects does");
	ok(heard[3].start == 0 && heard[3].end == 100 * PAGE &&
	   heard[2].start == 5 * PAGE && heard[2].end == 6 * PAGE,
	   "[S113] the range is not clipped");
	ok(heard[0].event == MMU_NOTIFY_CLEAR && heard[0].mm == mm &&
	   heard[0].flags & MMU_NOTIFIER_RANGE_BLOCKABLE && !heard[0].owner,
	   "[S113] and all else in it is as the caller has it");
	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_MIGRATE, 0, mm,
				      8 * PAGE - 1, 8 * PAGE, mm);
	ok(!mmu_notifier_invalidate_range_start_nonblock(&range) &&
	   said("0.hit") && heard[0].event == MMU_NOTIFY_MIGRATE &&
	   heard[0].owner == mm &&
	   !(heard[0].flags & MMU_NOTIFIER_RANGE_BLOCKABLE),
	   "[S113] one byte, not blockable, with an owner");
	end_range(&range);
	ok(said(""), "[S115] there is no end");
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, 5 * PAGE,
				5 * PAGE);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	ok(said(""), "[S113] an empty range hits nobody");
	remove_interval(&iv[0]);
	whole_pages(mm, 0, 100);
	ok(said(""), "[S121] removed, it is not called");
	mmput(mm);
}

static void order(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber classic;

	must_insert(&iv[2], '2', mm, 4, 5);
	must_insert(&iv[0], '0', mm, 0, 9);
	must_insert(&iv[1], '1', mm, 2, 3);
	init_subscriber(&classic, 'A', &ops_A);
	must_register(&classic, mm);
	must_insert(&iv[3], '3', mm, 20, 21);
	whole_pages(mm, 0, 8);
	ok(said("0.hit 1.hit 2.hit A.start A.end"),
	   "[S114][S115] by address, then the classic ones");
	whole_pages(mm, 3, 21);
	ok(said("0.hit 2.hit 3.hit A.start A.end"),
	   "[S114] whoever has been missed is left out");
	whole_pages(mm, 10, 20);
	ok(said("A.start A.end"), "[S115] or only those");
	for (int i = 0; i < 4; i++)
		remove_interval(&iv[i]);
	mmu_notifier_unregister(&classic.mn, mm);
	said("A.release");
	mmput(mm);
}

/* -- the sequence -- */

static void sequence(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range outer, inner, miss;

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 2, 6);
	ok(seq_of(&iv[0]) == 1 && seq_of(&iv[1]) == 1,
	   "[S110] an idle insertion begins with 1");
	whole_pages(mm, 8, 9);
	ok(said("") && seq_of(&iv[0]) == 1, "[S117] a miss changes nothing");
	whole_pages(mm, 0, 1);
	ok(said("0.hit") && heard[0].seq == 3 && seq_of(&iv[0]) == 3 &&
	   seq_of(&iv[1]) == 1, "[S116] the first hit has 3");
	whole_pages(mm, 0, 4);
	ok(said("0.hit 1.hit") && heard[0].seq == 5 && heard[1].seq == 5,
	   "[S116] the next one 5, for all");

	start_pages(&outer, mm, 0, 1);
	start_pages(&miss, mm, 8, 9);
	start_pages(&inner, mm, 0, 4);
	end_range(&outer);
	end_range(&miss);
	whole_pages(mm, 5, 6);
	ok(said("0.hit 0.hit 1.hit 1.hit") && heard[0].seq == 7 &&
	   heard[1].seq == 7 && heard[3].seq == 7,
	   "[S116] while one of those is active that overlap in time, all have 7");
	end_range(&inner);
	whole_pages(mm, 0, 1);
	ok(said("0.hit") && heard[0].seq == 9, "[S116] then it advances by 2");

	start_pages(&miss, mm, 8, 9);
	whole_pages(mm, 0, 1);
	whole_pages(mm, 0, 1);
	ok(said("0.hit 0.hit") && heard[0].seq == 11 && heard[1].seq == 11,
	   "[S116] a miss, too, keeps it from advancing");
	end_range(&miss);
	whole_pages(mm, 0, 1);
	ok(said("0.hit") && heard[0].seq == 13, "[S116] until it ends");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	must_insert(&iv[0], '0', mm, 0, 4);
	ok(seq_of(&iv[0]) == 13, "[S110] an idle insertion has the last one");
	remove_interval(&iv[0]);
	mmput(mm);
}

static void deferred(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range outer, inner;

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&outer, mm, 0, 4);
	must_insert(&iv[1], '1', mm, 0, 4);
	ok(said("0.hit") && seq_of(&iv[1]) == 3,
	   "[S111] inserted amid a hit: the sequence of that");
	start_pages(&inner, mm, 0, 4);
	ok(said("0.hit"), "[S111] and put off: not called for a new range");
	end_range(&inner);
	start_pages(&inner, mm, 0, 4);
	end_range(&outer);
	whole_pages(mm, 0, 4);
	ok(said("0.hit 0.hit"), "[S111] until the last active one has ended");
	end_range(&inner);
	whole_pages(mm, 0, 4);
	ok(said("0.hit 1.hit") && heard[1].seq == 5, "[S111] then it is called");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

/* Where starts are equal, who is inserted first is called first. */
static void deferred_order(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 0, 4);
	start_pages(&range, mm, 0, 4);
	must_insert(&iv[2], '2', mm, 0, 4);
	must_insert(&iv[3], '3', mm, 0, 4);
	end_range(&range);
	whole_pages(mm, 0, 4);
	ok(said("0.hit 1.hit 0.hit 1.hit 3.hit 2.hit"),
	   "[S124] what was put off is done newest first");
	for (int i = 0; i < 4; i++)
		remove_interval(&iv[i]);
	mmput(mm);
}

static void at_once(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range, inner;

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&range, mm, 8, 12);
	must_insert(&iv[1], '1', mm, 8, 12);
	ok(said("") && seq_of(&iv[1]) == 3,
	   "[S112] inserted amid a miss: as if that had hit");
	start_pages(&inner, mm, 8, 12);
	ok(said("1.hit") && heard[0].seq == 3,
	   "[S112] and at once: called for a new range");
	end_range(&inner);
	ok(waits_for_end(task_read, &iv[1], &range) && task_seq == 3,
	   "[S112] readers wait for the end");
	ok(mmu_interval_read_begin(&iv[1].sub) == 3 &&
	   !mmu_interval_read_retry(&iv[1].sub, 3), "[S112] and then need not");
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

/*
 * A miss that ends while one is inserted, as if it had hit: then nobody is
 * active, and nobody else will end it.
 */
#define RACES 3000

static struct mm_struct *race_mm;
static atomic_int racer;	/* rounds: odd to begin one, even when it is over */

static void race_range(void *unused)
{
	(void)unused;
	for (int i = 1; i <= RACES; i++) {
		while (atomic_load(&racer) < 2 * i - 1)
			sched_yield();
		whole_pages(race_mm, 8, 12);
		atomic_store(&racer, 2 * i);
	}
}

static void miss_ends(void)
{
	struct task task;
	int stuck = 0;

	race_mm = new_mm();
	must_insert(&iv[0], '0', race_mm, 0, 4);
	init_interval(&iv[1], '1');
	init_interval(&iv[2], '2');
	start_task(&task, race_range, NULL);
	for (int i = 1; i <= RACES; i++) {
		atomic_store(&racer, 2 * i - 1);
		for (int n = i % 400; n; n--)
			__asm__ volatile("");
		insert(&iv[1], race_mm, 16, 20);
		while (atomic_load(&racer) < 2 * i)
			sched_yield();
		/* Idle, it has the last sequence: that of the other, or a later. */
		insert(&iv[2], race_mm, 16, 20);
		stuck += seq_of(&iv[2]) < seq_of(&iv[1]);
		if (stuck)
			whole_pages(race_mm, 24, 28);
		remove_interval(&iv[1]);
		remove_interval(&iv[2]);
	}
	finish_task(&task);
	ok(!stuck, "[S112] a miss that ends meanwhile does end (%d do not)",
	   stuck);
	remove_interval(&iv[0]);
	mmput(race_mm);
	atomic_store(&nr_heard, 0);
}

/* -- readers -- */

static void readers(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range, other;
	unsigned long seq, again;

	must_insert(&iv[0], '0', mm, 0, 4);
	must_insert(&iv[1], '1', mm, 8, 12);
	seq = mmu_interval_read_begin(&iv[0].sub);
	ok(seq == 1 && !mmu_interval_read_retry(&iv[0].sub, seq) &&
	   !mmu_interval_check_retry(&iv[0].sub, seq),
	   "[S118][S119] nothing happens: no wait, no retry");
	whole_pages(mm, 0, 4);
	ok(mmu_interval_read_retry(&iv[0].sub, seq) &&
	   mmu_interval_check_retry(&iv[0].sub, seq),
	   "[S119] a hit in between: retry");
	again = mmu_interval_read_begin(&iv[0].sub);
	ok(again == 3 && !mmu_interval_read_retry(&iv[0].sub, again),
	   "[S119] once is enough");
	seq = mmu_interval_read_begin(&iv[1].sub);
	start_pages(&range, mm, 0, 4);
	ok(!mmu_interval_read_retry(&iv[1].sub, seq) &&
	   mmu_interval_read_begin(&iv[1].sub) == seq,
	   "[S118] who is not hit neither waits nor retries");
	seq = mmu_interval_read_begin(&iv[1].sub);
	whole_pages(mm, 8, 9);
	ok(mmu_interval_read_retry(&iv[1].sub, seq),
	   "[S119] a hit that overlaps another one: retry");
	ok(waits_for_end(task_read, &iv[0], &range) && task_seq == 5,
	   "[S118] who is being hit waits for the end");
	ok(!mmu_interval_read_retry(&iv[0].sub, task_seq),
	   "[S119] and then need not retry");

	start_pages(&range, mm, 0, 4);
	start_pages(&other, mm, 20, 24);
	end_range(&range);
	ok(waits_for_end(task_read, &iv[0], &other),
	   "[S118] the last active one, be it elsewhere");
	atomic_store(&nr_heard, 0);
	remove_interval(&iv[0]);
	remove_interval(&iv[1]);
	mmput(mm);
}

/* One change is what a reader waits for: the next range does not keep it. */
static void one_change(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct task task;

	must_insert(&iv[0], '0', mm, 0, 4);
	start_pages(&range, mm, 0, 4);
	start_task(&task, task_read, &iv[0]);
	ok(blocks(&task), "[S118] a reader waits");
	end_range(&range);
	start_pages(&range, mm, 0, 4);
	finish_task(&task);
	ok(task_seq == 3 && mmu_interval_read_retry(&iv[0].sub, task_seq),
	   "[S118] for one change; the range that has begun since is found by the retry");
	end_range(&range);
	said("0.hit 0.hit");
	remove_interval(&iv[0]);
	mmput(mm);
}

static void forgetting(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	unsigned long seq;

	must_insert(&iv[0], '0', mm, 0, 4);
	iv[0].forgets = true;
	seq = mmu_interval_read_begin(&iv[0].sub);
	start_pages(&range, mm, 0, 4);
	ok(!mmu_interval_read_retry(&iv[0].sub, seq) &&
	   mmu_interval_read_begin(&iv[0].sub) == seq,
	   "[S120] without set_seq a reader neither waits nor retries");
	mmu_interval_set_seq(&iv[0].sub, heard[0].seq);
	ok(mmu_interval_read_retry(&iv[0].sub, seq), "[S120] with it, it does");
	end_range(&range);
	said("0.hit");
	remove_interval(&iv[0]);
	mmput(mm);
}

int main(void)
{
	unit_begin();
	ranges_of_insert();
	whole_space();
	counts();
	boundaries();
	order();
	sequence();
	deferred();
	deferred_order();
	at_once();
	miss_ends();
	readers();
	one_change();
	forgetting();
	return unit_end();
}
