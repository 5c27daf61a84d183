/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CORE_INTERVALS_H
#define MMUN_CORE_INTERVALS_H
/*
 * The intervals of an mm, and the sequence of its invalidations.  They are a tree,
 * and a filter that says of most ranges that they hit nobody (both: the tree).
 *
 * One word says it all: how many ranges are between start and end; the sequence,
 * odd while one of them has hit somebody; and, for those who hold the lock,
 * whether the tree is being changed, and whether changes were put off.
 *
 *	start		count in; look; hit: odd; call them, in the order of the
 *			tree, which stays as it is while the sequence is odd
 *	end		count out; the last one, if odd: do what was put off, even
 *			again, wake who waits
 *	insert, remove	at once; while odd put off until the last end
 *
 * Ranges look without a lock, and wait for nobody: they may be interrupted by a
 * signal handler that does whatever it likes.  Who finds that the tree is being
 * changed, or has been, takes the lock and looks again; under it signals are
 * blocked, and nothing is waited for.
 *
 * ORDER(interval-look): a range is counted before it looks, and whoever changes
 * the tree says so before he asks who is counted.  So the range sees him and
 * takes the lock; or he sees the range, and after he has taken something out
 * waits until nobody looks who might stand on it.
 *
 * ORDER(interval-odd): start sets odd before its callbacks set the subscription's
 * sequence; pairs with read_begin(), which reads the subscription's first.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/interval_filter.h"
#include "base/interval_tree.h"
#include "base/lock.h"
#include "base/srcu.h"

struct mmu_interval_notifier;
struct mmu_notifier_range;
struct mm_struct;

struct mmun_intervals {
	uint64_t state;		/* I_*: see above */
	uint32_t version;	/* of the tree; odd while it changes */
	uint32_t used;		/* USED_*: does a range have to ask? */
	struct mmun_interval_tree tree;
	struct mmun_filter filter;	/* where in the tree nothing is */
	struct mmun_srcu *looks;	/* sections of who looks */
	struct mmun_srcu *calls;	/* ... and of who calls */
	uint32_t waiters;	/* for another sequence ... */
	uint32_t changes;	/* ... a futex */
	struct mmun_lock lock;	/* of whoever changes the tree */
	uint32_t forking;	/* held for fork(), and nothing is changed */
	uint32_t generation;	/* changes where a fork()ed child has dropped all */
	struct mmu_interval_notifier *deferred;	/* newest first */
	uint32_t nr_deferred;
};

enum {
	USED_NEVER,
	USED_OVER,	/* the mm was released: nobody is told any more */
	USED_COUNTING,	/* ranges are counted from now on, there may be others yet */
	USED_READY,	/* they have ended */
};

#define I_ACTIVE 1ULL
#define I_ACTIVE_MASK 0xffffffULL
#define I_CHANGING (1ULL << 24)
#define I_DEFERRED (1ULL << 25)
#define I_SEQ_SHIFT 26
#define I_ODD (1ULL << I_SEQ_SHIFT)	/* adding it makes the next sequence */

/* Of a new mm. */
void mmun_intervals_init(struct mmun_intervals *in);

/* Does a range have to ask? Context: any. */
static inline bool mmun_has_intervals(const struct mmun_intervals *in)
{
	return mmun_load_acquire(&in->used) > USED_OVER;
}

/* ... and is every range counted that is in flight?  Context: any. */
static inline bool mmun_intervals_ready(const struct mmun_intervals *in)
{
	return mmun_load_acquire(&in->used) == USED_READY;
}

/* Count a range.  In a section of in->looks.  Return: the first hit, or NULL. */
struct mmun_interval *mmun_intervals_begin(struct mmun_intervals *in,
					   unsigned long start,
					   unsigned long end);
/* Call those that it hits.  In a walk.  Return: 0, or -EAGAIN if one refused. */
int mmun_intervals_call(struct mmun_interval *first,
			const struct mmu_notifier_range *range);
/* A range that was counted ends.  Context: any. */
void mmun_intervals_end(struct mmun_intervals *in);
/* Does anybody's interval overlap [start, last]?  Context: not in a callback. */
bool mmun_intervals_overlap(struct mmun_intervals *in, unsigned long start,
			    unsigned long last);
/* Those that overlap [first, last] reach so far, if that is farther.  As above. */
void mmun_intervals_reach(struct mmun_intervals *in, unsigned long first,
			  unsigned long last, unsigned long *farthest);
/* fork() holds the tree still.  Context: pthread_atfork() handlers. */
void mmun_intervals_fork_prepare(struct mmun_intervals *in);
void mmun_intervals_fork_parent(struct mmun_intervals *in);
/* In a fork()ed child, where only so many ranges are active; @drop: nobody stays. */
void mmun_intervals_fork_child(struct mmun_intervals *in, unsigned int active,
			       bool drop);

#endif /* MMUN_CORE_INTERVALS_H */
