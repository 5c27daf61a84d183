/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The range helpers and the numbers of events and flags. */
#include "subscriber.h"

static void init_stores(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	int owner;

	memset(&range, 0xa5, sizeof(range));
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, MMUN_RANGE_READABLE,
				mm, 0x1000, 0x2000);
	ok(range.event == MMU_NOTIFY_CLEAR && range.mm == mm &&
	   range.flags == MMUN_RANGE_READABLE && range.start == 0x1000 &&
	   range.end == 0x2000, "[S98] range_init stores its arguments");
	ok(!range.owner, "[S98] and sets owner to NULL");

	memset(&range, 0xa5, sizeof(range));
	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_EXCLUSIVE, 0, mm,
				      0x3000, 0x4000, &owner);
	ok(range.event == MMU_NOTIFY_EXCLUSIVE && range.mm == mm &&
	   !range.flags && range.start == 0x3000 && range.end == 0x4000 &&
	   range.owner == &owner, "[S98] range_init_owner sets the owner");
	mmput(mm);
}

static void numbers(void)
{
	static const enum mmu_notifier_event events[] = {
		MMU_NOTIFY_UNMAP, MMU_NOTIFY_CLEAR, MMU_NOTIFY_PROTECTION_VMA,
		MMU_NOTIFY_PROTECTION_PAGE, MMU_NOTIFY_SOFT_DIRTY,
		MMU_NOTIFY_RELEASE, MMU_NOTIFY_MIGRATE, MMU_NOTIFY_EXCLUSIVE,
	};
	bool in_order = true;

	for (int i = 0; i < 8; i++)
		in_order &= (int)events[i] == i;
	ok(in_order, "[S99] the events have the kernel's numbers");
	ok(MMU_NOTIFIER_RANGE_BLOCKABLE == 1,
	   "[S74] MMU_NOTIFIER_RANGE_BLOCKABLE is bit 0");
}

static bool was_blockable;

static void ask_blockable(const struct heard *h)
{
	was_blockable = mmu_notifier_range_blockable(h->range);
}

static void blockable(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range range;
	struct subscriber s;

	init_range(&range, mm);
	ok(!mmu_notifier_range_blockable(&range), "[S100] not blockable yet");
	range.flags = MMU_NOTIFIER_RANGE_BLOCKABLE | MMUN_RANGE_READABLE;
	ok(mmu_notifier_range_blockable(&range), "[S100] the flag says it");

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	hook[START] = ask_blockable;
	whole_range(mm);
	ok(was_blockable, "[S100] a callback of start may sleep");
	init_range(&range, mm);
	if (mmu_notifier_invalidate_range_start_nonblock(&range))
		bail("refused by nobody");
	ok(!was_blockable, "[S100] a callback of start_nonblock may not");
	end_range(&range);
	hook[START] = NULL;
	mmu_notifier_unregister(&s.mn, mm);
	said("R.start R.end R.start R.end R.release");
	mmput(mm);
}

static void update_to_read_only(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();

	for (int event = 0; event < 8; event++) {
		bool expected = event == MMU_NOTIFY_PROTECTION_VMA;

		mmu_notifier_range_init(&range, event, MMUN_RANGE_READABLE, mm,
					0x1000, 0x2000);
		ok(mmu_notifier_range_update_to_read_only(&range) == expected,
		   "[S101] readable, event %d: %s", event,
		   expected ? "read-only" : "not");
		range.flags = MMU_NOTIFIER_RANGE_BLOCKABLE;
		ok(!mmu_notifier_range_update_to_read_only(&range),
		   "[S101] not readable, event %d: not", event);
	}
	mmput(mm);
}

int main(void)
{
	unit_begin();
	init_stores();
	numbers();
	blockable();
	update_to_read_only();
	return unit_end();
}
