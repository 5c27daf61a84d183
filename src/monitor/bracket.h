/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_BRACKET_H
#define MMUN_MONITOR_BRACKET_H
/*
 * Decode, start, the call itself, end: what every source that sees a call before
 * it is made does with it.
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

/* Make the call between the start and the end of each range that it changes. */
long mmun_bracket(const struct mmun_raw_event *ev, const struct mmun_call *call);

#endif /* MMUN_MONITOR_BRACKET_H */
