/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_RUNNER_H
#define COVERAGE_RUNNER_H
/* Runs the processes, some at a time, each for no longer than it may. */

#include <stdbool.h>
#include <stddef.h>

#include "observer.h"
#include "report.h"

struct job {
	int row;	/* or PROBE_ROW */
	const struct observer *observer;
	struct report *report;
};

struct runner {
	bool unprivileged;
	bool verbose;		/* what they print is shown */
	int fd;
	struct report *reports;
	struct job *jobs;
	size_t nr_jobs;
	size_t room;
};

/* Return: 0, or a negative errno. */
int runner_open(struct runner *r, size_t room);
struct report *runner_add(struct runner *r, int row, const struct observer *o);
/* Run those from @first on, until all have ended. */
void runner_run(struct runner *r, size_t first);

#endif /* COVERAGE_RUNNER_H */
