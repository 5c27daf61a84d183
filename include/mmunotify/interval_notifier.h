/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_INTERVAL_NOTIFIER_H
#define MMUNOTIFY_INTERVAL_NOTIFIER_H
/**
 * DOC: interval notifiers
 *
 * A subscriber to one part of an address space, which mirrors what is mapped
 * there: it reads the translation, then makes it usable, unless an invalidation
 * came in between.  A sequence number tells:
 *
 *	again:
 *		seq = mmu_interval_read_begin(&sub);
 *		... find the pages; may sleep, allocate, pin ...
 *		lock(my);
 *		if (mmu_interval_read_retry(&sub, seq)) {
 *			unlock(my);
 *			... drop them ...
 *			goto again;
 *		}
 *		... publish them ...
 *		unlock(my);
 *
 *	->invalidate(sub, range, cur_seq):
 *		lock(my);
 *		mmu_interval_set_seq(sub, cur_seq);
 *		... unpublish what is in the range ...
 *		unlock(my);
 *		return true;
 *
 * An interval is inserted and removed in O(log n), on average, without a wait unless
 * its address space is being invalidated; an invalidation costs O(log n) and what it
 * hits.  Interval notifiers hear of a range before all others, in the order of
 * their addresses, and have no end: a range that hits keeps readers waiting, or
 * retrying, until it ends.
 *
 * On mm_self() an interval declares interest in its range, as mmun_watch() does:
 * that costs a look at the mappings.  What a source tells only afterwards
 * (MMUN_RANGE_AFTER) is told when mmu_interval_read_begin() returns to who calls it
 * after the event; a lookup in what has been published begins with
 * mmun_settle().
 *
 * When the address space is released, intervals are told of MMU_NOTIFY_RELEASE
 * before every ->release, and of MMU_NOTIFY_UNMAP after them, both of everything;
 * then of nothing.  They are still to be removed.  A fork()ed child's mm_self()
 * has none; what it inherited is to be removed before it is inserted again.
 *
 * Semantics are those of Linux; doc/contract.md lists the deliberate
 * differences.
 */

#include <mmunotify/mmu_notifier.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmu_interval_notifier;

/**
 * struct mmu_interval_notifier_finish - what a two-pass invalidation hands on
 * @notifier: whose it is; set by the core
 * @mmun_next: the core's
 */
struct mmu_interval_notifier_finish {
	struct mmu_interval_notifier *notifier;
	struct mmu_interval_notifier_finish *mmun_next;
};

/**
 * struct mmu_interval_notifier_ops - what is called when a range is hit
 *
 * Called in the thread that causes the event, in a read section; as all callbacks
 * of mm_self(), possibly inside munmap() or free() and in a signal handler: no
 * allocation, no stdio, no lock that somebody holds while doing so.  Must not
 * call mmu_interval_notifier_remove() or mmu_interval_read_begin().  Ranges may
 * run side by side, and so may the calls for one interval.
 */
struct mmu_interval_notifier_ops {
	/**
	 * @invalidate: [range->start, range->end), which is not clipped,
	 * intersects the interval.  Calls mmu_interval_set_seq() with @cur_seq
	 * under the lock that readers take, and drops what it keeps of the
	 * range.  Return: true.  False, without having set the sequence, if the
	 * range is not blockable (mmu_notifier_range_blockable()) and it would
	 * have to wait: the range is then refused.
	 */
	bool (*invalidate)(struct mmu_interval_notifier *interval_sub,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq);
	/**
	 * @invalidate_start: instead of @invalidate, in two passes: begin, and
	 * leave in *@finish, NULL on entry, what @invalidate_finish is to be
	 * called with, if anything, when all others have begun too.  It is the
	 * core's until then: for another range meanwhile leave another one, or
	 * none.
	 */
	bool (*invalidate_start)(struct mmu_interval_notifier *interval_sub,
				 const struct mmu_notifier_range *range,
				 unsigned long cur_seq,
				 struct mmu_interval_notifier_finish **finish);
	/** @invalidate_finish: the second pass, in the order of the first. */
	void (*invalidate_finish)(struct mmu_interval_notifier_finish *finish);
};

/**
 * struct mmu_interval_notifier - a subscription to a range
 * @interval_tree: the range, both ends inclusive
 * @mm: the address space
 * @ops: what is called
 * @invalidate_seq: of the last invalidation that hit it; see
 *	mmu_interval_set_seq()
 * @mmun_private: the core's; need not be initialised
 */
struct mmu_interval_notifier {
	struct {
		unsigned long start;
		unsigned long last;
	} interval_tree;
	struct mm_struct *mm;
	const struct mmu_interval_notifier_ops *ops;
	unsigned long invalidate_seq;
	uint64_t mmun_private[13];
};

/**
 * mmu_interval_notifier_insert() - subscribe to a range
 * @interval_sub: memory of the caller's, until mmu_interval_notifier_remove()
 * @mm: mm_self(), or a software mm
 * @start: first byte
 * @length: how many bytes
 * @ops: static
 *
 * Holds mm_count until it is removed.  While the address space is being
 * invalidated the subscription takes effect when that ends; readers wait for it.
 * On failure nothing of @interval_sub is changed.
 *
 * Context: as mmu_notifier_register() for the first one of an address space; for
 * later ones, on a software mm, a short lock, also in callbacks; outside of them now
 * and then system calls for memory.  Not in a signal handler.
 * Ordering: when the first one returns, no range is in flight that began before,
 * except those that the calling thread itself has started.
 * Return: 0; -EOVERFLOW for an empty range, or one that goes beyond the last
 *         address; -EINVAL for NULL, a subscription that is in use, ops without
 *         ->invalidate, ->invalidate_start without ->invalidate_finish, or an mm
 *         that was released (the last two warn); -EDEADLK in a callback, for the
 *         first one or on mm_self(), and for the first one with the mmap lock
 *         held for writing; or the errors of mmu_notifier_register().
 * Source: Linux mm/mmu_notifier.c.
 */
int mmu_interval_notifier_insert(struct mmu_interval_notifier *interval_sub,
				 struct mm_struct *mm, unsigned long start,
				 unsigned long length,
				 const struct mmu_interval_notifier_ops *ops);

/**
 * mmu_interval_notifier_insert_locked() - the same with the mmap lock held
 * @interval_sub: as for mmu_interval_notifier_insert()
 * @mm: its mmap lock held for writing by the caller
 * @start: first byte
 * @length: how many bytes
 * @ops: static
 *
 * Context: as mmu_interval_notifier_insert(), with the mmap lock held.
 * Return: as mmu_interval_notifier_insert(); -EINVAL and a warning without the
 *         lock held for writing.
 * Source: Linux mm/mmu_notifier.c.
 */
int mmu_interval_notifier_insert_locked(
	struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
	unsigned long start, unsigned long length,
	const struct mmu_interval_notifier_ops *ops);

/**
 * mmu_interval_notifier_remove() - end a subscription
 * @interval_sub: inserted; anything else warns, and nothing happens
 *
 * When it returns no callback of @interval_sub runs, and none will.  While a range
 * is active that has hit any interval of the address space, be it elsewhere, it
 * waits until the last active one ends.  Needed after the address space was
 * released, too.
 *
 * Context: sleeps; not in a callback of the address space (warns, and nothing
 * happens), nor inside a range that the calling thread has started itself and that
 * hit somebody, nor with a lock that ->invalidate takes, nor in a signal handler.
 * Source: Linux mm/mmu_notifier.c.
 */
void mmu_interval_notifier_remove(struct mmu_interval_notifier *interval_sub);

/**
 * mmu_interval_read_begin() - begin to read translations
 * @interval_sub: inserted
 *
 * Waits until an invalidation that has hit @interval_sub ends.
 *
 * Context: sleeps; as mmu_interval_notifier_remove(): where it would have to wait
 * in a callback it warns, and what it returns is sure to be retried.  On
 * mm_self() it begins with mmun_settle().
 * Return: what mmu_interval_read_retry() is to be asked with.
 */
unsigned long
mmu_interval_read_begin(struct mmu_interval_notifier *interval_sub);

/**
 * mmu_interval_set_seq() - note that an invalidation has hit
 * @interval_sub: the subscription that ->invalidate() was called for
 * @cur_seq: what it was called with
 *
 * Context: ->invalidate(), under the lock that mmu_interval_read_retry() is
 * called under; whenever it returns true.
 */
static inline void
mmu_interval_set_seq(struct mmu_interval_notifier *interval_sub,
		     unsigned long cur_seq)
{
	__atomic_store_n(&interval_sub->invalidate_seq, cur_seq,
			 __ATOMIC_RELEASE);
}

/**
 * mmu_interval_read_retry() - has an invalidation come in between?
 * @interval_sub: the subscription
 * @seq: from mmu_interval_read_begin()
 *
 * Context: under the lock that ->invalidate() takes.
 * Return: true if what was read since may be stale.
 */
static inline bool
mmu_interval_read_retry(struct mmu_interval_notifier *interval_sub,
			unsigned long seq)
{
	return __atomic_load_n(&interval_sub->invalidate_seq,
			       __ATOMIC_RELAXED) != seq;
}

/**
 * mmu_interval_check_retry() - the same as a hint, without the lock
 * @interval_sub: the subscription
 * @seq: from mmu_interval_read_begin()
 *
 * Context: any.
 * Return: true if mmu_interval_read_retry() is sure to be; false proves nothing.
 */
static inline bool
mmu_interval_check_retry(struct mmu_interval_notifier *interval_sub,
			 unsigned long seq)
{
	return __atomic_load_n(&interval_sub->invalidate_seq,
			       __ATOMIC_RELAXED) != seq;
}

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_INTERVAL_NOTIFIER_H */
