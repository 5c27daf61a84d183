/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_RESULTS_H
#define COVERAGE_RESULTS_H
/* All that a run of the table came to, and the ways to say it. */

#include <stdio.h>

#include "observer.h"
#include "rows.h"
#include "verdict.h"

struct column {
	const struct observer *observer;
	const struct report *probe;	/* did it start? */
	struct report **reports;	/* of each row */
	struct tally all;
	struct tally table;		/* of the rows that peers were measured by */
};

struct results {
	bool unprivileged;
	const char *only;	/* rows with this in their names, or NULL */
	size_t nr_rows;
	struct truths *truths;
	struct report **alone;		/* of each row, the page held */
	struct report **plain;		/* and not */
	size_t nr_columns;
	struct column *columns;
};

bool results_has_row(const struct results *all, size_t row);
/* Why it does not run here, or NULL. */
const char *column_error(const struct column *c);
struct judgement results_judge(const struct results *all, size_t row,
			       const struct column *c);
void print_table(FILE *to, const struct results *all);
void print_json(FILE *to, const struct results *all);

#endif /* COVERAGE_RESULTS_H */
