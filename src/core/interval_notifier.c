// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interval notifiers: see intervals.h for how starts, ends and changes meet.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "base/mutants.h"
#include "base/syscall.h"
#include "base/warn.h"
#include "core/core.h"

/* In sub->mmun_private.  Valid when is_known(), whatever was there before. */
struct interval_private {
	uint64_t state;
	struct mmun_interval node;
	struct mmu_interval_notifier *next_deferred;
	struct mmun_extent extent;
	uint32_t generation;	/* of in->generation; older: a fork() dropped it */
};

_Static_assert(sizeof(struct interval_private) <=
		       sizeof(((struct mmu_interval_notifier *)0)->mmun_private),
	       "the private part fits");

enum {
	IN_TREE = 1,
	IN_DEFERRED = 2,	/* to be inserted, or with IN_TREE, removed */
	IN_FLAGS = 3,
};

static struct interval_private *
private_of(struct mmu_interval_notifier *sub)
{
	return (struct interval_private *)sub->mmun_private;
}

static struct mmu_interval_notifier *sub_of(struct mmun_interval *node)
{
	struct interval_private *priv = (struct interval_private *)
		((char *)node - offsetof(struct interval_private, node));

	return (struct mmu_interval_notifier *)
		((char *)priv - offsetof(struct mmu_interval_notifier,
					 mmun_private));
}

/* So that memory that was never inserted, or a copy, is told apart. */
static uint64_t known(const struct mmu_interval_notifier *sub)
{
	return ((uint64_t)(uintptr_t)sub ^ 0x6d6d756e69766c73ULL) &
	       ~(uint64_t)IN_FLAGS;
}

static bool is_known(struct mmu_interval_notifier *sub)
{
	uint64_t state = mmun_read(&private_of(sub)->state);

	return (state & ~(uint64_t)IN_FLAGS) == known(sub) && (state & IN_FLAGS);
}

/* -- changing; signals are blocked, and nothing is called -- */

static void begin_change(struct mmun_intervals *in, struct mmun_sigmask *saved)
{
	uint64_t state;

	mmun_lock_save(&in->lock, saved);
	/* Who looks makes no call, and has done in a moment. */
	do {
		state = mmun_read(&in->state);
		while (state & I_LOOKING_MASK) {
			mmun_syscall(SYS_sched_yield);
			state = mmun_read(&in->state);
		}
	} while (!mmun_cas(&in->state, &state, state | I_CHANGING));
}

static void end_change(struct mmun_intervals *in,
		       const struct mmun_sigmask *saved)
{
	mmun_fetch_and(&in->state, ~I_CHANGING);
	mmun_unlock_restore(&in->lock, saved);
}

static bool is_odd(const struct mmun_intervals *in)
{
	return mmun_load_ordered(&in->state) & I_ODD;
}

static unsigned long cur_seq(const struct mmun_intervals *in)
{
	return mmun_load_acquire(&in->seq) + 1;
}

static void put_into_tree(struct mmun_intervals *in,
			  struct mmu_interval_notifier *sub)
{
	struct interval_private *priv = private_of(sub);

	priv->node.start = sub->interval_tree.start;
	priv->node.last = sub->interval_tree.last;
	mmun_interval_insert(&in->tree, &priv->node);
	mmun_write(&priv->state, known(sub) | IN_TREE);
}

static void take_out_of_tree(struct mmun_intervals *in,
			     struct mmu_interval_notifier *sub)
{
	mmun_interval_remove(&in->tree, &private_of(sub)->node);
	mmun_write(&private_of(sub)->state, known(sub));
}

static void defer(struct mmun_intervals *in, struct mmu_interval_notifier *sub,
		  uint64_t flags)
{
	mmun_write(&private_of(sub)->state, known(sub) | flags | IN_DEFERRED);
	private_of(sub)->next_deferred = in->deferred;
	in->deferred = sub;
}

static void undefer(struct mmun_intervals *in, struct mmu_interval_notifier *sub)
{
	struct mmu_interval_notifier **at = &in->deferred;

	while (*at != sub)
		at = &private_of(*at)->next_deferred;
	*at = private_of(sub)->next_deferred;
	mmun_write(&private_of(sub)->state, known(sub));
}

static void do_deferred(struct mmun_intervals *in)
{
	struct mmu_interval_notifier *sub, *next;

	for (sub = in->deferred; sub; sub = next) {
		next = private_of(sub)->next_deferred;
		if (private_of(sub)->state & IN_TREE)
			take_out_of_tree(in, sub);
		else
			put_into_tree(in, sub);
	}
	in->deferred = NULL;
}

/* -- ranges -- */

/* Counted as active, and as one who looks, while nobody changes the tree. */
static void begin_look(struct mmun_intervals *in)
{
	struct mmun_sigmask saved;

	while (mmun_unlikely(mmun_fetch_add(&in->state, I_ACTIVE | I_LOOKING) &
			     I_CHANGING)) {
		mmun_fetch_sub(&in->state, I_ACTIVE | I_LOOKING);
		mmun_lock_save(&in->lock, &saved);
		mmun_unlock_restore(&in->lock, &saved);
	}
}

/* ORDER(interval-odd): before any callback. */
struct mmun_interval *mmun_intervals_begin(struct mmun_intervals *in,
					   unsigned long start,
					   unsigned long end)
{
	struct mmun_interval *first = NULL;

	begin_look(in);
	if (start < end)
		first = mmun_interval_first(&in->tree, start, end - 1);
	if (first && !(mmun_read(&in->state) & I_ODD))
		mmun_fetch_or(&in->state, I_ODD);
	mmun_fetch_sub(&in->state, I_LOOKING);
	return first;
}

static bool call_one(struct mmu_interval_notifier *sub,
		     const struct mmu_notifier_range *range, unsigned long seq,
		     struct mmu_interval_notifier_finish ***ret_last)
{
	const struct mmu_interval_notifier_ops *ops = sub->ops;
	struct mmu_interval_notifier_finish *finish = NULL;
	bool done = ops->invalidate_start ?
			    ops->invalidate_start(sub, range, seq, &finish) :
			    ops->invalidate(sub, range, seq);

	if (done && finish) {
		finish->notifier = sub;
		finish->mmun_next = NULL;
		**ret_last = finish;
		*ret_last = &finish->mmun_next;
	}
	return done;
}

static void call_finish(struct mmu_interval_notifier_finish *finish)
{
	struct mmu_interval_notifier_finish *next;

	for (; finish; finish = next) {
		next = finish->mmun_next;
		finish->notifier->ops->invalidate_finish(finish);
	}
}

/* The next that is hit; none in a child whose intervals were dropped meanwhile. */
static struct mmun_interval *next_hit(struct mmun_intervals *in,
				      struct mmun_interval *node,
				      const struct mmu_notifier_range *range,
				      uint32_t generation)
{
	if (in->generation != generation)
		return NULL;
	return mmun_interval_next(node, range->start, range->end - 1);
}

/* Those behind one that refuses are not asked. */
int mmun_intervals_call(struct mmun_interval *first,
			const struct mmu_notifier_range *range)
{
	struct mmu_interval_notifier_finish *finish = NULL, **last = &finish;
	struct mmun_intervals *in = &range->mm->intervals;
	unsigned long seq = cur_seq(in);
	uint32_t generation = in->generation;
	struct mmun_interval *node;
	int ret = 0;

	for (node = first; node; node = next_hit(in, node, range, generation)) {
		if (call_one(sub_of(node), range, seq, &last))
			continue;
		if (!mmu_notifier_range_blockable(range)) {
			ret = -EAGAIN;
			break;
		}
		mmun_warn_once("an interval's ->invalidate returned false in a blockable range: ignored");
	}
	call_finish(finish);
	return ret;
}

/*
 * Whoever starts meanwhile is the last one instead.  What was put off first: who
 * sees another sequence frees what he has removed.  ORDER(interval-odd): then the
 * sequence.
 */
static __attribute__((noinline)) void end_odd(struct mmun_intervals *in)
{
	struct mmun_sigmask saved;
	bool last;

	begin_change(in, &saved);
	last = (mmun_read(&in->state) & (I_ODD | I_ACTIVE_MASK)) == I_ODD;
	if (last) {
		do_deferred(in);
		mmun_store_release(&in->seq, in->seq + 2);
		mmun_fetch_and(&in->state, ~I_ODD);
		mmun_fetch_add(&in->changes, 1);
	}
	end_change(in, &saved);
	if (last)
		mmun_futex_wake(&in->changes);
}

void mmun_intervals_end(struct mmun_intervals *in)
{
	uint64_t state = mmun_fetch_sub(&in->state, I_ACTIVE);

	if (mmun_unlikely((state & I_ODD) && (state & I_ACTIVE_MASK) == I_ACTIVE))
		end_odd(in);
}

/* -- insert -- */

static int check_ops(const struct mmu_interval_notifier_ops *ops)
{
	if (!ops || (!ops->invalidate && !ops->invalidate_start))
		return -EINVAL;
	if (ops->invalidate_start && !ops->invalidate_finish) {
		mmun_warn_once("->invalidate_start without ->invalidate_finish");
		return -EINVAL;
	}
	return 0;
}

static int check_range(unsigned long start, unsigned long length,
		       unsigned long *ret_last)
{
	if (!length || __builtin_add_overflow(start, length - 1, ret_last))
		return -EOVERFLOW;
	return 0;
}

/*
 * Where nobody is hit it does not matter which number the subscription has, if
 * it is none that comes soon.  While a range is active that has hit nobody, it
 * might have hit this one.
 */
static void link_sub(struct mmun_intervals *in, struct mmu_interval_notifier *sub)
{
	uint64_t state = mmun_read(&in->state);

	if (!(state & I_ACTIVE_MASK)) {
		mmu_interval_set_seq(sub, in->seq - 1);
		put_into_tree(in, sub);
	} else if (state & I_ODD) {
		mmu_interval_set_seq(sub, in->seq + 1);
		defer(in, sub, 0);
	} else {
		mmun_fetch_or(&in->state, I_ODD);
		mmu_interval_set_seq(sub, in->seq + 1);
		put_into_tree(in, sub);
	}
}

static int check_sub(struct mmu_interval_notifier *sub, struct mm_struct *mm)
{
	if (is_known(sub))
		return -EINVAL;
	/* Released since it was asked for: nobody would tell of that. */
	return mmun_read(&mm->released) ? -EINVAL : 0;
}

/* What is refused is left as it was. */
static int check_and_link(struct mmu_interval_notifier *sub,
			  struct mm_struct *mm, unsigned long start,
			  unsigned long last,
			  const struct mmu_interval_notifier_ops *ops)
{
	struct mmun_intervals *in = &mm->intervals;
	struct mmun_sigmask saved;
	int err;

	begin_change(in, &saved);
	err = check_sub(sub, mm);
	if (!err) {
		mmgrab(mm);
		sub->mm = mm;
		sub->ops = ops;
		sub->interval_tree.start = start;
		sub->interval_tree.last = last;
		private_of(sub)->generation = in->generation;
		link_sub(in, sub);
	}
	end_change(in, &saved);
	return err;
}

/*
 * The first one: ranges that have begun before are not counted, and have looked
 * for nobody.  Under the mmap lock, as a registration, unless that is done.
 */
static int use_intervals(struct mm_struct *mm)
{
	uint32_t counting = USED_COUNTING;
	int err;

	if (mmun_intervals_ready(&mm->intervals))
		return 0;
	if (mmun_in_callback(mm))
		return -EDEADLK;
	err = mmun_prepare_mm(mm);
	if (err)
		return err;
	mmun_xchg(&mm->intervals.used, USED_COUNTING);
	mmun_store_release(&mm->has_notifiers, 1);
	mmun_wait_for_ranges(mm);
	/* Unless it was released meanwhile. */
	mmun_cas(&mm->intervals.used, &counting, USED_READY);
	return 0;
}

/* Interest is declared when it can be found: who withdraws his looks for ours. */
static int insert(struct mmu_interval_notifier *sub, struct mm_struct *mm,
		  unsigned long start, unsigned long last,
		  const struct mmu_interval_notifier_ops *ops)
{
	int err = use_intervals(mm);

	if (!err && mm->interest && mmun_in_callback(mm))
		err = -EDEADLK;
	if (!err)
		err = check_and_link(sub, mm, start, last, ops);
	if (!err && mm->interest)
		mm->interest->declare(start, last, &private_of(sub)->extent);
	return err;
}

static int check_alive(struct mm_struct *mm)
{
	if (mmun_read(&mm->mm_users))
		return 0;
	mmun_warn_once("mmu_interval_notifier_insert() on an mm that was released");
	return -EINVAL;
}

int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *sub,
					struct mm_struct *mm,
					unsigned long start,
					unsigned long length,
					const struct mmu_interval_notifier_ops *ops)
{
	unsigned long last;
	int err;

	if (!sub || !mm || check_ops(ops))
		return -EINVAL;
	if (!mmun_mmap_write_held(mm)) {
		mmun_warn_once("mmu_interval_notifier_insert_locked() without the mmap lock held for writing");
		return -EINVAL;
	}
	err = check_range(start, length, &last);
	if (!err)
		err = check_alive(mm);
	return err ? err : insert(sub, mm, start, last, ops);
}
EXPORT_SYMBOL(mmu_interval_notifier_insert_locked);

int mmu_interval_notifier_insert(struct mmu_interval_notifier *sub,
				 struct mm_struct *mm, unsigned long start,
				 unsigned long length,
				 const struct mmu_interval_notifier_ops *ops)
{
	unsigned long last;
	int err;

	if (!sub || !mm || check_ops(ops))
		return -EINVAL;
	err = check_range(start, length, &last);
	if (!err)
		err = check_alive(mm);
	if (err)
		return err;
	if (mmun_intervals_ready(&mm->intervals))
		return insert(sub, mm, start, last, ops);
	if (mmun_in_callback(mm) || mmun_mmap_write_held(mm))
		return -EDEADLK;
	err = mmun_prepare_mm(mm);
	if (err)
		return err;
	mmap_write_lock(mm);
	err = insert(sub, mm, start, last, ops);
	mmap_write_unlock(mm);
	return err;
}
EXPORT_SYMBOL(mmu_interval_notifier_insert);

/* -- remove, and read -- */

/* Until the sequence is another.  ORDER(interval-odd): see read_begin(). */
static void wait_while_odd(struct mmun_intervals *in, unsigned long seq)
{
	for (;;) {
		uint32_t changes = mmun_load_acquire(&in->changes);

		if (!is_odd(in) || cur_seq(in) != seq)
			return;
		mmun_futex_wait(&in->changes, changes, 0);
	}
}

static bool is_dropped(const struct mmun_intervals *in,
		       struct mmu_interval_notifier *sub)
{
	return private_of(sub)->generation != in->generation;
}

static bool is_being_removed(struct mmu_interval_notifier *sub)
{
	return (mmun_read(&private_of(sub)->state) & IN_FLAGS) ==
	       (IN_TREE | IN_DEFERRED);
}

/* Return: the sequence to wait for, or 0. */
static unsigned long unlink_sub(struct mmun_intervals *in,
				struct mmu_interval_notifier *sub)
{
	struct interval_private *priv = private_of(sub);

	if (is_dropped(in, sub)) {
		mmun_write(&priv->state, known(sub));
	} else if (priv->state & IN_DEFERRED) {
		undefer(in, sub);
	} else if (mmun_read(&in->state) & I_ODD) {
		defer(in, sub, IN_TREE);
		return in->seq + 1;
	} else {
		take_out_of_tree(in, sub);
	}
	return 0;
}

/* Return: is it removed, or will be when the sequence is another? */
static bool check_and_unlink(struct mmun_intervals *in,
			     struct mmu_interval_notifier *sub,
			     unsigned long *ret_seq)
{
	struct mmun_sigmask saved;
	bool valid;

	begin_change(in, &saved);
	valid = is_known(sub) && (is_dropped(in, sub) || !is_being_removed(sub));
	if (valid)
		*ret_seq = unlink_sub(in, sub);
	end_change(in, &saved);
	return valid;
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub)
{
	bool valid = sub && is_known(sub);
	struct mm_struct *mm = valid ? sub->mm : NULL;
	unsigned long seq = 0;

	if (valid && mmun_in_callback(mm)) {
		mmun_warn_once("mmu_interval_notifier_remove() inside a callback: still inserted");
		return;
	}
	if (!valid || !check_and_unlink(&mm->intervals, sub, &seq)) {
		mmun_warn_once("mmu_interval_notifier_remove() of what is not inserted");
		return;
	}
	if (seq)
		wait_while_odd(&mm->intervals, seq);
	if (mm->interest && !is_dropped(&mm->intervals, sub))
		mm->interest->withdraw(sub->interval_tree.start,
				       sub->interval_tree.last,
				       private_of(sub)->extent);
	mmdrop(mm);
}
EXPORT_SYMBOL(mmu_interval_notifier_remove);

/*
 * ORDER(interval-odd): the subscription's sequence first.  If it is that of a
 * range that is active, odd is seen; if that has ended since, so is the advance
 * of the sequence.  If it is an older one, mmu_interval_read_retry() will find it
 * changed, under the lock.
 *
 * Who cannot wait gets a number that no subscription ever has, an even one.
 */
unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *sub)
{
	struct mmun_intervals *in = &sub->mm->intervals;
	unsigned long seq;

	mmun_settle(sub->mm);
	seq = mmun_load_acquire(&sub->invalidate_seq);
	if (mmun_unlikely(is_odd(in) && cur_seq(in) == seq)) {
		if (mmun_in_callback(sub->mm)) {
			mmun_warn_once("mmu_interval_read_begin() inside a callback: not waiting");
			return seq - 1;
		}
		wait_while_odd(in, seq);
	}
	return seq;
}
EXPORT_SYMBOL(mmu_interval_read_begin);

/* -- asking; new, and fork()ed -- */

bool mmun_intervals_overlap(struct mmun_intervals *in, unsigned long start,
			    unsigned long last)
{
	struct mmu_interval_notifier *sub;
	struct mmun_sigmask saved;
	bool found;

	mmun_lock_save(&in->lock, &saved);
	found = mmun_interval_first(&in->tree, start, last);
	for (sub = in->deferred; sub && !found; sub = private_of(sub)->next_deferred)
		found = sub->interval_tree.start <= last &&
			sub->interval_tree.last >= start;
	mmun_unlock_restore(&in->lock, &saved);
	return found;
}

void mmun_intervals_init(struct mmun_intervals *in)
{
	*in = (struct mmun_intervals){ .seq = 2 };
}

/*
 * None of them is touched: the child would have its copy of the memory of each.
 * Insertions are prepared anew: the sources run no more.
 */
static void drop_all(struct mmun_intervals *in)
{
	in->generation++;
	in->tree.root = NULL;
	in->deferred = NULL;
	in->used = USED_NEVER;
}

void mmun_intervals_fork_child(struct mmun_intervals *in, unsigned int active,
			       bool drop)
{
	uint64_t odd = in->state & I_ODD;

	in->lock.word = 0;
	if (drop)
		drop_all(in);
	if (odd && !active) {
		do_deferred(in);
		in->seq += 2;
		odd = 0;
	}
	in->state = odd | active;
}
