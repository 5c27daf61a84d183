/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_BRACKET_H
#define MMUN_MONITOR_BRACKET_H
/*
 * Decode, start, the call itself, end: what every source that sees a call
 * before it is made does with it.
 *
 * Inline, as the kernel leaves the processor's stack of return addresses in
 * disorder: each frame between the system call and the program costs a
 * mispredicted return, which is more than all the rest.
 *
 * Context: the event path; errno is the call's.
 */

#include <errno.h>

#include "base/atomic.h"
#include "base/export.h"
#include "base/lock.h"
#include "base/mutants.h"
#include "monitor/decode.h"
#include "monitor/watch.h"

/* mm_self(), which is made before anything is watched. */
extern struct mm_struct mmun_self __attribute__((visibility("hidden")));

/* How to make the call; gives what it returns, -1 with errno when it failed. */
struct mmun_call {
	long (*fn)(long, long, long, long, long, long, long);
	bool returns_int;	/* the register's upper half means nothing then */
	bool foreign;		/* it leads to somebody else, who is to see it all */
	long arg[7];
};

static inline __attribute__((always_inline)) long
mmun_make_call(const struct mmun_call *call)
{
	long ret = call->fn(call->arg[0], call->arg[1], call->arg[2],
			    call->arg[3], call->arg[4], call->arg[5],
			    call->arg[6]);

	return call->returns_int ? (int)ret : ret;
}

/*
 * The bracket whose call is being made in this thread: between its starts and
 * its ends, and not inside a callback of either.  It is on the stack, and says
 * by its number that it is still there: a signal handler may have jumped away.
 */
struct mmun_bracket {
	uint64_t id;
	bool changed;		/* by a call inside of it, or beside, for certain */
	unsigned int n;
	struct mmun_span span[MMUN_MAX_SPANS];
};

struct mmun_calling {
	struct mmun_bracket *bracket;
	uint64_t id;		/* of that bracket */
	uint64_t last_id;
};

extern __thread struct mmun_calling mmun_calling
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Have subscribers been told of all this, by the bracket that we are in? */
bool mmun_announced(const struct mmun_bracket *self);
/* Make that one's call, which is inside of another. */
long mmun_call_inside(const struct mmun_call *call);

/*
 * Brackets whose call is being made, for a source that tells afterwards: it
 * drops what one of them covers, for the subscriber has had the start of it,
 * and the end is yet to come.  There are some, and only where something is
 * watched; a call that finds no room is told twice.
 *
 * A signal handler that jumps out of the call would leave the bracket there for
 * good, so signals are blocked: these calls take microseconds anyway.
 *
 * Return: where it is, or -1.
 */
int mmun_bracket_publish(const struct mmun_raw_event *ev,
			 const struct mmun_bracket *self,
			 struct mmun_sigmask *saved);
/* Return: has anything been dropped on its account? */
bool mmun_bracket_withdraw(int slot, const struct mmun_sigmask *saved);
bool mmun_bracket_covers(unsigned long start, unsigned long end,
			 enum mmu_notifier_event event);
void mmun_brackets_fork_child(void);

/* Could anything that is watched be in it? */
static inline bool mmun_bracket_matters(const struct mmun_bracket *self)
{
	for (unsigned int i = 0; i < self->n; i++)
		if (mmun_may_be_watched(self->span[i].start, self->span[i].end))
			return true;
	return false;
}

/*
 * Growing a mapping moves it or not, and only the kernel knows.  In place
 * nothing is invalidated: so that is tried first, as the kernel itself does.
 */
bool mmun_grown_in_place(const struct mmun_raw_event *ev, long *ret_addr);

static inline void mmun_end_range(struct mmu_notifier_range *range,
				  bool unchanged)
{
	if (unchanged)
		range->flags |= MMUN_RANGE_UNCHANGED;
	else
		mmu_notifier_arch_invalidate_secondary_tlbs(range->mm,
							    range->start,
							    range->end);
	mmu_notifier_invalidate_range_end(range);
}

/* Make the call between the start and the end of each range in @self. */
static inline __attribute__((always_inline)) long
mmun_bracket_spans(const struct mmun_raw_event *ev, const struct mmun_call *call,
		   struct mmun_bracket *self)
{
	struct mmu_notifier_range range[MMUN_MAX_SPANS];
	struct mmun_calling outer = mmun_calling;
	struct mmun_sigmask saved;
	bool unchanged;
	int slot = -1;
	long ret;

	if (!self->n)
		return mmun_make_call(call);
	if (mmun_unlikely(outer.bracket) && mmun_announced(self))
		return mmun_call_inside(call);
	if (MMUN_BREAK(BRACKET_EARLY))
		slot = mmun_bracket_publish(ev, self, &saved);
	for (unsigned int i = 0; i < self->n; i++) {
		mmu_notifier_range_init(&range[i], self->span[i].event,
					self->span[i].flags, &mmun_self,
					self->span[i].start, self->span[i].end);
		mmu_notifier_invalidate_range_start(&range[i]);
	}
	self->changed = false;
	mmun_write(&self->id, ++mmun_calling.last_id);
	mmun_calling.id = self->id;
	mmun_write(&mmun_calling.bracket, self);
	mmun_barrier();
	if (mmun_is_watching() && mmun_bracket_matters(self) &&
	    !MMUN_BREAK(BRACKET_EARLY))
		slot = mmun_bracket_publish(ev, self, &saved);
	ret = mmun_make_call(call);
	if (mmun_unlikely(slot >= 0) && !MMUN_BREAK(BRACKET_LATE) &&
	    mmun_bracket_withdraw(slot, &saved))
		self->changed = true;
	mmun_barrier();
	mmun_write(&mmun_calling.bracket, outer.bracket);
	mmun_calling.id = outer.id;
	mmun_write(&self->id, 0);
	unchanged = ret == -1 && !self->changed && mmun_unchanged(ev, errno);
	for (unsigned int i = 0; i < self->n; i++)
		mmun_end_range(&range[i], unchanged);
	if (MMUN_BREAK(BRACKET_LATE) && slot >= 0)
		mmun_bracket_withdraw(slot, &saved);
	return ret;
}

static inline __attribute__((always_inline)) long
mmun_bracket(const struct mmun_raw_event *ev, const struct mmun_call *call)
{
	struct mmun_bracket self;
	long grown;

	if (ev->nr == SYS_mremap && !call->foreign &&
	    mmun_grown_in_place(ev, &grown))
		return grown;
	self.n = mmun_decode(ev, self.span);
	return mmun_bracket_spans(ev, call, &self);
}

#endif /* MMUN_MONITOR_BRACKET_H */
