/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_BRACKET_H
#define MMUN_MONITOR_BRACKET_H
/*
 * Start, the call itself, end: what every source that sees a call before it is
 * made does with it.
 *
 * Context: the event path; errno is the call's.
 */

#include "monitor/decode.h"

/* How to make the call; gives what it returns, -1 with errno when it failed. */
struct mmun_call {
	long (*fn)(long, long, long, long, long, long, long);
	bool returns_int;	/* the register's upper half means nothing then */
	long arg[7];
};

static inline long mmun_make_call(const struct mmun_call *call)
{
	long ret = call->fn(call->arg[0], call->arg[1], call->arg[2],
			    call->arg[3], call->arg[4], call->arg[5],
			    call->arg[6]);

	return call->returns_int ? (int)ret : ret;
}

/* Make the call between the start and the end of each span. */
long mmun_bracket(const struct mmun_raw_event *ev, const struct mmun_span *span,
		  unsigned int n, const struct mmun_call *call);

#endif /* MMUN_MONITOR_BRACKET_H */
