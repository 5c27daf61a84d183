// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The interval slots of the back end "library". */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

#define NR_INTERVALS 8
#define NR_FINISHES 8

struct finish {
	struct mmu_interval_notifier_finish token;
	int interval;
	atomic_bool used;
};

struct interval {
	struct mmu_interval_notifier sub;
	bool live, keeps_seq;
	int says_nonblock, says_block;	/* what ->invalidate returns */
	int finishes;			/* two passes: leave a token */
	int reads;			/* read_begin of interval N-1 inside */
	atomic_int blocks;
	struct gate gate;
	atomic_flag lock;		/* the subscriber's own */
	unsigned long seq;		/* of the last read_begin */
	struct finish finish[NR_FINISHES];
};

static struct interval intervals[NR_INTERVALS];

static int index_of(const struct interval *i)
{
	return i - intervals;
}

static struct interval *interval_of(struct mmu_interval_notifier *sub)
{
	return (struct interval *)((char *)sub - offsetof(struct interval, sub));
}

static void lock(struct interval *i)
{
	while (atomic_flag_test_and_set(&i->lock))
		sched_yield();
}

static void unlock(struct interval *i)
{
	atomic_flag_clear(&i->lock);
}

/* -- callbacks -- */

static void set_seq(struct interval *i, unsigned long seq)
{
	if (i->keeps_seq)
		return;
	lock(i);
	mmu_interval_set_seq(&i->sub, seq);
	unlock(i);
}

static bool on_invalidate(struct mmu_interval_notifier *sub,
			  const struct mmu_notifier_range *r, unsigned long seq)
{
	struct interval *i = interval_of(sub);
	bool blockable = mmu_notifier_range_blockable(r);
	bool ret = blockable ? i->says_block : i->says_nonblock;
	int n = index_of(i);

	tr("I%d.invalidate %s %s @%lx-%lx seq=%lu ml=- ret=%d%s", n,
	   event_name(r->event), blockable ? "B" : "nb", r->start, r->end, seq,
	   ret, mm_text(r->mm).text);
	if (ret)
		set_seq(i, seq);
	if (i->reads)
		mmu_interval_read_begin(&intervals[i->reads - 1].sub);
	if (blockable && atomic_load(&i->blocks)) {
		tr("  I%d BLOCKED", n);
		gate_wait(&i->gate, r->mm);
		tr("  I%d resumed", n);
	}
	return ret;
}

static bool on_invalidate_start(struct mmu_interval_notifier *sub,
				const struct mmu_notifier_range *r,
				unsigned long seq,
				struct mmu_interval_notifier_finish **ret_token)
{
	struct interval *i = interval_of(sub);
	bool ret = on_invalidate(sub, r, seq);

	for (int n = 0; i->finishes && n < NR_FINISHES; n++) {
		if (atomic_exchange(&i->finish[n].used, true))
			continue;
		i->finish[n].interval = index_of(i);
		*ret_token = &i->finish[n].token;
		tr("  I%d wants finish pass", index_of(i));
		break;
	}
	return ret;
}

static void on_invalidate_finish(struct mmu_interval_notifier_finish *token)
{
	struct finish *f = (struct finish *)token;

	tr("I%d.invalidate_finish", f->interval);
	atomic_store(&f->used, false);
}

static const struct mmu_interval_notifier_ops one_pass = {
	.invalidate = on_invalidate,
};

static const struct mmu_interval_notifier_ops two_passes = {
	.invalidate_start = on_invalidate_start,
	.invalidate_finish = on_invalidate_finish,
};

/* -- commands -- */

static struct interval *named(const struct command *c)
{
	long n;

	if (!command_number(c, 1, &n) || n < 0 || n >= NR_INTERVALS)
		return NULL;
	return &intervals[n];
}

static int insert(struct interval *i, struct mm_struct *mm,
		  const struct command *c, unsigned long start,
		  unsigned long length)
{
	const struct mmu_interval_notifier_ops *ops = &one_pass;
	int ret;

	/* Kernels before 7.0 have one pass, and the module ignores the word. */
	if (c->nr > 4 && !strcmp(c->at[4], "two") &&
	    since(library_version, 7, 0))
		ops = &two_passes;
	if (strcmp(c->at[0], "iinsl"))
		return mmu_interval_notifier_insert(&i->sub, mm, start, length,
						    ops);
	mmap_write_lock(mm);
	ret = mmu_interval_notifier_insert_locked(&i->sub, mm, start, length,
						  ops);
	mmap_write_unlock(mm);
	return ret;
}

/* iins|iinsl N start length [two] */
static long do_iins(const struct command *c)
{
	struct mm_struct *mm = current_mm();
	struct interval *i = named(c);
	unsigned long start, length;
	int ret;

	if (c->nr < 4)
		return NO_COMMAND;
	if (!i || !command_address(c, 2, &start) ||
	    !command_address(c, 3, &length))
		return -EINVAL;
	watch_mm(mm);
	ret = insert(i, mm, c, start, length);
	i->live = !ret;
	tr("= interval_insert I%d -> %d seq=%lu sub->mm %s%s", index_of(i), ret,
	   i->sub.invalidate_seq, i->sub.mm == mm ? "set" : "not set",
	   mm_text(mm).text);
	return ret;
}

/* iinsx N OBJECT start length */
long interval_insert_on(struct mm_struct *mm, const struct command *c)
{
	struct interval *i = named(c);
	unsigned long start, length;
	int ret;

	if (!i || !command_address(c, 3, &start) ||
	    !command_address(c, 4, &length))
		return -EINVAL;
	ret = mmu_interval_notifier_insert(&i->sub, mm, start, length,
					   &one_pass);
	i->live = !ret;
	tr("= interval_insert I%d on foreign mm -> %d sub->mm %s%s",
	   index_of(i), ret, i->sub.mm == mm ? "set" : "not set",
	   mm_text(mm).text);
	return ret;
}

static long do_irem(const struct command *c)
{
	struct interval *i = named(c);
	struct mm_struct *mm;

	if (c->nr < 2)
		return NO_COMMAND;
	if (!i || !i->live)
		return -EINVAL;
	mm = i->sub.mm;
	mmgrab(mm);
	tr("= interval_remove I%d enter", index_of(i));
	mmu_interval_notifier_remove(&i->sub);
	i->live = false;
	tr("= interval_remove I%d returned (+1 mc held by tester)%s",
	   index_of(i), mm_text(mm).text);
	mmdrop(mm);
	return 0;
}

static void set_key(struct interval *i, const char *key, long value)
{
	if (!strcmp(key, "retnb")) {
		i->says_nonblock = value;
	} else if (!strcmp(key, "retb")) {
		i->says_block = value;
	} else if (!strcmp(key, "noset")) {
		i->keeps_seq = value;
	} else if (!strcmp(key, "block")) {
		gate_close(&i->gate);
		atomic_store(&i->blocks, value);
	} else if (!strcmp(key, "finish")) {
		i->finishes = value;
	} else if (!strcmp(key, "rbcb")) {
		i->reads = value;
	}
}

static long do_icfg(const struct command *c)
{
	struct interval *i = named(c);

	if (c->nr < 3)
		return NO_COMMAND;
	if (!i)
		return -EINVAL;
	for (int n = 2; n < c->nr; n++) {
		char *value = strchr(c->at[n], '='), *end;
		long number = 1;

		if (value) {
			*value++ = 0;
			number = strtol(value, &end, 0);
			if (*end)
				return -EINVAL;
		}
		set_key(i, c->at[n], number);
	}
	return 0;
}

static long do_iunblock(const struct command *c)
{
	struct interval *i = named(c);

	if (c->nr < 2)
		return NO_COMMAND;
	if (!i)
		return -EINVAL;
	atomic_store(&i->blocks, 0);
	gate_open(&i->gate);
	return 0;
}

/* rb N: read_begin; rb N end: read_retry */
static long do_rb(const struct command *c)
{
	struct interval *i = named(c);
	int n, ret;

	if (c->nr < 2)
		return NO_COMMAND;
	if (!i)
		return -EINVAL;
	n = index_of(i);
	if (c->nr > 2) {
		lock(i);
		ret = mmu_interval_read_retry(&i->sub, i->seq);
		unlock(i);
		tr("= read_retry I%d seq=%lu sub=%lu -> %d", n, i->seq,
		   i->sub.invalidate_seq, ret);
		return 0;
	}
	if (!i->sub.mm)
		return -EINVAL;
	tr("= read_begin I%d enter", n);
	i->seq = mmu_interval_read_begin(&i->sub);
	tr("= read_begin I%d -> %lu", n, i->seq);
	return 0;
}

static const struct {
	const char *name;
	long (*run)(const struct command *c);
} commands[] = {
	{ "iins", do_iins },
	{ "iinsl", do_iins },
	{ "irem", do_irem },
	{ "icfg", do_icfg },
	{ "iunblock", do_iunblock },
	{ "rb", do_rb },
};

long interval_command(const struct command *c)
{
	for (size_t n = 0; n < sizeof(commands) / sizeof(*commands); n++)
		if (!strcmp(commands[n].name, c->at[0]))
			return commands[n].run(c);
	return NO_COMMAND;
}

void interval_reset(void)
{
	memset(intervals, 0, sizeof(intervals));
	for (int n = 0; n < NR_INTERVALS; n++)
		intervals[n].says_nonblock = intervals[n].says_block = 1;
}
