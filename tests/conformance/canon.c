// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a trace. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "canon.h"

bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool contains(const char *text, const char *what)
{
	return strstr(text, what);
}

void move_event(struct canon *canon, int from, int to)
{
	struct event e = canon->events[from];
	int step = from < to ? 1 : -1;

	for (int i = from; i != to; i += step)
		canon->events[i] = canon->events[i + step];
	canon->events[to] = e;
}

void subject_of(const struct event *e, char *who, size_t room)
{
	const char *text = e->text + strspn(e->text, " ");

	snprintf(who, room, "%.*s", (int)strcspn(text, ". "), text);
}

int told_in(const struct canon *canon, const struct event *e)
{
	const char *prefix = strcmp(e->task, "S.bg") ? "bg2: " : "bg: ";

	for (int i = e->block; i >= 0; i--)
		if (begins(canon->blocks[i].command, prefix))
			return i;
	return e->block;
}

struct version canon_version(const char *trace)
{
	struct version v = { 7, 2 };

	sscanf(trace, "# kernel %u.%u", &v.major, &v.minor);
	return v;
}

static void copy_text(char *to, const char *from, size_t n, size_t room)
{
	if (n >= room)
		n = room - 1;
	memcpy(to, from, n);
	to[n] = 0;
}

/* "bg: munmap r1 0 4  => -22 (Invalid argument)" */
static void read_command(struct canon *canon, const char *task,
			 const char *line)
{
	struct block *b = &canon->blocks[canon->nr_blocks];
	const char *result = strstr(line, "  => "), *verb;

	if (canon->nr_blocks == MAX_BLOCKS)
		return;
	canon->nr_blocks++;
	memset(b, 0, sizeof(*b));
	copy_text(b->task, task, strlen(task), sizeof(b->task));
	copy_text(b->command, line, result ? (size_t)(result - line) : strlen(line),
		  sizeof(b->command));
	if (result)
		copy_text(b->result, result + 5, strlen(result + 5),
			  sizeof(b->result));
	b->failed = b->result[0] == '-';
	verb = begins(line, "bg: ") ? line + 4 :
	       begins(line, "bg2: ") ? line + 5 : line;
	copy_text(b->verb, verb, strcspn(verb, " "), sizeof(b->verb));
}

/* " mm1 mu=3 mc=2" ends a line. */
static void read_counts(struct event *e)
{
	char *at = strstr(e->text, " mu=");
	int mm, users, count;

	e->mc = -1;
	while (at && at > e->text && *--at != ' ')
		;
	if (!at || sscanf(at, " mm%d mu=%d mc=%d", &mm, &users, &count) != 3)
		return;
	e->mm = mm;
	e->mc = count;
	snprintf(at, sizeof(e->text) - (at - e->text), " mm%d %s", mm,
		 users ? "used" : "dead");
}

static void read_event(struct canon *canon, const char *line)
{
	struct event *e = &canon->events[canon->nr_events];
	size_t n;

	if (canon->nr_events == MAX_EVENTS || !canon->nr_blocks)
		return;
	memset(e, 0, sizeof(*e));
	e->block = canon->nr_blocks - 1;
	if (isdigit((unsigned char)line[0])) {
		line += strcspn(line, " ");
		line += *line == ' ';
		n = strcspn(line, " ");
		copy_text(e->task, line, n, sizeof(e->task));
		/* The name is in a column of eight. */
		n = n < 8 ? 8 : n;
		line += strlen(line) > n ? n + 1 : strlen(line);
	}
	copy_text(e->text, line, strlen(line), sizeof(e->text));
	read_counts(e);
	canon->nr_events++;
}

static void read_line(struct canon *canon, const char *line)
{
	if (begins(line, "  > "))
		read_command(canon, "S", line + 4);
	else if (begins(line, "  p> "))
		read_command(canon, "parent", line + 5);
	else if (begins(line, "  !! "))
		read_command(canon, "runner", line + 2);
	else if (begins(line, "    "))
		read_event(canon, line + 4);
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

/* Where the lines of the scenario begin. */
static const char *find_from(const char *trace, const char *name, int nth)
{
	size_t n = strlen(name);

	for (; *trace; trace = next_line(trace)) {
		if (!begins(trace, "== ") || !begins(trace + 3, name) ||
		    (trace[3 + n] != '\n' && trace[3 + n] != '\r'))
			continue;
		if (!nth--)
			return next_line(trace);
	}
	return NULL;
}

/*
 * In the kernel's trace, of which there is one: it may be long, and scenarios are
 * asked for in its order, so that the first place to look is after the last one.
 */
static const char *find_in_kernel(const char *trace, const char *name, int nth)
{
	static const char *last;
	const char *at = NULL;

	if (!nth && last)
		at = find_from(last, name, 0);
	if (!at)
		at = find_from(trace, name, nth);
	if (at)
		last = at;
	return at;
}

void canon_read(struct canon *canon, const char *trace, const char *name,
		int nth, bool is_kernel)
{
	const char *at = is_kernel ? find_in_kernel(trace, name, nth)
				   : find_from(trace, name, nth);
	char line[512];

	canon->is_kernel = is_kernel;
	canon->nr_blocks = canon->nr_events = 0;
	canon->corrected[0] = 0;
	copy_text(canon->name, name, strlen(name), sizeof(canon->name));
	for (; at && *at && !begins(at, "== "); at = next_line(at)) {
		copy_text(line, at, strcspn(at, "\r\n"), sizeof(line));
		read_line(canon, line);
	}
	canon->found = at && begins(at, "== end");
	/* What comes after the last command. */
	if (canon->found)
		read_command(canon, "runner", "end");
}

bool parse_range(const struct event *event, struct range_event *ret)
{
	char name[8], nb[4], at[80];
	const char *dot = strchr(event->text, '.'), *fail;
	size_t n = dot ? (size_t)(dot - event->text) : 0;

	if (event->dropped || !n || n >= sizeof(ret->who) ||
	    event->text[0] == ' ' ||
	    sscanf(dot, ".%11s %7[A-Z_]", ret->what, name) < 1)
		return false;
	copy_text(ret->who, event->text, n, sizeof(ret->who));
	if (strcmp(ret->what, "start") && strcmp(ret->what, "end") &&
	    strcmp(ret->what, "invalidate"))
		return false;
	if (sscanf(dot, ".%*s %15s %3s %79s", ret->range, nb, at) != 3)
		return false;
	n = strlen(ret->range);
	snprintf(ret->range + n, sizeof(ret->range) - n, " %s %s", nb, at);
	fail = strstr(event->text, " ret=");
	ret->failed = fail && (ret->what[0] == 's' ? atoi(fail + 5) != 0
						   : atoi(fail + 5) == 0);
	return true;
}

/* -- order -- */

/* What the runner says of S, S's own, the helpers', others', the worker's. */
static int rank(const char *task)
{
	static const char *const order[] = { "",     "S",    "S.bg", "S.bg2",
					     "kid",  "exit", "parent" };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (!strcmp(order[i], task))
			return i;
	return sizeof(order) / sizeof(*order);
}

static bool is_before(const struct canon *canon, const struct event *a,
		      const struct event *b)
{
	const char *own;
	int ra, rb;

	if (a->block != b->block)
		return a->block < b->block;
	own = canon->blocks[a->block].task;
	ra = strcmp(a->task, own) ? 1 + rank(a->task) : 0;
	rb = strcmp(b->task, own) ? 1 + rank(b->task) : 0;
	if (ra != rb)
		return ra < rb;
	/* Each address space has its own frees, in the order of its puts. */
	return !strcmp(a->task, "kworker") && a->mm < b->mm;
}

void sort_events(struct canon *canon)
{
	struct event e;
	int n = 0;

	for (int i = 0; i < canon->nr_events; i++) {
		if (canon->events[i].dropped)
			continue;
		e = canon->events[i];
		canon->events[n] = e;
		for (int k = n++; k && is_before(canon, &e, &canon->events[k - 1]);
		     k--) {
			canon->events[k] = canon->events[k - 1];
			canon->events[k - 1] = e;
		}
	}
	canon->nr_events = n;
}
