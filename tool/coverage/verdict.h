/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_VERDICT_H
#define COVERAGE_VERDICT_H
/* What the reports of the runs of one row add up to. */

#include "observer.h"
#include "report.h"
#include "rows.h"

enum verdict {
	VERDICT_NONE,		/* the source does not run here */
	VERDICT_NA,		/* the row does not, or the source refuses it */
	VERDICT_QUIET,		/* nothing died, nothing was told */
	VERDICT_BEFORE,
	VERDICT_AFTER,
	VERDICT_SEEN,		/* when is not known */
	VERDICT_DECLARED,	/* not seen, and mmun_coverage() had said so */
	VERDICT_MISSED,
	VERDICT_HANG,
	VERDICT_CRASH,
};

struct truths {
	enum pin pin;
	enum truth pinned;
	enum truth plain;
	const char *reason;	/* why there is none, or NULL */
};

struct judgement {
	enum verdict verdict;
	bool breaks;		/* the call does not do what it does alone */
};

struct tally {
	unsigned int total, before, after, seen, declared, missed, refused, broken;
};

/* From the runs that nobody watched: with the page held, and without. */
struct truths judge_truth(const struct row *row, const struct report *held,
			  const struct report *plain);
/* Does a translation that was held die? */
bool is_death(const struct truths *t);
bool is_counted_in_table(const struct row *row, const struct truths *t);

struct judgement judge(const struct row *row, const struct truths *t,
		       const struct report *alone, const struct report *r);
void tally_add(struct tally *sum, const struct judgement *j, bool death);

const char *verdict_name(enum verdict v);
const char *truth_name(enum truth t);

#endif /* COVERAGE_VERDICT_H */
