// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include <sys/mman.h>

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

#define NR_SLOTS 32
#define NR_MASK 0xff
#define CLAIMED NR_MASK

/*
 * A slot's state has the number of spans that it holds, or CLAIMED while they
 * are written, and above that a count, so that who looks sees whether it is
 * still what it was.
 *
 * ORDER(bracket-slot): a slot is published before the call, and a call's event
 * is read after it was made, by way of the kernel's locks.  It is withdrawn
 * after whoever is reading has compared: the event was read before the call
 * returned, and the source says by its bit in mmun_unsettled that it is at it.
 */
static uint64_t slot_state[NR_SLOTS] __attribute__((aligned(64)));
static struct mmun_span slot_span[NR_SLOTS][MMUN_MAX_SPANS];
/* Of one that covered something; the order is that of its state. */
static bool slot_hit[NR_SLOTS];

/* Those that userfaultfd has events of; and nothing else may run in them. */
static bool is_mapping_call(long nr)
{
	return nr == SYS_munmap || nr == SYS_mmap || nr == SYS_mremap ||
	       nr == SYS_madvise || nr == SYS_process_madvise || nr == SYS_brk;
}

static bool may_matter(const struct mmun_bracket *self)
{
	for (unsigned int i = 0; i < self->n; i++)
		if (mmun_may_be_watched(self->span[i].start, self->span[i].end))
			return true;
	return false;
}

static int claim_slot(void)
{
	unsigned int first = (uintptr_t)&mmun_calling >> 12;

	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		unsigned int slot = (first + i) % NR_SLOTS;
		uint64_t was = mmun_read(&slot_state[slot]);

		if (!(was & NR_MASK) &&
		    mmun_cas(&slot_state[slot], &was, was + CLAIMED))
			return slot;
	}
	return -1;
}

int mmun_bracket_publish(const struct mmun_raw_event *ev,
			 const struct mmun_bracket *self,
			 struct mmun_sigmask *saved)
{
	int slot;

	if (!is_mapping_call(ev->nr) || !may_matter(self))
		return -1;
	mmun_block_signals(saved);
	slot = claim_slot();
	if (slot < 0) {
		mmun_restore_signals(saved);
		return -1;
	}
	mmun_write(&slot_hit[slot], false);
	for (unsigned int i = 0; i < self->n; i++) {
		mmun_store_release(&slot_span[slot][i].start, self->span[i].start);
		mmun_store_release(&slot_span[slot][i].end, self->span[i].end);
		mmun_store_release(&slot_span[slot][i].event, self->span[i].event);
	}
	/* ORDER(bracket-slot) */
	mmun_store_release(&slot_state[slot],
			   slot_state[slot] - CLAIMED + self->n);
	return slot;
}

bool mmun_bracket_withdraw(int slot, const struct mmun_sigmask *saved)
{
	uint64_t state = mmun_read(&slot_state[slot]);
	bool hit;

	/* ORDER(bracket-slot) */
	if ((mmun_load_acquire(&mmun_unsettled) & (1U << MMUN_SOURCE_UFFD)) &&
	    mmun_sources_are_here())
		mmun_uffd_wait_for_read();
	hit = mmun_read(&slot_hit[slot]);
	mmun_store_release(&slot_state[slot], (state | NR_MASK) + 1);
	mmun_restore_signals(saved);
	return hit;
}

static bool span_covers(const struct mmun_span *span, unsigned long start,
			unsigned long end, enum mmu_notifier_event event)
{
	return mmun_load_acquire(&span->start) <= start &&
	       mmun_load_acquire(&span->end) >= end &&
	       mmun_load_acquire(&span->event) == event;
}

/* Context: who reads events, before it lets others read. */
bool mmun_bracket_covers(unsigned long start, unsigned long end,
			 enum mmu_notifier_event event)
{
	for (int slot = 0; slot < NR_SLOTS; slot++) {
		/* ORDER(bracket-slot): and again below, to see that it stayed. */
		uint64_t state = mmun_load_acquire(&slot_state[slot]);
		unsigned int n = state & NR_MASK;

		for (unsigned int i = 0; n != CLAIMED && i < n; i++)
			if (span_covers(&slot_span[slot][i], start, end, event) &&
			    mmun_load_acquire(&slot_state[slot]) == state) {
				mmun_write(&slot_hit[slot], true);
				return true;
			}
	}
	return false;
}

void mmun_brackets_fork_child(void)
{
	memset(slot_state, 0, sizeof(slot_state));
}
