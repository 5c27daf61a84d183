/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_EVENTS_H
#define COVERAGE_EVENTS_H
/* The events that a source tells while the operation runs. */

#include <stdbool.h>

#include "report.h"

void events_begin(struct report *report, const char *victim);
void events_end(void);

/*
 * [start, end) is gone or going; @says_after: the source admits that it may be
 * late.  Context: a callback.
 */
void event_seen(unsigned long start, unsigned long end, bool says_after);
void event_release(void);

#endif /* COVERAGE_EVENTS_H */
