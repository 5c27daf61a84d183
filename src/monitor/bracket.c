// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/export.h"
#include "base/syscall.h"
#include "monitor/bracket.h"

static inline long make_call(const struct mmun_call *call)
{
	long ret = call->fn(call->arg[0], call->arg[1], call->arg[2],
			    call->arg[3], call->arg[4], call->arg[5],
			    call->arg[6]);

	return call->returns_int ? (int)ret : ret;
}

/*
 * The bracket whose call is being made in this thread: between its starts and
 * its ends, and not inside a callback of either.
 */
struct bracket {
	const struct mmun_span *span;
	unsigned int n;
	struct bracket *outer;
};

static __thread struct bracket *calling __attribute__((tls_model("initial-exec")));

/*
 * One operation, one invalidation.  sbrk() calls brk(), a chained foreign hook
 * may call syscall(): both are patched, and both report.  What lies inside a
 * span that is started and not ended, for the same event, has been announced.
 */
static bool announced(const struct mmun_span *span)
{
	for (struct bracket *b = calling; b; b = b->outer)
		for (unsigned int i = 0; i < b->n; i++)
			if (span->start >= b->span[i].start &&
			    span->end <= b->span[i].end &&
			    span->event == b->span[i].event)
				return true;
	return false;
}

static bool all_announced(const struct mmun_span *span, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!announced(&span[i]))
			return false;
	return true;
}

static long call_inside(const struct mmun_span *span, unsigned int n,
			const struct mmun_call *call)
{
	struct bracket b = { span, n, calling };
	long ret;

	mmun_write(&calling, &b);
	mmun_barrier();
	ret = make_call(call);
	mmun_barrier();
	mmun_write(&calling, b.outer);
	return ret;
}

static void end_range(struct mmu_notifier_range *range, bool unchanged)
{
	if (unchanged)
		range->flags |= MMUN_RANGE_UNCHANGED;
	else
		mmu_notifier_arch_invalidate_secondary_tlbs(range->mm,
							    range->start,
							    range->end);
	mmu_notifier_invalidate_range_end(range);
}

/*
 * Growing a mapping moves it or not, and only the kernel knows.  In place
 * nothing is invalidated: so that is tried first, as the kernel itself does.
 */
static bool grown_in_place(const struct mmun_raw_event *ev)
{
	const unsigned long *arg = ev->arg;

	return ev->nr == SYS_mremap && (int)arg[3] == MREMAP_MAYMOVE && arg[1] &&
	       arg[2] > arg[1] &&
	       mmun_syscall(SYS_mremap, arg[0], arg[1], arg[2], 0) == (long)arg[0];
}

long mmun_bracket(const struct mmun_raw_event *ev, const struct mmun_call *call)
{
	struct mmu_notifier_range range[MMUN_MAX_SPANS];
	struct mmun_span span[MMUN_MAX_SPANS];
	struct mm_struct *mm = mm_self();
	bool unchanged;
	unsigned int n;
	long ret;

	if (mmun_unlikely(grown_in_place(ev)))
		return ev->arg[0];
	n = mmun_decode(ev, span);
	if (!n || (mmun_unlikely(calling) && all_announced(span, n)))
		return make_call(call);
	for (unsigned int i = 0; i < n; i++) {
		mmu_notifier_range_init(&range[i], span[i].event, span[i].flags,
					mm, span[i].start, span[i].end);
		mmu_notifier_invalidate_range_start(&range[i]);
	}
	ret = call_inside(span, n, call);
	unchanged = mmun_unchanged(ev, ret == -1 ? errno : 0);
	for (unsigned int i = 0; i < n; i++)
		end_range(&range[i], unchanged);
	return ret;
}
