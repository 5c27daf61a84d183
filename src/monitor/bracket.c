// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sys/mman.h>

#include "base/syscall.h"
#include "monitor/bracket.h"

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

bool mmun_grown_in_place(const struct mmun_raw_event *ev)
{
	const unsigned long *arg = ev->arg;

	return arg[3] == MREMAP_MAYMOVE && arg[1] &&
	       arg[2] > arg[1] &&
	       mmun_syscall(SYS_mremap, arg[0], arg[1], arg[2], 0) == (long)arg[0];
}
