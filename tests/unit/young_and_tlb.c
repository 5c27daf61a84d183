/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Accessed bits, entries that change in place, translations. */
#include "subscriber.h"

static const struct mmu_notifier_ops ops_young = {
	.clear_flush_young = on_flush_young,
	.clear_young = on_clear_young,
	.test_young = on_test_young,
	.change_pte = on_change_pte,
};

static void young(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s[3];

	for (int i = 0; i < 3; i++) {
		init_subscriber(&s[i], '0' + i, &ops_young);
		must_register(&s[i], mm);
	}
	ok(!mmu_notifier_clear_flush_young(mm, 0x1000, 0x3000) &&
	   said("2.flush_young 1.flush_young 0.flush_young"),
	   "[S94] clear_flush_young: all called, none accessed");
	ok(heard[0].mm == mm && heard[0].start == 0x1000 &&
	   heard[0].end == 0x3000, "[S94] with the range");
	ok(!mmu_notifier_clear_young(mm, 0x1000, 0x3000) &&
	   said("2.clear_young 1.clear_young 0.clear_young"),
	   "[S94] clear_young: all called, none accessed");
	ok(heard[2].start == 0x1000 && heard[2].end == 0x3000,
	   "[S94] with the range");
	ok(!mmu_notifier_test_young(mm, 0x2000) &&
	   said("2.test_young 1.test_young 0.test_young"),
	   "[S94] test_young: all asked, none accessed");
	ok(heard[1].start == 0x2000, "[S94] with the address");

	s[1].young = true;
	ok(mmu_notifier_clear_flush_young(mm, 0x1000, 0x3000) &&
	   said("2.flush_young 1.flush_young 0.flush_young"),
	   "[S94] clear_flush_young: any, and all called");
	ok(mmu_notifier_clear_young(mm, 0x1000, 0x3000) &&
	   said("2.clear_young 1.clear_young 0.clear_young"),
	   "[S94] clear_young: any, and all called");
	ok(mmu_notifier_test_young(mm, 0x2000) &&
	   said("2.test_young 1.test_young"),
	   "[S94] test_young stops at the first that says yes");

	mmu_notifier_change_pte(mm, 0x2000, 0x8000000000000025);
	ok(said("2.change_pte 1.change_pte 0.change_pte") &&
	   heard[0].start == 0x2000 && heard[2].pte == 0x8000000000000025,
	   "[S95] change_pte: all, with the address and the entry");
	for (int i = 0; i < 3; i++)
		mmu_notifier_unregister(&s[i].mn, mm);
	mmput(mm);
}

static void changes_between_start_and_end(void)
{
	static const struct mmu_notifier_ops ops = {
		.change_pte = on_change_pte,
		.invalidate_range_start = on_start,
		.invalidate_range_end = on_end,
	};
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber s;

	init_subscriber(&s, 'P', &ops);
	must_register(&s, mm);
	start_range(&range, mm);
	mmu_notifier_change_pte(mm, 0x1000, 1);
	end_range(&range);
	ok(said("P.start P.change_pte P.end"),
	   "[S95] change_pte between start and end");
	mmu_notifier_unregister(&s.mn, mm);
	mmput(mm);
}

static const struct mmu_notifier_ops ops_flush = {
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
	.invalidate_range = on_invalidate,
}, ops_only_flush = {
	.invalidate_range = on_invalidate,
}, ops_secondary = {
	.arch_invalidate_secondary_tlbs = on_secondary,
};

static void invalidate_range(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber s[3];

	init_subscriber(&s[0], 'F', &ops_flush);
	init_subscriber(&s[1], 'O', &ops_only_flush);
	init_subscriber(&s[2], 'T', &ops_secondary);
	for (int i = 0; i < 3; i++)
		must_register(&s[i], mm);
	start_range(&range, mm);
	ok(said("F.start"), "[S92] start alone flushes nothing");
	mmu_notifier_invalidate_range(mm, 0x1000, 0x2000);
	ok(said("O.inv F.inv") && heard[0].start == 0x1000 &&
	   heard[0].end == 0x2000,
	   "[S92] invalidate_range: where entries change");
	end_range(&range);
	ok(said("O.inv F.inv F.end") && heard[0].start == 0x1000 &&
	   heard[0].end == 0x3000,
	   "[S92] and again in the end, before each one's own end");

	start_range(&range, mm);
	said("F.start");
	mmu_notifier_invalidate_range_only_end(&range);
	ok(said("F.end"), "[S92] but not in only_end");

	mmu_notifier_arch_invalidate_secondary_tlbs(mm, 0x1000, 0x2000);
	ok(said("T.tlb") && heard[0].start == 0x1000 && heard[0].end == 0x2000,
	   "[S93] secondary TLBs: only where it is asked for");
	for (int i = 0; i < 3; i++)
		mmu_notifier_unregister(&s[i].mn, mm);
	mmput(mm);
}

/* Two with flush and end: each one's flush, then its end, one by one. */
static void flush_before_own_end(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s[2];

	for (int i = 0; i < 2; i++) {
		init_subscriber(&s[i], '0' + i, &ops_flush);
		must_register(&s[i], mm);
	}
	whole_range(mm);
	ok(said("1.start 0.start 1.inv 1.end 0.inv 0.end"),
	   "[S92] flush and end of one, then of the next");
	for (int i = 0; i < 2; i++)
		mmu_notifier_unregister(&s[i].mn, mm);
	mmput(mm);
}

int main(void)
{
	unit_begin();
	young();
	changes_between_start_and_end();
	invalidate_range();
	flush_before_own_end();
	return unit_end();
}
