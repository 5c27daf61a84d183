// SPDX-License-Identifier: GPL-2.0-only
/* Interval notifiers: their callback, and the commands for them. */
#include <linux/completion.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "mnoracle.h"

#define NR_INTERVALS 8

static struct interval {
	struct mmu_interval_notifier notifier;
	int nr;
	bool inserted;
	unsigned long seq;		/* what read_begin gave */
	spinlock_t lock;		/* the user's, which set_seq needs */

	bool ret, nonblock_ret;
	bool keeps_seq;			/* the callback does not set it */
	bool block;			/* it waits for "iunblock" */
	bool finish;			/* it wants a second pass */
	int reads;			/* it calls read_begin of this one, less 1 */
	struct completion gate;
} intervals[NR_INTERVALS];

void intervals_init(void)
{
	int i;

	for (i = 0; i < NR_INTERVALS; i++) {
		intervals[i].nr = i;
		spin_lock_init(&intervals[i].lock);
		init_completion(&intervals[i].gate);
	}
}

void intervals_reset(void)
{
	struct interval *each;

	for (each = intervals; each < intervals + NR_INTERVALS; each++) {
		if (each->inserted)
			mmu_interval_notifier_remove(&each->notifier);
		each->inserted = false;
		memset(&each->notifier, 0, sizeof(each->notifier));
		each->ret = each->nonblock_ret = true;
		each->keeps_seq = each->block = each->finish = false;
		each->reads = 0;
		reinit_completion(&each->gate);
	}
}

/* -- the callback -- */

static void set_seq(struct interval *interval, unsigned long seq)
{
	spin_lock(&interval->lock);
	mmu_interval_set_seq(&interval->notifier, seq);
	spin_unlock(&interval->lock);
}

static void wait_at_gate(struct interval *interval)
{
	tr("  I%d BLOCKED", interval->nr);
	gate_enter();
	wait_for_completion(&interval->gate);
	gate_leave();
	tr("  I%d resumed", interval->nr);
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	struct interval *interval =
		container_of(notifier, struct interval, notifier);
	bool blockable = mmu_notifier_range_blockable(range);
	bool ret = blockable ? interval->ret : interval->nonblock_ret;

	tr("I%d.invalidate %s %s @%lx-%lx seq=%lu ml=%c ret=%d" MM_FORMAT,
	   interval->nr, event_name(range->event), blockable ? "B" : "nb",
	   range->start, range->end, seq, lock_state(range->mm), ret,
	   MM_ARGS(range->mm));
	if (ret && !interval->keeps_seq)
		set_seq(interval, seq);
	if (interval->reads)
		mmu_interval_read_begin(
			&intervals[interval->reads - 1].notifier);
	if (blockable && READ_ONCE(interval->block))
		wait_at_gate(interval);
	return ret;
}

static const struct mmu_interval_notifier_ops one_pass = {
	.invalidate = invalidate
};

#if HAVE_TWO_PASS
struct finish {
	struct mmu_interval_notifier_finish finish;
	int nr;
};

static bool invalidate_start(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range,
			     unsigned long seq,
			     struct mmu_interval_notifier_finish **ret_finish)
{
	struct interval *interval =
		container_of(notifier, struct interval, notifier);
	bool ret = invalidate(notifier, range, seq);
	struct finish *finish;

	if (!interval->finish)
		return ret;
	finish = kzalloc(sizeof(*finish), GFP_ATOMIC);
	if (finish) {
		finish->nr = interval->nr;
		*ret_finish = &finish->finish;
		tr("  I%d wants finish pass", interval->nr);
	}
	return ret;
}

static void invalidate_finish(struct mmu_interval_notifier_finish *given)
{
	struct finish *finish = container_of(given, struct finish, finish);

	tr("I%d.invalidate_finish", finish->nr);
	kfree(finish);
}

static const struct mmu_interval_notifier_ops two_pass = {
	.invalidate_start = invalidate_start,
	.invalidate_finish = invalidate_finish
};
#endif

/* -- the commands -- */

static struct interval *interval_of(struct args *args)
{
	unsigned long nr;

	if (args_number(args, 1, &nr) || nr >= NR_INTERVALS)
		return NULL;
	return &intervals[nr];
}

static const struct mmu_interval_notifier_ops *ops_of(struct args *args)
{
#if HAVE_TWO_PASS
	if (args_is(args, 4, "two"))
		return &two_pass;
#endif
	return &one_pass;
}

static void inserted(struct interval *interval, struct mm_struct *mm, int ret)
{
	interval->inserted = !ret;
	tr("= interval_insert I%d -> %d seq=%lu sub->mm %s" MM_FORMAT,
	   interval->nr, ret, interval->notifier.invalidate_seq,
	   interval->notifier.mm == mm ? "set" : "not set", MM_ARGS(mm));
}

/* iins NR START LENGTH [two] */
static long do_iins(struct args *args)
{
	struct interval *interval = interval_of(args);
	unsigned long start, length;
	int ret;

	if (!interval || args_number(args, 2, &start) ||
	    args_number(args, 3, &length))
		return -EINVAL;
	watch_mm(current->mm);
	ret = mmu_interval_notifier_insert(&interval->notifier, current->mm,
					   start, length, ops_of(args));
	inserted(interval, current->mm, ret);
	return ret;
}

/* iinsl: with mmap_lock held */
static long do_iinsl(struct args *args)
{
	struct interval *interval = interval_of(args);
	unsigned long start, length;
	int ret;

	if (!interval || args_number(args, 2, &start) ||
	    args_number(args, 3, &length))
		return -EINVAL;
	watch_mm(current->mm);
	mmap_write_lock(current->mm);
	ret = mmu_interval_notifier_insert_locked(&interval->notifier,
						  current->mm, start, length,
						  ops_of(args));
	mmap_write_unlock(current->mm);
	inserted(interval, current->mm, ret);
	return ret;
}

/* iinsx NR OBJECT START LENGTH: on the object's mm, which may be dead */
static long do_iinsx(struct args *args)
{
	struct object *object = object_named(args->at[2]);
	struct interval *interval = interval_of(args);
	unsigned long start, length;
	struct mm_struct *mm;
	int ret;

	if (!interval || !object || args_number(args, 3, &start) ||
	    args_number(args, 4, &length))
		return -EINVAL;
	mm = object_mm(object);
	ret = mmu_interval_notifier_insert(&interval->notifier, mm, start,
					   length, &one_pass);
	interval->inserted = !ret;
	tr("= interval_insert I%d on foreign mm -> %d sub->mm %s" MM_FORMAT,
	   interval->nr, ret, interval->notifier.mm == mm ? "set" : "not set",
	   MM_ARGS(mm));
	return ret;
}

static long do_irem(struct args *args)
{
	struct interval *interval = interval_of(args);
	struct mm_struct *mm;

	if (!interval || !interval->inserted)
		return -EINVAL;
	/* It may drop the last reference. */
	mm = interval->notifier.mm;
	mmgrab(mm);
	tr("= interval_remove I%d enter", interval->nr);
	mmu_interval_notifier_remove(&interval->notifier);
	interval->inserted = false;
	tr("= interval_remove I%d returned (+1 mc held by tester)" MM_FORMAT,
	   interval->nr, MM_ARGS(mm));
	mmdrop(mm);
	return 0;
}

static bool set(struct interval *interval, const char *key, long value)
{
	if (!strcmp(key, "retb")) {
		interval->ret = value;
	} else if (!strcmp(key, "retnb")) {
		interval->nonblock_ret = value;
	} else if (!strcmp(key, "noset")) {
		interval->keeps_seq = value;
	} else if (!strcmp(key, "finish")) {
		interval->finish = value;
	} else if (!strcmp(key, "rbcb")) {
		interval->reads = clamp_t(long, value, 0, NR_INTERVALS);
	} else if (!strcmp(key, "block")) {
		reinit_completion(&interval->gate);
		WRITE_ONCE(interval->block, value);
	} else {
		return false;
	}
	return true;
}

/* icfg NR KEY=VALUE... */
static long do_icfg(struct args *args)
{
	struct interval *interval = interval_of(args);
	long value;
	char *key;
	int i;

	if (!interval)
		return -EINVAL;
	for (i = 2; i < args->nr; i++) {
		if (args_setting(args, i, &key, &value))
			return -EINVAL;
		if (!set(interval, key, value))
			tr("?? unknown key %s", key);
	}
	return 0;
}

static long do_iunblock(struct args *args)
{
	struct interval *interval = interval_of(args);

	if (!interval)
		return -EINVAL;
	WRITE_ONCE(interval->block, false);
	complete_all(&interval->gate);
	return 0;
}

static void read_retry(struct interval *interval)
{
	bool ret;

	spin_lock(&interval->lock);
	ret = mmu_interval_read_retry(&interval->notifier, interval->seq);
	spin_unlock(&interval->lock);
	tr("= read_retry I%d seq=%lu sub=%lu -> %d", interval->nr, interval->seq,
	   interval->notifier.invalidate_seq, ret);
}

/* "rb NR" is mmu_interval_read_begin(), "rb NR end" mmu_interval_read_retry() */
static long do_rb(struct args *args)
{
	struct interval *interval = interval_of(args);

	if (!interval)
		return -EINVAL;
	if (args->nr > 2) {
		read_retry(interval);
		return 0;
	}
	tr("= read_begin I%d enter", interval->nr);
	interval->seq = mmu_interval_read_begin(&interval->notifier);
	tr("= read_begin I%d -> %lu", interval->nr, interval->seq);
	return 0;
}

const struct command interval_commands[] = {
	{ "iins", 3, do_iins },
	{ "iinsl", 3, do_iinsl },
	{ "iinsx", 4, do_iinsx },
	{ "irem", 1, do_irem },
	{ "icfg", 2, do_icfg },
	{ "iunblock", 1, do_iunblock },
	{ "rb", 1, do_rb },
	{ }
};
