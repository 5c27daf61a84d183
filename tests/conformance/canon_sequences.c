// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sequences of intervals, where a range is taken out of a trace: those after it
 * are lower, and who was told by it was not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canon.h"

static void shift_one(char *text, const char *key, long above, int by)
{
	char *at = strstr(text, key), rest[MAX_TEXT];
	long n;
	char *end;

	if (!at)
		return;
	at += strlen(key);
	n = strtol(at, &end, 10);
	if (end == at || n <= above || n < by)
		return;
	snprintf(rest, sizeof(rest), "%s", end);
	snprintf(at, MAX_TEXT - (at - text), "%ld%s", n - by, rest);
}

/* Sequences are of one address space; scenarios with two have none in both. */
void shift_sequences(struct canon *canon, int after, long above, int by)
{
	for (int i = after; i < canon->nr_events; i++) {
		char *text = canon->events[i].text;

		if (begins(text, "= read_begin"))
			shift_one(text, "-> ", above, by);
		else
			shift_one(text, " seq=", above, by);
		shift_one(text, " sub=", above, by);
	}
}

unsigned long sequence_of(const struct event *e)
{
	const char *at = strstr(e->text, " seq=");

	return at && strstr(e->text, ".invalidate ") ?
		       strtoul(at + 5, NULL, 10) : 0;
}

/* The sequence that an interval has before a line: what it was told last. */
static unsigned long sequence_before(const struct canon *canon, int line,
				     const char *who)
{
	char told[24], inserted[32];

	snprintf(told, sizeof(told), "%s.invalidate ", who);
	snprintf(inserted, sizeof(inserted), "= interval_insert %s ", who);
	for (int i = line - 1; i >= 0; i--) {
		const struct event *e = &canon->events[i];
		const char *at = strstr(e->text, " seq=");

		if (!e->dropped && at &&
		    (begins(e->text, told) || begins(e->text, inserted)))
			return strtoul(at + 5, NULL, 10);
	}
	return 0;
}

/* "= read_begin I0 -> 5", "= read_retry I0 seq=1 sub=5 -> 1" */
static void read_other_sequence(struct event *e, const char *who,
				unsigned long from, unsigned long to)
{
	unsigned long seq, sub;
	char of[12];

	if (sscanf(e->text, "= read_begin %11s -> %lu", of, &seq) == 2 &&
	    !strcmp(of, who) && seq == from)
		snprintf(e->text, sizeof(e->text), "= read_begin %s -> %lu",
			 who, to);
	if (sscanf(e->text, "= read_retry %11s seq=%lu sub=%lu", of, &seq,
		   &sub) != 3 || strcmp(of, who) || sub != from)
		return;
	seq = seq == from ? to : seq;
	snprintf(e->text, sizeof(e->text),
		 "= read_retry %s seq=%lu sub=%lu -> %d", who, seq, to,
		 seq != to);
}

void untell(struct canon *canon, int line)
{
	const char *text = canon->events[line].text;
	unsigned long seq = sequence_of(&canon->events[line]), before;
	char who[12], told[24];

	if (!seq)
		return;
	snprintf(who, sizeof(who), "%.*s", (int)strcspn(text, "."), text);
	snprintf(told, sizeof(told), "%s.invalidate ", who);
	before = sequence_before(canon, line, who);
	for (int i = line + 1; before && i < canon->nr_events; i++) {
		if (begins(canon->events[i].text, told))
			break;
		read_other_sequence(&canon->events[i], who, seq, before);
	}
}
