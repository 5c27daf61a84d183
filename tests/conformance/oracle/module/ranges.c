// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidations made by hand, split where a scenario wants it.  What the kernel
 * makes them with is not exported; its address is.
 */
#include <linux/kprobes.h>

#include "compat.h"
#include "mnoracle.h"

#define NR_RANGES 4

static struct mmu_notifier_range ranges[NR_RANGES];
static atomic_t nr_open = ATOMIC_INIT(0);

static int (*range_start)(struct mmu_notifier_range *range);
#if HAVE_SECONDARY_TLBS
static void (*range_end)(struct mmu_notifier_range *range);
#else
static void (*range_end)(struct mmu_notifier_range *range, bool only_end);
#endif
static int (*clear_flush_young)(struct mm_struct *mm, unsigned long start,
				unsigned long end);
static int (*clear_young)(struct mm_struct *mm, unsigned long start,
			  unsigned long end);
static int (*test_young)(struct mm_struct *mm, unsigned long address);

static int nothing(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

void ranges_init(void)
{
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.pre_handler = nothing
	};
	unsigned long (*lookup)(const char *name);

	if (register_kprobe(&probe))
		return;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	range_start = (void *)lookup("__mmu_notifier_invalidate_range_start");
	range_end = (void *)lookup("__mmu_notifier_invalidate_range_end");
	clear_flush_young = (void *)lookup("__mmu_notifier_clear_flush_young");
	clear_young = (void *)lookup("__mmu_notifier_clear_young");
	test_young = (void *)lookup("__mmu_notifier_test_young");
}

bool ranges_found(bool end)
{
	return end ? !!range_end : !!range_start;
}

bool ranges_open(void)
{
	return atomic_read(&nr_open) > 0;
}

static void end(struct mmu_notifier_range *range, bool only_end)
{
#if HAVE_SECONDARY_TLBS
	range_end(range);
#else
	range_end(range, only_end);
#endif
}

static int parse(struct args *args, int from, struct mmu_notifier_range *range)
{
	memset(range, 0, sizeof(*range));
	return args_number(args, from, &range->start) ||
	       args_number(args, from + 1, &range->end) ? -EINVAL : 0;
}

/* Start, and end unless that failed: "force" ends it all the same. */
static long start_and_end(struct args *args, bool blockable)
{
	struct object *object = object_named(args->at[1]);
	struct mmu_notifier_range range;
	unsigned long event;
	int ret;

	if (!object || !range_start || parse(args, 2, &range) ||
	    args_number(args, 4, &event))
		return -EINVAL;
	range.mm = object_mm(object);
	range.event = event;
	range.flags = blockable ? MMU_NOTIFIER_RANGE_BLOCKABLE : 0;
	ret = range_start(&range);
	tr("= raw start -> %d", ret);
	if (!ret || args_is(args, 5, "force")) {
		end(&range, args_is(args, 5, "onlyend"));
		tr("= raw end done");
	}
	return 0;
}

/* inv OBJECT START END EVENT [force|onlyend], on the object's mm */
static long do_inv(struct args *args)
{
	return start_and_end(args, true);
}

static long do_invnb(struct args *args)
{
	return start_and_end(args, false);
}

static struct mmu_notifier_range *range_of(struct args *args, unsigned long *nr)
{
	if (!range_start || args_number(args, 1, nr) || *nr >= NR_RANGES)
		return NULL;
	return &ranges[*nr];
}

/* istart NR START END b|n: what comes until "iend NR" is during it */
static long do_istart(struct args *args)
{
	struct mmu_notifier_range *range;
	unsigned long nr;
	int ret;

	range = range_of(args, &nr);
	if (!range || parse(args, 2, range))
		return -EINVAL;
	range->mm = current->mm;
	range->event = MMU_NOTIFY_CLEAR;
	range->flags = args->at[4][0] == 'n' ? 0 : MMU_NOTIFIER_RANGE_BLOCKABLE;
	ret = range_start(range);
	if (!ret)
		atomic_inc(&nr_open);
	tr("= range%lu start -> %d", nr, ret);
	return ret;
}

/* Of one whose start failed, too: a scenario may repair what that left. */
static long do_iend(struct args *args)
{
	struct mmu_notifier_range *range;
	unsigned long nr;

	range = range_of(args, &nr);
	if (!range || !range->mm)
		return -EINVAL;
	end(range, false);
	atomic_add_unless(&nr_open, -1, 0);
	tr("= range%lu end done", nr);
	return 0;
}

/* young OBJECT START END: the three questions, on the object's mm */
static long do_young(struct args *args)
{
	struct object *object = object_named(args->at[1]);
	struct mmu_notifier_range range;
	struct mm_struct *mm;

	if (!object || !test_young || parse(args, 2, &range))
		return -EINVAL;
	mm = object_mm(object);
	/* They return an int, or a bool. */
	tr("= clear_flush_young -> %d",
	   clear_flush_young(mm, range.start, range.end) & 0xff);
	tr("= clear_young -> %d", clear_young(mm, range.start, range.end) & 0xff);
	tr("= test_young -> %d", test_young(mm, range.start) & 0xff);
	return 0;
}

const struct command range_commands[] = {
	{ "inv", 4, do_inv },
	{ "invnb", 4, do_invnb },
	{ "istart", 4, do_istart },
	{ "iend", 1, do_iend },
	{ "young", 3, do_young },
	{ }
};
