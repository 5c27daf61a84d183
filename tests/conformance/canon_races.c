// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Corrections of a kernel's trace, as in canon_kernel.c: who is first, or waits for
 * whom, where threads meet.
 */
#include <stdlib.h>
#include <string.h>

#include "canon.h"

/* -- a get waits for the lock, though there is nothing to be linked -- */

/* "= get A -> A1 users=2": found; then who is "A1". */
static bool has_found(const struct canon *canon, int at, char *who)
{
	const struct event *e = &canon->events[at];
	int users;

	if (!begins(e->task, "S.bg") ||
	    sscanf(e->text, "= get %*s -> %11s users=%d", who, &users) != 2)
		return false;
	return users > 1;
}

/* "= info A1 users=1 ..." has one more. */
static void count_one_more(struct event *e, const char *who)
{
	char line[40], rest[MAX_TEXT];
	int n = snprintf(line, sizeof(line), "= info %s users=", who);
	char *end;
	long users;

	if (!begins(e->text, line))
		return;
	users = strtol(e->text + n, &end, 10);
	snprintf(rest, sizeof(rest), "%s", end);
	snprintf(e->text + n, sizeof(e->text) - n, "%ld%s", users + 1, rest);
}

bool get_does_not_wait(struct canon *canon)
{
	bool changed = false;
	char who[12];

	for (int i = 0; i < canon->nr_events; i++) {
		int told, to = i;

		if (!has_found(canon, i, who))
			continue;
		told = told_in(canon, &canon->events[i]);
		if (told == canon->events[i].block)
			continue;
		while (to && canon->events[to - 1].block > told)
			count_one_more(&canon->events[--to], who);
		canon->events[i].block = told;
		move_event(canon, i, to);
		changed = true;
	}
	return changed;
}

/* -- a callback after ->release -- */

/* Does its owner's unregister of it, who has no ->release, come in this command? */
static bool is_unregistered(const struct canon *canon, int block,
			    const char *who)
{
	const struct block *b = &canon->blocks[block];
	const char *last = strrchr(b->command, ' ');

	return !strcmp(b->verb, "unreg") && last && !strcmp(last + 1, who);
}

/* Has it heard its last before this line, and why: ->release, or unregister? */
static bool is_over(const struct canon *canon, int before, const char *who)
{
	char release[32], blocked[40], resumed[40], reg[32], regl[32];
	bool over = false, waits = false;

	snprintf(release, sizeof(release), "%s.release users=", who);
	snprintf(blocked, sizeof(blocked), "  %s.release BLOCKED", who);
	snprintf(resumed, sizeof(resumed), "  %s.release resumed", who);
	snprintf(reg, sizeof(reg), "= register %s -> 0", who);
	snprintf(regl, sizeof(regl), "= __register %s -> 0", who);
	for (int i = 0; i < before; i++) {
		const char *text = canon->events[i].text;

		if (begins(text, release) || begins(text, resumed))
			over = true;
		else if (begins(text, blocked) || begins(text, reg) ||
			 begins(text, regl))
			over = false;
		waits |= begins(text, release);
	}
	if (over || waits)
		return over;
	for (int i = 0; i < canon->events[before].block; i++)
		over |= is_unregistered(canon, i, who);
	return over;
}

/* "A1.start ...", "A1.cy ...": other than what its end is made of. */
static bool is_heard(const struct event *e)
{
	return e->text[0] >= 'A' && e->text[0] <= 'H' &&
	       e->text[strcspn(e->text, ". ")] == '.' &&
	       !contains(e->text, ".release") &&
	       !contains(e->text, ".alloc_notifier") &&
	       !contains(e->text, ".free_notifier");
}

bool silent_after_release(struct canon *canon)
{
	bool changed = false;
	char who[12];

	for (int i = 0; i < canon->nr_events; i++) {
		if (!is_heard(&canon->events[i]))
			continue;
		subject_of(&canon->events[i], who, sizeof(who));
		if (!is_over(canon, i, who))
			continue;
		canon->events[i].dropped = changed = true;
	}
	return changed;
}

/* -- ->release of one registration twice -- */

static bool released_before(const struct canon *canon, int before,
			    const char *line)
{
	for (int i = 0; i < before; i++)
		if (begins(canon->events[i].text, line))
			return true;
	return false;
}

bool drop_second_release(struct canon *canon)
{
	char who[12], line[32], task[12] = "";
	bool changed = false;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];

		if (contains(e->text, ".release users=")) {
			subject_of(e, who, sizeof(who));
			snprintf(line, sizeof(line), "%s.release users=", who);
			task[0] = 0;
			if (!released_before(canon, i, line))
				continue;
			strcpy(task, e->task);
		} else if (strcmp(e->task, task) || !begins(e->text, "  ")) {
			continue;
		}
		e->dropped = changed = true;
	}
	return changed;
}
