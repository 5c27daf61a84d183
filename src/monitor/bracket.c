// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include <sys/mman.h>

#include "base/mutants.h"
#include "base/syscall.h"
#include "monitor/bracket.h"
#include "monitor/uffd.h"

__thread struct mmun_calling mmun_calling
	__attribute__((tls_model("initial-exec")));

/*
 * One operation, one invalidation.  sbrk() calls brk(), a chained foreign hook
 * may call syscall(): both are patched, and both report.  What lies inside a
 * span that is started and not ended, for the same event, has been announced.
 */
static bool announced(const struct mmun_bracket *outer,
		      const struct mmun_span *span)
{
	for (unsigned int i = 0; i < outer->n; i++)
		if (span->start >= outer->span[i].start &&
		    span->end <= outer->span[i].end &&
		    span->event == outer->span[i].event)
			return true;
	return false;
}

/* What was left by a jump lies below us by now, or has been written over. */
static bool is_outer(const struct mmun_bracket *outer,
		     const struct mmun_bracket *self)
{
	return outer > self && mmun_read(&outer->id) == mmun_calling.id &&
	       outer->n <= MMUN_MAX_SPANS;
}

bool mmun_announced(const struct mmun_bracket *self)
{
	const struct mmun_bracket *outer = mmun_calling.bracket;

	if (!is_outer(outer, self))
		return false;
	for (unsigned int i = 0; i < self->n; i++)
		if (!announced(outer, &self->span[i]))
			return false;
	return true;
}

/* What the outer bracket's own call comes to says less than this one. */
long mmun_call_inside(const struct mmun_call *call)
{
	long ret = mmun_make_call(call);

	if (ret != -1)
		mmun_calling.bracket->changed = true;
	return ret;
}

bool mmun_grown_in_place(const struct mmun_raw_event *ev, long *ret_addr)
{
	const unsigned long *arg = ev->arg;

	if (arg[3] != MREMAP_MAYMOVE || !arg[1] || arg[2] <= arg[1])
		return false;
	*ret_addr = mmun_syscall(SYS_mremap, arg[0], arg[1], arg[2], 0);
	return *ret_addr >= 0 || *ret_addr < -4095;
}

/* -- brackets whose call is being made -- */

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define NR_SLOTS 32
#define NR_MASK 0x7fULL
#define CLAIMED NR_MASK
#define COVERED 0x80ULL
#define IN_USE (NR_MASK | COVERED)

/*
 * A slot's state has the number of spans that it holds, or CLAIMED while they
 * are written, and above that a count, so that who looks sees whether it is
 * still what it was.  Who drops an event says so there in the same moment: from
 * then on something has changed, whatever the call itself returns.
 *
 * ORDER(bracket-slot): the starts come before a slot is published, and its
 * withdrawal before the ends.  So whoever drops an event has seen what callbacks
 * did at the start, and the end is yet to come.  It is withdrawn after whoever
 * is reading the call's own event has compared: that was read before the call
 * returned, and the source says by its bit in mmun_unsettled that it is at it.
 */
static uint64_t slot_state[NR_SLOTS] __attribute__((aligned(64)));
static struct mmun_span slot_span[NR_SLOTS][MMUN_MAX_SPANS];
/* The pages below this have been announced; by who reads. */
static unsigned long slot_announced[NR_SLOTS];

/*
 * Of how many of the spans, from the first on, userfaultfd has events while the
 * call is made, one for each page; and nothing else may run in these calls.
 */
static unsigned int spans_of_advice(long advice, const struct mmun_bracket *self)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return self->n;
	}
	return 0;
}

static unsigned int spans_with_events(const struct mmun_raw_event *ev,
				      const struct mmun_bracket *self)
{
	int advice = ev->arg[2];

	switch (ev->nr) {
	case SYS_munmap:
	case SYS_mmap:
	case SYS_mremap:
	case SYS_brk:
		return self->n;
	case SYS_madvise:
		/* Where it is named, not where else it is mapped. */
		if (advice == MADV_REMOVE)
			return self->span[0].start == mmun_untag(ev->arg[0]);
		return spans_of_advice(advice, self);
	case SYS_process_madvise:
		return spans_of_advice((int)ev->arg[3], self);
	}
	return 0;
}

static int claim_slot(void)
{
	unsigned int first = (uintptr_t)&mmun_calling >> 12;

	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		unsigned int slot = (first + i) % NR_SLOTS;
		uint64_t was = mmun_read(&slot_state[slot]);

		if (!(was & IN_USE) &&
		    mmun_cas(&slot_state[slot], &was, was + CLAIMED))
			return slot;
	}
	return -1;
}

int mmun_bracket_publish(const struct mmun_raw_event *ev,
			 const struct mmun_bracket *self,
			 struct mmun_sigmask *saved)
{
	unsigned int n = spans_with_events(ev, self);
	int slot;

	if (!n)
		return -1;
	mmun_block_signals(saved);
	slot = claim_slot();
	if (slot < 0) {
		mmun_restore_signals(saved);
		return -1;
	}
	for (unsigned int i = 0; i < n; i++) {
		mmun_store_release(&slot_span[slot][i].start, self->span[i].start);
		mmun_store_release(&slot_span[slot][i].end, self->span[i].end);
		mmun_store_release(&slot_span[slot][i].event, self->span[i].event);
	}
	mmun_store_release(&slot_announced[slot], 0);
	/* ORDER(bracket-slot): after the starts; pairs with take(). */
	mmun_store_release(&slot_state[slot],
			   mmun_read(&slot_state[slot]) - CLAIMED + n);
	return slot;
}

bool mmun_bracket_withdraw(int slot, const struct mmun_sigmask *saved)
{
	uint64_t was;

	/* ORDER(bracket-slot): pairs with read_events(). */
	if ((mmun_load_acquire(&mmun_unsettled.sources) & (1U << MMUN_SOURCE_UFFD)) &&
	    mmun_sources_are_here())
		mmun_uffd_wait_for_read();
	/* ORDER(bracket-slot): before the ends; pairs with take(). */
	was = mmun_fetch_or(&slot_state[slot], IN_USE);
	mmun_store_release(&slot_state[slot], (was | IN_USE) + 1);
	mmun_restore_signals(saved);
	return (was & COVERED) && !MMUN_BREAK(BRACKET_UNSAID);
}

static bool span_covers(const struct mmun_span *span, unsigned long start,
			unsigned long end, enum mmu_notifier_event event)
{
	return mmun_load_acquire(&span->start) <= start &&
	       mmun_load_acquire(&span->end) >= end &&
	       mmun_load_acquire(&span->event) == event;
}

static bool spans_cover(int slot, unsigned int n, unsigned long start,
			unsigned long end, enum mmu_notifier_event event)
{
	for (unsigned int i = 0; i < n; i++)
		if (span_covers(&slot_span[slot][i], start, end, event))
			return true;
	return false;
}

/* ORDER(bracket-slot): if it stayed what it was; and no end before this is seen. */
static bool take(int slot, uint64_t state)
{
	return mmun_cas(&slot_state[slot], &state, state | COVERED);
}

/*
 * What is announced is yet to be done, and what somebody else has announced may
 * be done after the end.  Whose it is nobody can tell, but of two that are about
 * the same page one is somebody else's; and when the second is told, both are
 * over.
 */
static bool slot_covers(int slot, unsigned long start, unsigned long end,
			enum mmu_notifier_event event)
{
	/* ORDER(bracket-slot): pairs with mmun_bracket_publish(). */
	uint64_t state = mmun_load_acquire(&slot_state[slot]);
	unsigned int n = state & NR_MASK;

	if (n == CLAIMED || !spans_cover(slot, n, start, end, event))
		return false;
	if (event != MMU_NOTIFY_CLEAR || MMUN_BREAK(BRACKET_TWICE))
		return take(slot, state);
	if (start < mmun_load_acquire(&slot_announced[slot]) ||
	    !take(slot, state))
		return false;
	mmun_write(&slot_announced[slot], end);
	return true;
}

/* Context: who reads events, before it lets others read. */
bool mmun_bracket_covers(unsigned long start, unsigned long end,
			 enum mmu_notifier_event event)
{
	for (int slot = 0; slot < NR_SLOTS; slot++)
		if (slot_covers(slot, start, end, event))
			return true;
	return false;
}

void mmun_brackets_fork_child(void)
{
	memset(slot_state, 0, sizeof(slot_state));
}
