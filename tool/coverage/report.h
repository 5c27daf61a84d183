/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_REPORT_H
#define COVERAGE_REPORT_H
/*
 * What one process, which performs one operation under one source, leaves behind.
 * It lies in memory shared with the parent, for the process may not live to tell.
 */

#include <stdbool.h>
#include <stdint.h>

enum stage {
	STAGE_NEW,
	STAGE_NO_SOURCE,	/* the source does not start; see reason */
	STAGE_NO_SETUP,		/* the operation is not to be had; see reason */
	STAGE_READY,
	STAGE_PERFORMING,
	STAGE_DONE,
};

enum pin {
	PIN_NONE,
	PIN_REFERENCE,	/* vmsplice() into a pipe */
	PIN_LONGTERM,	/* a registered buffer of io_uring */
};

enum truth {
	TRUTH_UNKNOWN,
	TRUTH_SAME,	/* the page is still behind its address */
	TRUTH_LOST,	/* nothing is */
	TRUTH_MOVED,	/* another page is */
};

struct report {
	uint32_t stage;
	uint32_t pin;
	uint32_t truth;
	int32_t blind;		/* mmun_coverage() before the operation */
	uint32_t patched;	/* the source "entries" runs */
	int64_t result;		/* of the operation; a negative errno */
	int32_t error;		/* errno after it, 0 before */

	/* Events that cover the page while the operation runs. */
	uint32_t before;	/* the old page was still there */
	uint32_t after;
	uint32_t unflagged;	/* the first of all, and without MMUN_RANGE_AFTER */
	uint32_t released;	/* calls of ->release */

	uint32_t told;		/* a cache dropped its entry; when is not known */
	uint32_t refused;	/* the source won't look at such memory */

	/* How it ended; the parent's. */
	uint32_t hung;
	uint32_t signal;

	char reason[200];
	char state[400];	/* of the sources that a source consists of */
};

#endif /* COVERAGE_REPORT_H */
