// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "verdict.h"

static bool has_ended(const struct report *r)
{
	return r->stage == STAGE_DONE || r->stage == STAGE_PERFORMING;
}

/* A process that is no more has nothing behind any address. */
static enum truth truth_of(const struct row *row, const struct report *r)
{
	if ((row->op->flags & OP_ENDS) && r->stage == STAGE_PERFORMING &&
	    !r->signal && !r->hung)
		return TRUTH_LOST;
	return r->stage == STAGE_DONE ? r->truth : TRUTH_UNKNOWN;
}

static const char *why_not(const struct row *row, const struct report *r)
{
	if (r->hung)
		return "hangs without any source";
	if (r->signal)
		return "crashes without any source";
	if (!has_ended(r))
		return *r->reason ? r->reason : "did not run";
	if (r->result < 0 && !(row->op->flags & OP_MAY_FAIL))
		return strerror(-r->result);
	return NULL;
}

struct truths judge_truth(const struct row *row, const struct report *held,
			  const struct report *plain)
{
	return (struct truths){
		.pin = held->pin,
		.pinned = truth_of(row, held),
		.plain = truth_of(row, plain),
		.reason = why_not(row, held),
	};
}

bool is_death(const struct truths *t)
{
	return !t->reason &&
	       (t->pinned == TRUTH_LOST || t->pinned == TRUTH_MOVED);
}

/* Where the kernel refuses a pin, no pin can be stale. */
bool is_counted_in_table(const struct row *row, const struct truths *t)
{
	return (row->op->flags & OP_TABLE) && is_death(t) &&
	       t->pin == PIN_LONGTERM;
}

/*
 * Had the library said that it may not see this?  The bits are about calls past
 * libc; without the patched entries every call is one.
 */
static bool was_declared(const struct row *row, const struct report *r)
{
	bool past_libc = row->raw || row->op->blind == MMUN_BLIND_LDSO;

	return r->blind > 0 && (r->blind & row->op->blind) &&
	       (past_libc || !r->patched);
}

static enum verdict what_was_told(const struct row *row, const struct truths *t,
				  const struct report *r)
{
	if (r->before)
		return VERDICT_BEFORE;
	if (r->after)
		return VERDICT_AFTER;
	if (r->told)
		return VERDICT_SEEN;
	if (!is_death(t))
		return VERDICT_QUIET;
	if (r->refused)
		return VERDICT_NA;
	return was_declared(row, r) ? VERDICT_DECLARED : VERDICT_MISSED;
}

/* The kernel may refuse what is best effort for another reason each time. */
static bool is_same_answer(const struct op *op, const struct report *a,
			   const struct report *b)
{
	if (op->flags & OP_MAY_FAIL && a->result < 0 && b->result < 0)
		return true;
	return a->result == b->result && a->error == b->error;
}

/* Compared with what it did when nobody watched. */
static bool has_changed(const struct row *row, const struct report *alone,
			const struct report *r)
{
	return r->stage != alone->stage || r->signal != alone->signal ||
	       !is_same_answer(row->op, alone, r) || r->truth != alone->truth;
}

/* It says that all is over, and it is not. */
static bool is_false_alarm(const struct row *row, const struct report *r)
{
	return r->released && !(row->op->flags & OP_ENDS);
}

struct judgement judge(const struct row *row, const struct truths *t,
		       const struct report *alone, const struct report *r)
{
	struct judgement j = { VERDICT_NA, false };

	if (t->reason)
		return j;
	if (r->stage == STAGE_NO_SOURCE) {
		j.verdict = VERDICT_NONE;
		return j;
	}
	j.breaks = has_changed(row, alone, r) || is_false_alarm(row, r);
	if (r->hung)
		j.verdict = VERDICT_HANG;
	else if (r->signal && r->stage != STAGE_DONE)
		j.verdict = VERDICT_CRASH;
	else if (has_ended(r))
		j.verdict = what_was_told(row, t, r);
	return j;
}

void tally_add(struct tally *sum, const struct judgement *j, bool death)
{
	bool failed = j->verdict == VERDICT_HANG || j->verdict == VERDICT_CRASH;

	sum->broken += j->breaks || failed;
	if (!death)
		return;
	sum->total++;
	sum->before += j->verdict == VERDICT_BEFORE;
	sum->after += j->verdict == VERDICT_AFTER;
	sum->seen += j->verdict == VERDICT_BEFORE ||
		     j->verdict == VERDICT_AFTER || j->verdict == VERDICT_SEEN;
	sum->declared += j->verdict == VERDICT_DECLARED;
	sum->missed += j->verdict == VERDICT_MISSED;
	sum->refused += j->verdict == VERDICT_NA;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_NONE] = "none",
		[VERDICT_NA] = "n/a",
		[VERDICT_QUIET] = "quiet",
		[VERDICT_BEFORE] = "before",
		[VERDICT_AFTER] = "after",
		[VERDICT_SEEN] = "seen",
		[VERDICT_DECLARED] = "declared",
		[VERDICT_MISSED] = "missed",
		[VERDICT_HANG] = "hang",
		[VERDICT_CRASH] = "crash",
	};

	return names[v];
}

const char *truth_name(enum truth t)
{
	static const char *const names[] = {
		[TRUTH_UNKNOWN] = "?",
		[TRUTH_SAME] = "same",
		[TRUTH_LOST] = "LOST",
		[TRUTH_MOVED] = "MOVED",
	};

	return names[t];
}
