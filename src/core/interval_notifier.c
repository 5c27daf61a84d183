// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interval notifiers: see intervals.h for how starts, ends and changes meet.
 */
#include <errno.h>
#include <limits.h>

#include "base/mutants.h"
#include "base/syscall.h"
#include "base/warn.h"
#include "core/core.h"

/* In sub->mmun_private.  Valid when is_known(), whatever was there before. */
struct interval_private {
	uint64_t state;
	struct mmun_interval node;
	struct mmu_interval_notifier *next_deferred, **pprev_deferred;
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

static unsigned long seq_of(uint64_t state)
{
	return state >> I_SEQ_SHIFT;
}

/* The last range has ended, and nobody has done what the last one does. */
static bool is_over(uint64_t state)
{
	return (state & (I_ODD | I_ACTIVE_MASK)) == I_ODD;
}

/* -- changing; signals are blocked, and nothing is called -- */

/*
 * ORDER(interval-look).  Return: the state; meanwhile ranges come and go, and may
 * turn it odd, but will look again.  It does not turn even.
 */
static uint64_t begin_change(struct mmun_intervals *in,
			     struct mmun_sigmask *saved)
{
	mmun_lock_save(&in->lock, saved);
	return mmun_fetch_or(&in->state, I_CHANGING);
}

/* Return: the state.  Who has turned it odd may have to end that. */
static uint64_t end_change(struct mmun_intervals *in,
			   const struct mmun_sigmask *saved)
{
	uint64_t state = mmun_fetch_and(&in->state, ~I_CHANGING) & ~I_CHANGING;

	mmun_unlock_restore(&in->lock, saved);
	return state;
}

static void put_into_tree(struct mmun_intervals *in,
			  struct mmu_interval_notifier *sub)
{
	struct interval_private *priv = private_of(sub);

	priv->node.start = sub->interval_tree.start;
	priv->node.last = sub->interval_tree.last;
	mmun_write(&in->version, in->version + 1);
	mmun_interval_insert(&in->tree, &priv->node);
	mmun_filter_add(&in->filter, priv->node.start, priv->node.last);
	mmun_store_release(&in->version, in->version + 1);
	mmun_write(&priv->state, known(sub) | IN_TREE);
}

static void take_out_of_tree(struct mmun_intervals *in,
			     struct mmu_interval_notifier *sub)
{
	struct interval_private *priv = private_of(sub);

	mmun_write(&in->version, in->version + 1);
	mmun_interval_remove(&in->tree, &priv->node);
	mmun_filter_remove(&in->filter, &in->tree, priv->node.start,
			   priv->node.last);
	mmun_store_release(&in->version, in->version + 1);
	mmun_write(&priv->state, known(sub));
}

/* Room for one more, and for those that are put off. */
static size_t filter_room(const struct mmun_intervals *in)
{
	return 1 + mmun_read(&in->nr_deferred);
}

/* Return: NULL, mostly; in a callback always, that is the event path. */
static struct mmun_filter_table *prepare_filter(struct mmun_intervals *in)
{
	unsigned int bank;
	size_t blocks;

	if (mmun_task.walk)
		return NULL;
	bank = mmun_srcu_read_lock(in->looks);
	blocks = mmun_filter_lacks(&in->filter, filter_room(in));
	mmun_srcu_read_unlock(in->looks, bank);
	return blocks ? mmun_filter_new_table(blocks) : NULL;
}

/* Return: as mmun_filter_grow(). */
static struct mmun_filter_table *grow_filter(struct mmun_intervals *in,
					     struct mmun_filter_table *table)
{
	mmun_write(&in->version, in->version + 1);
	table = mmun_filter_grow(&in->filter, &in->tree, table, filter_room(in));
	mmun_store_release(&in->version, in->version + 1);
	return table;
}

static void defer(struct mmun_intervals *in, struct mmu_interval_notifier *sub,
		  uint64_t flags)
{
	struct interval_private *priv = private_of(sub);

	mmun_write(&priv->state, known(sub) | flags | IN_DEFERRED);
	priv->next_deferred = in->deferred;
	priv->pprev_deferred = &in->deferred;
	if (priv->next_deferred)
		private_of(priv->next_deferred)->pprev_deferred =
			&priv->next_deferred;
	in->deferred = sub;
	mmun_write(&in->nr_deferred, in->nr_deferred + 1);
	mmun_fetch_or(&in->state, I_DEFERRED);
}

static void undefer(struct mmun_intervals *in, struct mmu_interval_notifier *sub)
{
	struct interval_private *priv = private_of(sub);

	mmun_write(&in->nr_deferred, in->nr_deferred - 1);
	*priv->pprev_deferred = priv->next_deferred;
	if (priv->next_deferred)
		private_of(priv->next_deferred)->pprev_deferred =
			priv->pprev_deferred;
	mmun_write(&priv->state, known(sub));
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
	mmun_write(&in->nr_deferred, 0);
	mmun_fetch_and(&in->state, ~I_DEFERRED);
}

/* -- ranges: start -- */

/* Return: the state before. */
static uint64_t set_odd(struct mmun_intervals *in)
{
	if (MMUN_BREAK_INTERVAL_ODD)
		return mmun_read(&in->state);
	return mmun_fetch_or(&in->state, I_ODD);
}

static struct mmun_interval *find_first(const struct mmun_intervals *in,
					unsigned long start, unsigned long last)
{
	if (mmun_likely(!mmun_filter_may_overlap(&in->filter, start, last)))
		return NULL;
	return mmun_interval_first(&in->tree, start, last);
}

static struct mmun_interval *look_and_mark(struct mmun_intervals *in,
					   unsigned long start,
					   unsigned long last)
{
	struct mmun_interval *first = find_first(in, start, last);

	if (first)
		set_odd(in);
	return first;
}

/* Was the tree being changed at this state, or at any time since? */
static bool has_changed(const struct mmun_intervals *in, uint64_t state,
			uint32_t version)
{
	return (state & I_CHANGING) || (version & 1) ||
	       mmun_load_acquire(&in->version) != version;
}

/* While it is held for fork() the tree stays as it is; if it is not any more, again. */
static struct mmun_interval *look_again(struct mmun_intervals *in,
					unsigned long start, unsigned long last)
{
	struct mmun_interval *first;
	struct mmun_sigmask saved;
	uint32_t version;

	for (;;) {
		if (mmun_lock_save_unless(&in->lock, &in->forking, &saved)) {
			first = look_and_mark(in, start, last);
			mmun_unlock_restore(&in->lock, &saved);
			return first;
		}
		version = mmun_load_acquire(&in->version);
		first = look_and_mark(in, start, last);
		if (!has_changed(in, mmun_load_ordered(&in->state), version))
			return first;
	}
}

/*
 * Odd when we were counted, it stays so until we end, and with it the tree.  Else
 * we turn it odd, and then see whether what we have found is still there.
 */
static struct mmun_interval *look(struct mmun_intervals *in, uint64_t state,
				  unsigned long start, unsigned long last)
{
	uint32_t version = mmun_load_acquire(&in->version);
	struct mmun_interval *first;

	if (mmun_unlikely(has_changed(in, state, version)))
		return look_again(in, start, last);
	first = find_first(in, start, last);
	if (first && !(state & I_ODD))
		state = set_odd(in);
	if (mmun_unlikely(has_changed(in, state, version)))
		return look_again(in, start, last);
	return first;
}

/* ORDER(interval-look) and ORDER(interval-odd): before any callback. */
struct mmun_interval *mmun_intervals_begin(struct mmun_intervals *in,
					   unsigned long start,
					   unsigned long end)
{
	uint64_t state = mmun_fetch_add(&in->state, I_ACTIVE);

	return start < end ? look(in, state, start, end - 1) : NULL;
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
	unsigned long seq = seq_of(mmun_read(&in->state) | I_ODD);
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
	if (MMUN_BREAK_INTERVAL_ODD)
		mmun_fetch_or(&in->state, I_ODD);
	return ret;
}

/* -- ranges: end -- */

/* ORDER(interval-wait): the sequence is another one; pairs with wait_for_end(). */
static void wake(struct mmun_intervals *in)
{
	if (mmun_likely(!mmun_load_ordered(&in->waiters)))
		return;
	mmun_fetch_add(&in->changes, 1);
	mmun_futex_wake(&in->changes);
}

/*
 * What was put off, before the sequence tells: who sees another one frees what he
 * has removed.  While the tree is held for fork(), whoever holds it does it.
 *
 * ORDER(interval-fork): counted out before we look at forking; pairs with
 * mmun_intervals_fork_parent(), where that is undone before we are looked for.
 */
static __attribute__((noinline)) void end_locked(struct mmun_intervals *in)
{
	struct mmun_sigmask saved;
	bool over;

	if (!mmun_lock_save_unless(&in->lock, &in->forking, &saved))
		return;
	over = is_over(mmun_fetch_or(&in->state, I_CHANGING));
	if (over) {
		do_deferred(in);
		mmun_fetch_add(&in->state, I_ODD);
	}
	end_change(in, &saved);
	if (over)
		wake(in);
}

/* ORDER(interval-odd): even and another one in one step.  Return: was it done? */
static bool advance(struct mmun_intervals *in, uint64_t *state)
{
	if (MMUN_BREAK(SEQUENCE))
		return mmun_cas(&in->state, state, *state - I_ODD);
	if (!MMUN_BREAK_INTERVAL_ADVANCE)
		return mmun_cas(&in->state, state, *state + I_ODD);
	if (!mmun_cas(&in->state, state, *state - I_ODD))
		return false;
	mmun_syscall(SYS_sched_yield);
	mmun_fetch_add(&in->state, 2 * I_ODD);
	return true;
}

/* If it is over; whoever starts meanwhile is the last one instead. */
static __attribute__((noinline)) void end_odd(struct mmun_intervals *in,
					      uint64_t state)
{
	while (is_over(state)) {
		if (state & (I_CHANGING | I_DEFERRED)) {
			end_locked(in);
			return;
		}
		if (advance(in, &state)) {
			wake(in);
			return;
		}
	}
}

void mmun_intervals_end(struct mmun_intervals *in)
{
	uint64_t state = mmun_fetch_sub(&in->state, I_ACTIVE) - I_ACTIVE;

	if (mmun_unlikely(is_over(state)))
		end_odd(in, state);
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
 * might have hit this one; if it ends before it is odd, it leaves that to us.
 */
static void link_sub(struct mmun_intervals *in, uint64_t state,
		     struct mmu_interval_notifier *sub)
{
	unsigned long odd = seq_of(state | I_ODD);

	if (!(state & I_ACTIVE_MASK)) {
		mmu_interval_set_seq(sub, odd - 2);
		put_into_tree(in, sub);
	} else if ((state & I_ODD) && !MMUN_BREAK_INTERVAL_DEFER &&
		   !MMUN_BREAK(DEFER)) {
		mmu_interval_set_seq(sub, odd);
		defer(in, sub, 0);
	} else {
		mmun_fetch_or(&in->state, I_ODD);
		mmu_interval_set_seq(sub, odd);
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
	struct mmun_filter_table *table = prepare_filter(in), *old = table;
	struct mmun_sigmask saved;
	uint64_t state = begin_change(in, &saved);
	int err = check_sub(sub, mm);

	if (!err) {
		if (table)
			old = grow_filter(in, table);
		mmgrab(mm);
		sub->mm = mm;
		sub->ops = ops;
		sub->interval_tree.start = start;
		sub->interval_tree.last = last;
		private_of(sub)->generation = in->generation;
		link_sub(in, state, sub);
	}
	end_odd(in, end_change(in, &saved));
	if (old && old != table)
		mmun_srcu_synchronize(in->looks);
	mmun_filter_free_table(old);
	return err;
}

/* Both, or none. */
static int make_domains(struct mmun_intervals *in)
{
	if (in->calls)
		return 0;
	in->looks = mmun_srcu_create();
	in->calls = in->looks ? mmun_srcu_create() : NULL;
	if (in->calls)
		return 0;
	if (in->looks)
		mmun_srcu_free(in->looks);
	in->looks = NULL;
	return -ENOMEM;
}

/*
 * The first one: ranges that have begun before are not counted, and have looked
 * for nobody.  Under the mmap lock, as a registration, unless that is done.
 */
static int use_intervals(struct mm_struct *mm)
{
	struct mmun_intervals *in = &mm->intervals;
	uint32_t used = USED_NEVER, counting = USED_COUNTING;
	int err;

	if (mmun_intervals_ready(in))
		return 0;
	if (mmun_in_callback(mm))
		return -EDEADLK;
	err = mmun_prepare_mm(mm);
	if (!err)
		err = make_domains(in);
	if (err)
		return err;
	if (!mmun_cas(&in->used, &used, USED_COUNTING) && used == USED_OVER)
		return -EINVAL;
	mmun_store_release(&mm->has_notifiers, 1);
	mmun_wait_for_ranges(mm);
	mmun_cas(&in->used, &counting, USED_READY);
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

static unsigned long cur_seq(struct mmun_intervals *in)
{
	return seq_of(mmun_load_ordered(&in->state));
}

/* Until the sequence is another.  ORDER(interval-wait). */
static void wait_for_end(struct mmun_intervals *in, unsigned long seq)
{
	uint32_t changes;

	mmun_fetch_add(&in->waiters, 1);
	for (;;) {
		changes = mmun_load_acquire(&in->changes);
		if (cur_seq(in) != seq)
			break;
		mmun_futex_wait(&in->changes, changes, 0);
	}
	mmun_fetch_sub(&in->waiters, 1);
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

/* What a removal waits for. */
struct wait {
	unsigned long seq;	/* until the sequence is another, if not 0 */
	bool looks;		/* until nobody stands on it */
};

static void unlink_sub(struct mmun_intervals *in, uint64_t state,
		       struct mmu_interval_notifier *sub, struct wait *ret_wait)
{
	struct interval_private *priv = private_of(sub);

	if (is_dropped(in, sub)) {
		mmun_write(&priv->state, known(sub));
	} else if (priv->state & IN_DEFERRED) {
		undefer(in, sub);
	} else if (state & I_ODD) {
		defer(in, sub, IN_TREE);
		ret_wait->seq = seq_of(state);
	} else {
		take_out_of_tree(in, sub);
		ret_wait->looks = state & I_ACTIVE_MASK;
	}
}

/* Return: was it inserted? */
static bool check_and_unlink(struct mmun_intervals *in,
			     struct mmu_interval_notifier *sub,
			     struct wait *ret_wait)
{
	struct mmun_sigmask saved;
	uint64_t state = begin_change(in, &saved);
	bool valid = is_known(sub) &&
		     (is_dropped(in, sub) || !is_being_removed(sub));

	if (valid)
		unlink_sub(in, state, sub, ret_wait);
	end_change(in, &saved);
	return valid;
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub)
{
	bool valid = sub && is_known(sub);
	struct mm_struct *mm = valid ? sub->mm : NULL;
	struct wait wait = { 0, false };

	if (valid && mmun_in_callback(mm)) {
		mmun_warn_once("mmu_interval_notifier_remove() inside a callback: still inserted");
		return;
	}
	if (!valid || !check_and_unlink(&mm->intervals, sub, &wait)) {
		mmun_warn_once("mmu_interval_notifier_remove() of what is not inserted");
		return;
	}
	if (wait.seq && !MMUN_BREAK(REMOVE))
		wait_for_end(&mm->intervals, wait.seq);
	if (wait.looks)
		mmun_srcu_synchronize(mm->intervals.looks);
	if (mm->interest && !is_dropped(&mm->intervals, sub))
		mm->interest->withdraw(sub->interval_tree.start,
				       sub->interval_tree.last,
				       private_of(sub)->extent);
	mmdrop(mm);
}
EXPORT_SYMBOL(mmu_interval_notifier_remove);

/*
 * ORDER(interval-odd): the subscription's sequence first.  If it is that of a
 * range that is active, so is the other; if that has ended since, the other is
 * another one.  If it is an older one, mmu_interval_read_retry() will find it
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
	if (mmun_unlikely(cur_seq(in) == seq)) {
		if (mmun_in_callback(sub->mm)) {
			mmun_warn_once("mmu_interval_read_begin() inside a callback: not waiting");
			return seq - 1;
		}
		wait_for_end(in, seq);
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

	if (!mmun_has_intervals(in))
		return false;
	mmun_lock_save(&in->lock, &saved);
	found = mmun_interval_first(&in->tree, start, last);
	for (sub = in->deferred; sub && !found; sub = private_of(sub)->next_deferred)
		found = sub->interval_tree.start <= last &&
			sub->interval_tree.last >= start;
	mmun_unlock_restore(&in->lock, &saved);
	return found;
}

void mmun_intervals_reach(struct mmun_intervals *in, unsigned long first,
			  unsigned long last, unsigned long *farthest)
{
	struct mmu_interval_notifier *sub;
	struct mmun_interval *node;
	struct mmun_sigmask saved;

	if (!mmun_has_intervals(in))
		return;
	mmun_lock_save(&in->lock, &saved);
	node = mmun_interval_first(&in->tree, first, last);
	for (; node; node = mmun_interval_next(node, first, last))
		if (node->last > *farthest)
			*farthest = node->last;
	for (sub = in->deferred; sub; sub = private_of(sub)->next_deferred)
		if (sub->interval_tree.start <= last &&
		    sub->interval_tree.last >= first &&
		    sub->interval_tree.last > *farthest)
			*farthest = sub->interval_tree.last;
	mmun_unlock_restore(&in->lock, &saved);
}

void mmun_intervals_init(struct mmun_intervals *in)
{
	*in = (struct mmun_intervals){ .state = 2ULL << I_SEQ_SHIFT };
}

/*
 * None of them is touched: the child would have its copy of the memory of each.
 * Insertions are prepared anew: the sources run no more.
 */
static void drop_all(struct mmun_intervals *in)
{
	in->generation++;
	in->tree.root = NULL;
	/* A look that the fork() has interrupted may go on in the table. */
	in->filter = (struct mmun_filter){ 0 };
	in->deferred = NULL;
	in->nr_deferred = 0;
	in->used = USED_NEVER;
}

void mmun_intervals_fork_prepare(struct mmun_intervals *in)
{
	mmun_lock(&in->lock);
	mmun_xchg(&in->forking, 1);
}

/* ORDER(interval-fork): see end_locked(). */
void mmun_intervals_fork_parent(struct mmun_intervals *in)
{
	uint64_t state;

	mmun_xchg(&in->forking, 0);
	mmun_unlock(&in->lock);
	state = mmun_load_ordered(&in->state);
	if (is_over(state))
		end_odd(in, state);
}

void mmun_intervals_fork_child(struct mmun_intervals *in, unsigned int active,
			       bool drop)
{
	in->lock.word = 0;
	in->forking = 0;
	in->waiters = 0;
	if (drop)
		drop_all(in);
	in->state = (in->state & ~I_ACTIVE_MASK) | active;
	if (is_over(in->state)) {
		do_deferred(in);
		in->state += I_ODD;
	}
}
