// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sys/mman.h>

#include "base/syscall.h"
#include "monitor/bracket.h"

__thread struct mmun_bracket *mmun_calling
	__attribute__((tls_model("initial-exec")));

/*
 * One operation, one invalidation.  sbrk() calls brk(), a chained foreign hook
 * may call syscall(): both are patched, and both report.  What lies inside a
 * span that is started and not ended, for the same event, has been announced.
 */
static bool announced(const struct mmun_span *span)
{
	for (struct mmun_bracket *b = mmun_calling; b; b = b->outer)
		for (unsigned int i = 0; i < b->n; i++)
			if (span->start >= b->span[i].start &&
			    span->end <= b->span[i].end &&
			    span->event == b->span[i].event)
				return true;
	return false;
}

bool mmun_announced(const struct mmun_span *span, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!announced(&span[i]))
			return false;
	return true;
}

bool mmun_grown_in_place(const struct mmun_raw_event *ev)
{
	const unsigned long *arg = ev->arg;

	return (int)arg[3] == MREMAP_MAYMOVE && arg[1] &&
	       arg[2] > arg[1] &&
	       mmun_syscall(SYS_mremap, arg[0], arg[1], arg[2], 0) == (long)arg[0];
}
