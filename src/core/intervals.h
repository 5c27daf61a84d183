/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CORE_INTERVALS_H
#define MMUN_CORE_INTERVALS_H
/*
 * The intervals of an mm, and how many ranges are active.
 *
 * One word says it all: ranges between start and end, those of them that look
 * into the tree at this moment, whether one of them has hit somebody (then the
 * sequence is odd), and whether somebody changes the tree.  Whoever changes it
 * comes in only while nobody looks, with signals blocked and nothing to wait for;
 * whoever wants to look meanwhile waits for his lock.
 *
 *	start		count in and look; hit: odd; count out of those who look;
 *			call them, in the order of the tree, which stays as it is
 *			while the sequence is odd
 *	end		count out; the last one, if odd: what was put off is done,
 *			even again, wake who waits
 *	insert, remove	at once; while odd put off until the last end
 *
 * ORDER(interval-odd): start sets odd before its callbacks set the subscription's
 * sequence, and the last end advances the sequence before it clears odd; pairs
 * with read_begin(), which reads the subscription's first.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/interval_tree.h"
#include "base/lock.h"

struct mmu_interval_notifier;
struct mmu_notifier_range;
struct mm_struct;

struct mmun_intervals {
	uint64_t state;		/* I_*: see above */
	unsigned long seq;	/* even; cur_seq is one more */
	uint32_t used;		/* USED_*: does a range have to ask? */
	uint32_t changes;	/* of the sequence; a futex */
	struct mmun_interval_tree tree;
	struct mmun_lock lock;	/* of whoever changes the tree */
	uint32_t generation;	/* changes where a fork()ed child has dropped all */
	struct mmu_interval_notifier *deferred;	/* newest first */
};

enum {
	USED_NEVER,
	USED_COUNTING,	/* ranges are counted from now on, there may be others yet */
	USED_READY,	/* they have ended */
};

#define I_ACTIVE 1ULL
#define I_ACTIVE_MASK 0xffffffULL
#define I_LOOKING (1ULL << 24)
#define I_LOOKING_MASK (0xffffffULL << 24)
#define I_CHANGING (1ULL << 48)
#define I_ODD (1ULL << 49)

/* Of a new mm. */
void mmun_intervals_init(struct mmun_intervals *in);

/* Does a range have to ask? Context: any. */
static inline bool mmun_has_intervals(const struct mmun_intervals *in)
{
	return mmun_load_acquire(&in->used);
}

/* ... and is every range counted that is in flight?  Context: any. */
static inline bool mmun_intervals_ready(const struct mmun_intervals *in)
{
	return mmun_load_acquire(&in->used) == USED_READY;
}

/* Count a range.  In a walk.  Return: the first that it hits, or NULL. */
struct mmun_interval *mmun_intervals_begin(struct mmun_intervals *in,
					   unsigned long start,
					   unsigned long end);
/* Call those that it hits.  Return: 0, or -EAGAIN if one refused. */
int mmun_intervals_call(struct mmun_interval *first,
			const struct mmu_notifier_range *range);
/* A range that was counted ends.  Context: any. */
void mmun_intervals_end(struct mmun_intervals *in);
/* Does anybody's interval overlap [start, last]?  Context: not in a callback. */
bool mmun_intervals_overlap(struct mmun_intervals *in, unsigned long start,
			    unsigned long last);
/* In a fork()ed child, where only so many ranges are active; @drop: nobody stays. */
void mmun_intervals_fork_child(struct mmun_intervals *in, unsigned int active,
			       bool drop);

#endif /* MMUN_CORE_INTERVALS_H */
