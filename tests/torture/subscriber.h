/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_TORTURE_SUBSCRIBER_H
#define TESTS_TORTURE_SUBSCRIBER_H
/*
 * Subscribers that check, in each callback, that it may happen.
 *
 * Freed ones are poisoned and kept for a while, so that a callback that comes
 * too late finds the poison; see quarantine().
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mmunotify/mmu_notifier.h>

/* What must not happen, counted. */
enum violation {
	LATE_CALLBACK,		/* on a subscriber that was freed */
	TOO_OLD,		/* freed while a callback or a user held it */
	END_WITHOUT_START,
	START_WITHOUT_END,	/* for one that stays registered */
	MISSED_START,		/* registered amid a range it knows nothing of */
	FREED_TWICE,
	RELEASED_TWICE,
	NOT_RELEASED,
	WRONG_RESULT,		/* of a call */
	CHILD_FAILED,
	VIOLATIONS
};

extern const char *const violation_names[VIOLATIONS];
extern atomic_ulong violations[VIOLATIONS];

static inline void violate(enum violation v)
{
	atomic_fetch_add(&violations[v], 1);
}

/*
 * Age of what somebody holds, in grace periods since it was put:
 * 0: registered; 1: put, its grace period is not over; 2: freed; and then one
 * more for each grace period since.  From 2 on is a violation.
 */
#define AGES 8
extern atomic_ulong held_in_callback[AGES], held_by_user[AGES];
extern atomic_ulong grace_periods;

/* A range of a software mm, and who saw its start. */
#define MAX_SAW 256

struct seen {
	atomic_uint count;
	_Atomic uint64_t id[MAX_SAW];	/* 0: has seen the end */
	unsigned int depth[MAX_SAW];	/* fork() has many ranges at once */
};

struct torture_range {
	struct mmu_notifier_range range;
	struct seen seen;
};

struct subscriber {
	struct mmu_notifier mn;
	atomic_uint state;		/* ALIVE, or POISON */
	atomic_uint released;
	atomic_ulong freed_at;		/* in grace_periods */
	uint64_t id;			/* unique, from 1 on */
};

/*
 * Kinds of ops.  Shared ones are for mmu_notifier_get(); the first ANCHORS of
 * them are held all the time by the main thread.
 */
#define SHARED 10
#define ANCHORS 4
extern const struct mmu_notifier_ops shared_ops[SHARED];
extern const struct mmu_notifier_ops own_ops;	/* for register */

extern atomic_ulong allocated, freed;
extern atomic_ulong self_events;	/* starts heard of mm_self() */

/* What alloc_notifier made last, for this thread; or NULL. */
extern __thread struct subscriber *made_last;

struct subscriber *new_subscriber(const struct mmu_notifier_ops *ops);
/* After unregister: as free_notifier. */
void free_subscriber(struct subscriber *sub);
/* A user looks at what it holds. */
void look_at(struct subscriber *sub);
bool saw(const struct seen *seen, uint64_t id);
/* The ids below are those of subscribers that stay all the time. */
extern uint64_t first_transient_id;
void check_ended(struct torture_range *r);
/* What this thread's calls did to mm_self() before is of no interest now. */
void forget_self_events(void);
/* In a child of fork(): the other threads and their locks are gone. */
void subscribers_after_fork(void);
/* All that is kept for a while; nothing runs any more. */
void empty_quarantine(void);

#endif /* TESTS_TORTURE_SUBSCRIBER_H */
