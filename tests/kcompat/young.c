// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Callbacks about the accessed state, which return int or bool. */
#include <mmun_kcompat.h>
#include <linux/mmu_notifier.h>

#include "tap.h"
#include "young.h"

static int young;

static int int_flush(struct mmu_notifier *mn, struct mm_struct *mm,
		     unsigned long start, unsigned long end)
{
	return young;
}

static int int_test(struct mmu_notifier *mn, struct mm_struct *mm,
		    unsigned long address)
{
	return young;
}

static bool bool_flush(struct mmu_notifier *mn, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	return young;
}

static bool bool_test(struct mmu_notifier *mn, struct mm_struct *mm,
		      unsigned long address)
{
	return young;
}

static const struct mmu_notifier_ops before_7 = {
	.clear_flush_young = int_flush,
	.clear_young = int_flush,
	.test_young = int_test,
};

static const struct mmu_notifier_ops since_7 = {
	.clear_flush_young = bool_flush,
	.clear_young = bool_flush,
	.test_young = bool_test,
};

static void test_ops(const struct mmu_notifier_ops *ops, const char *kind)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier mn = { .ops = ops };

	if (mmu_notifier_register(&mn, mm))
		bail("it cannot be registered");
	for (young = 0; young < 2; young++)
		ok(mmu_notifier_clear_flush_young(mm, 0, 4096) == young &&
			   mmu_notifier_clear_young(mm, 0, 4096) == young &&
			   mmu_notifier_test_young(mm, 0) == young,
		   "%s: %s", kind, young ? "young" : "old");
	mmu_notifier_unregister(&mn, mm);
	mmput(mm);
}

/* -- what was freed through SRCU, before Linux 5.4 -- */

static struct rcu_head late;
static DECLARE_COMPLETION(freed);

static void free_late(struct rcu_head *head)
{
	if (head == &late)
		complete(&freed);
}

int main(void)
{
	static const size_t ours[] = { YOUNG_MEMBERS(YOUNG_OFFSET) };
	bool same = young_plain_size == sizeof(struct mmu_notifier_ops);

	tap_begin(25);
	for (unsigned int i = 0; i < ARRAY_SIZE(ours); i++)
		same &= ours[i] == young_plain[i];
	ok(same, "the members are where the library has them");
	test_ops(&before_7, "int");
	test_ops(&since_7, "bool");
	mmu_notifier_call_srcu(&late, free_late);
	wait_for_completion(&freed);
	ok(true, "mmu_notifier_call_srcu() calls");
	return tap_end();
}
