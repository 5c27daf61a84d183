// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where the kernel does what doc/contract.md decides against, a defect or a race, a
 * trace of a kernel is corrected to what the contract says; exactly that, and the
 * result is compared like any other.  Each that was needed is reported.
 */
#include <stdlib.h>
#include <string.h>

#include "canon.h"

/* -- synchronize returns before what was put is freed -- */

static int last_line_before(const struct canon *canon, int before,
			    const char *text)
{
	for (int i = before - 1; i >= 0; i--)
		if (begins(canon->events[i].text, text))
			return i;
	return -1;
}

static bool free_before_synchronize(struct canon *canon)
{
	bool changed = false;
	char who[12], put[40], release[40];
	int sync, at;

	for (int i = 0; i < canon->nr_events; i++) {
		if (!contains(canon->events[i].text, ".free_notifier"))
			continue;
		subject_of(&canon->events[i], who, sizeof(who));
		snprintf(put, sizeof(put), "= put %s returned", who);
		sync = last_line_before(canon, i, "= synchronize returned");
		snprintf(release, sizeof(release), "  %s put-from-release", who);
		at = last_line_before(canon, i, put);
		/* The put that freed it was another. */
		if (last_line_before(canon, i, release) > at)
			continue;
		if (at < 0 || sync < 0 || canon->events[at].block >=
						  canon->events[sync].block)
			continue;
		canon->events[i].block = canon->events[sync].block;
		move_event(canon, i, sync);
		changed = true;
	}
	return changed;
}

/* "... free not yet done after synchronize in 12" */
static bool free_before_each_synchronize(struct canon *canon)
{
	bool changed = false;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		char *count = strstr(e->text, "after synchronize in ");

		if (!begins(e->text, "= stress_sync ") || !count)
			continue;
		count += strlen("after synchronize in ");
		changed |= atoi(count) != 0;
		strcpy(count, "0");
	}
	return changed;
}

static bool synchronize_is_barrier(struct canon *canon)
{
	bool once = free_before_synchronize(canon);
	bool often = free_before_each_synchronize(canon);

	return once || often;
}

/* -- get without the mmap lock -- */

static void insert_event(struct canon *canon, int at, const struct event *like,
			 const char *text)
{
	struct event e = *like;

	if (canon->nr_events == MAX_EVENTS)
		return;
	snprintf(e.text, sizeof(e.text), "%s", text);
	e.mm = e.loose = 0;
	e.mc = -1;
	memmove(&canon->events[at + 1], &canon->events[at],
		(canon->nr_events - at) * sizeof(e));
	canon->events[at] = e;
	canon->nr_events++;
}

/* "getnl A": refused, then with the lock, as the scenario wants to go on. */
static bool refuse_without_lock(struct canon *canon)
{
	bool changed = false;
	int done = -1;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event e = canon->events[i];
		char line[64], *lock = strstr(canon->events[i].text, " ml=-");

		if (strcmp(canon->blocks[e.block].verb, "getnl"))
			continue;
		if (lock && contains(e.text, "alloc_notifier"))
			lock[4] = 'W';
		if (e.block == done)
			continue;
		done = e.block;
		snprintf(line, sizeof(line), "= get %.1s without the lock -> -22",
			 canon->blocks[e.block].command + strlen("getnl "));
		insert_event(canon, i, &e, line);
		changed = true;
	}
	return changed;
}

/* -- get with a signal pending -- */

/* "A1.alloc_notifier", "A1.free_notifier", "= get A -> -4": put at once instead. */
static bool not_interrupted(struct canon *canon)
{
	bool changed = false;

	for (int i = 2; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i], free = e[-1];
		char who[12], line[64], *at = strstr(e->text, " -> -4");

		if (strcmp(canon->blocks[e->block].verb, "getsig") || !at ||
		    !contains(free.text, ".free_notifier"))
			continue;
		subject_of(&free, who, sizeof(who));
		memmove(at + strlen(" ->  users=1") + strlen(who),
			at + strlen(" -> -4"), strlen(at + strlen(" -> -4")) + 1);
		snprintf(line, sizeof(line), " -> %s users=1", who);
		memcpy(at, line, strlen(line));
		e->mc++;
		canon->blocks[e->block].result[0] = 0;
		snprintf(line, sizeof(line), "= put %s returned", who);
		snprintf(free.text, sizeof(free.text),
			 "%s.free_notifier users=0 mm%d", who, e->mm);
		free.mm = e->mm;
		strcpy(free.task, "kworker");
		e[-1] = e[0];
		e[0] = free;
		insert_event(canon, i, &e[-1], line);
		changed = true;
	}
	return changed;
}

/* -- an interval that was hit by a range that somebody else refused -- */

/* The range that was refused, though intervals were called: its "= ... start" line. */
static int refused_after_intervals(const struct canon *canon, int from)
{
	bool hit = false, refused = false;
	struct range_event r;
	int block = -1;

	for (int i = from; i < canon->nr_events; i++) {
		const struct event *e = &canon->events[i];

		/* The intervals of another command's range are another matter. */
		if (e->block != block)
			hit = refused = false;
		block = e->block;
		if (parse_range(e, &r)) {
			hit |= !strcmp(r.what, "invalidate") && !r.failed;
			refused |= !strcmp(r.what, "start") && r.failed &&
				   contains(r.range, " nb ");
		}
		if (!contains(e->text, " start -> "))
			continue;
		if (hit && refused)
			return i;
		hit = refused = false;
	}
	return -1;
}

/* The command that ends the range, of the scenario, all the same. */
static int forced_end(const struct canon *canon, int from)
{
	for (int i = from; i < canon->nr_events; i++)
		if (contains(canon->events[i].text, " end done"))
			return canon->events[i].block;
	return canon->nr_blocks;
}

/* "= read_begin I0 enter" goes on at once. */
static bool let_go(struct canon *canon, int from, int end)
{
	bool changed = false;

	for (int i = from; i < canon->nr_events; i++) {
		char begun[24];

		if (canon->events[i].block >= end)
			break;
		if (!contains(canon->events[i].text, " enter"))
			continue;
		snprintf(begun, sizeof(begun), "%.*s",
			 (int)strcspn(canon->events[i].text + 2, " ") + 5,
			 canon->events[i].text);
		for (int k = i + 1; k < canon->nr_events; k++) {
			if (!begins(canon->events[k].text, begun))
				continue;
			if (canon->events[k].block >= end) {
				canon->events[k].block = canon->events[i].block;
				move_event(canon, k, i + 1);
				changed = true;
			}
			break;
		}
	}
	return changed;
}

static bool end_refused(struct canon *canon)
{
	bool changed = false;
	int i = 0;

	while ((i = refused_after_intervals(canon, i)) >= 0) {
		int end = forced_end(canon, i);

		changed |= let_go(canon, i, end);
		i++;
	}
	return changed;
}

/* -- an end to who did not see the start -- */

/* The command after which the object was there. */
static int made_in(const struct canon *canon, const char *who)
{
	char alloc[32], reg[32], regl[32];

	snprintf(alloc, sizeof(alloc), "%s.alloc_notifier", who);
	snprintf(reg, sizeof(reg), "= register %s ", who);
	snprintf(regl, sizeof(regl), "= __register %s ", who);
	for (int i = 0; i < canon->nr_events; i++) {
		const char *text = canon->events[i].text;

		if (begins(text, alloc) || begins(text, reg) ||
		    begins(text, regl))
			return canon->events[i].block;
	}
	return -1;
}

/* "iend 0" in this command: where was "istart 0 ..."? */
static int started_in(const struct canon *canon, int block)
{
	const char *k = canon->blocks[block].command + strlen("iend ");

	for (int i = block - 1; i >= 0; i--)
		if (begins(canon->blocks[i].command, "istart ") &&
		    canon->blocks[i].command[strlen("istart ")] == *k)
			return i;
	return block;
}

static bool drop_ends_alone(struct canon *canon)
{
	bool changed = false;
	struct range_event r;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];

		if (strcmp(canon->blocks[e->block].verb, "iend") ||
		    !parse_range(e, &r) || strcmp(r.what, "end") ||
		    made_in(canon, r.who) <= started_in(canon, e->block))
			continue;
		e->dropped = changed = true;
	}
	return changed;
}

/* Has the range been started and not ended, when this command is made? */
static int open_until(const struct canon *canon, int block)
{
	for (int i = block; i >= 0; i--) {
		int end = i + 1;

		if (begins(canon->blocks[i].command, "iend "))
			return -1;
		if (!begins(canon->blocks[i].command, "istart ") ||
		    canon->blocks[i].failed)
			continue;
		while (end < canon->nr_blocks &&
		       strcmp(canon->blocks[end].verb, "iend"))
			end++;
		return end < canon->nr_blocks ? end : -1;
	}
	return -1;
}

/* "bg: get B" waits for the range, too. */
static bool wait_for_range(struct canon *canon)
{
	bool changed = false;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event e = canon->events[i];
		int end = begins(e.task, "S.bg") &&
				  (contains(e.text, ".alloc_notifier") ||
				   begins(e.text, "= register") ||
				   begins(e.text, "= __register") ||
				   (begins(e.text, "= get ") &&
				    contains(e.text, " users=1 ")))
			  ? open_until(canon, e.block) : -1;
		int to = i;

		if (end < 0)
			continue;
		while (to + 1 < canon->nr_events &&
		       canon->events[to + 1].block <= end)
			to++;
		canon->events[i].block = end;
		if (to > i) {
			move_event(canon, i, to);
			i--;
		}
		changed = true;
	}
	return changed;
}

static bool no_forgery(struct canon *canon)
{
	bool alone = drop_ends_alone(canon);
	bool waits = wait_for_range(canon);

	return alone || waits;
}

/* -- a range that was refused is ended -- */

/* "istart 0 ..." in this command: was it refused? */
static bool is_refused(const struct canon *canon, int block)
{
	return block >= 0 && canon->blocks[block].failed &&
	       !strcmp(canon->blocks[block].verb, "istart");
}

static bool drop_ends_of_refused(struct canon *canon)
{
	bool changed = false, refused = false;
	struct range_event r;
	int block = -1;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		const char *result = strstr(e->text, "= raw start -> ");

		if (e->block != block)
			refused = !strcmp(canon->blocks[e->block].verb, "iend") &&
				  is_refused(canon, started_in(canon, e->block));
		block = e->block;
		if (result)
			refused = atoi(result + strlen("= raw start -> "));
		if (!refused || !parse_range(e, &r) || strcmp(r.what, "end"))
			continue;
		e->dropped = changed = true;
	}
	return changed;
}

/* -- an error in a range that may block -- */

/* Return: the first end of a walk that such an error has caused, from here on. */
static int compensation(const struct canon *canon, int from)
{
	bool failed = false;
	struct range_event r;

	for (int i = from; i < canon->nr_events; i++) {
		if (!parse_range(&canon->events[i], &r))
			failed = false;
		else if (!strcmp(r.what, "start") && contains(r.range, " B "))
			failed |= r.failed;
		else if (!strcmp(r.what, "end") && failed)
			return i;
	}
	return -1;
}

/* Past flushes. */
static int skip_flushes(const struct canon *canon, int i)
{
	while (i < canon->nr_events && contains(canon->events[i].text, ".inv "))
		i++;
	return i;
}

/* How many ends, each of another, follow. */
static int nr_ends(const struct canon *canon, int from)
{
	struct range_event first, r;
	int n = 0;

	for (int i = from; i < canon->nr_events; i++, n++) {
		if (!parse_range(&canon->events[i], &r) ||
		    strcmp(r.what, "end"))
			break;
		if (!n)
			first = r;
		else if (!strcmp(first.who, r.who))
			break;
	}
	return n;
}

/* "= raw start -> -11": it goes on, and is ended. */
static void go_on(struct canon *canon, int at, int first, bool split)
{
	struct event *e = &canon->events[at];
	char *result = strstr(e->text, "-> ");

	strcpy(result, "-> 0");
	canon->blocks[e->block].result[0] = 0;
	if (split)
		return;
	insert_event(canon, at + 1, e, "= raw end done");
	move_event(canon, at, first);
}

static void drop_events(struct canon *canon, int from, int n)
{
	for (int i = from; i < from + n; i++)
		canon->events[i].dropped = true;
}

static bool one_end(struct canon *canon)
{
	bool changed = false;
	int i = 0, n;

	for (; (i = compensation(canon, i)) >= 0; i += n + 1) {
		const char *after;

		n = nr_ends(canon, i);
		after = i + n < canon->nr_events ? canon->events[i + n].text : "";
		if (begins(after, "= range") && contains(after, " start -> ")) {
			/* "istart": the end is to come. */
			go_on(canon, i + n, i, true);
			drop_events(canon, i, n);
		} else if (contains(after, " start -> ")) {
			go_on(canon, i + n, i, false);
		} else if (nr_ends(canon, skip_flushes(canon, i + n)) == n) {
			drop_events(canon, i, n);
		} else {
			continue;
		}
		changed = true;
	}
	return changed;
}

/* -- the same range again -- */

static bool two_steps(const struct block *b)
{
	return !strcmp(b->verb, "trunc") || !strcmp(b->verb, "mremap");
}

/* Has the same been told of this range in the command before? */
static bool told_before(const struct canon *canon, int at,
			const struct range_event *r)
{
	int block = canon->events[at].block;
	struct range_event before;

	for (int i = at - 1; i >= 0 && canon->events[i].block == block; i--)
		if (parse_range(&canon->events[i], &before) &&
		    !strcmp(before.who, r->who) &&
		    !strcmp(before.what, r->what) &&
		    !strcmp(before.range, r->range))
			return true;
	return false;
}

static bool drop_repeated(struct canon *canon)
{
	unsigned long seq, last = 0;
	struct range_event r;
	bool changed = false;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		const char *at = strstr(e->text, " seq=");

		if (!two_steps(&canon->blocks[e->block]) ||
		    !parse_range(e, &r) || !told_before(canon, i, &r))
			continue;
		e->dropped = changed = true;
		/* Those who are told together have the same number. */
		seq = at ? strtoul(at + 5, NULL, 10) : last;
		if (seq != last)
			shift_sequences(canon, i + 1, seq - 2, 2);
		/* The next of them has been shifted, too. */
		last = seq != last ? seq - 2 : last;
	}
	return changed;
}

/* -- an empty range inside of an interval -- */

/* "CLEAR B [r1+1,r1+1)" */
static bool is_empty(const struct range_event *r)
{
	const char *from = strchr(r->range, '['), *to = strchr(r->range, ',');
	size_t n = from && to ? (size_t)(to - from) : 0;

	return n && strlen(to) == n + 1 && !memcmp(from + 1, to + 1, n - 1);
}

/* Does a line before it have its sequence, by another range? */
static bool is_shared(const struct canon *canon, int line, unsigned long seq)
{
	for (int i = 0; i < line; i++)
		if (!canon->events[i].dropped &&
		    sequence_of(&canon->events[i]) == seq)
			return true;
	return false;
}

static bool drop_empty(struct canon *canon)
{
	unsigned long seq, last = 0;
	struct range_event r;
	bool changed = false;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];

		seq = sequence_of(e);
		if (!seq || !parse_range(e, &r) || !is_empty(&r))
			continue;
		e->dropped = changed = true;
		untell(canon, i);
		if (seq == last || is_shared(canon, i, seq))
			continue;
		shift_sequences(canon, i + 1, seq - 2, 2);
		last = seq - 2;
	}
	return changed;
}

/* -- a range per mapping -- */

static bool has_parts(const struct block *b)
{
	return !strcmp(b->verb, "fork") || !strcmp(b->verb, "mremap") ||
	       !strcmp(b->verb, "trunc") || !strcmp(b->verb, "punch") ||
	       (!strcmp(b->verb, "madv") && contains(b->command, " remove"));
}

static bool join_parts(struct canon *canon)
{
	unsigned long seq, first = 0;
	bool changed = false;
	int block = -1;

	for (int i = 0; i < canon->nr_events; i++) {
		const struct event *e = &canon->events[i];
		const char *at = strstr(e->text, " seq=");

		if (!has_parts(&canon->blocks[e->block]) || !at)
			continue;
		seq = strtoul(at + 5, NULL, 10);
		if (block != e->block)
			first = seq;
		block = e->block;
		if (seq == first)
			continue;
		shift_sequences(canon, i, first, seq - first);
		changed = true;
	}
	return changed;
}

/* -- the table -- */

static const struct {
	const char *name, *what, *why;
	bool (*apply)(struct canon *canon);
} corrections[] = {
	{ "D1", "a free that comes after a synchronize which began after its put",
	  "defect: synchronize waits for readers, not for the frees; moved before its return (contract 48)",
	  synchronize_is_barrier },
	{ "D2", "who waits for a range that was refused after it had hit intervals",
	  "defect: the range is never ended for intervals; they go on at once (contract 127)",
	  end_refused },
	{ "S1", "a get by a helper, of what is there, that waits for the memory's lock",
	  "the library needs no lock to find it: it goes on at once (contract 1)",
	  get_does_not_wait },
	{ "S2", "get_locked without the lock",
	  "misuse, silent or warned about: refused, and done again with the lock so that the scenario goes on (contract 2)",
	  refuse_without_lock },
	{ "S17", "a first get that a pending signal interrupts",
	  "there is no walk over all mappings to give up: it succeeds, and is put again (contract 17)",
	  not_interrupted },
	{ "S25", "the end of a forged range, to who came after its start; a registration by another thread inside it",
	  "the forgery holds none of the locks that exclude these; the end is dropped, the registration waits for it (contract 24, 25)",
	  no_forgery },
	{ "S58", "a callback, other than a free, after ->release has returned",
	  "race: a walk goes on from a notifier that was unlinked while it ran to one that has been unlinked since; dropped (contract 58)",
	  silent_after_release },
	{ "S64", "the second ->release of one registration",
	  "race: unregister during exit calls it again; dropped (contract 64)",
	  drop_second_release },
	{ "S85", "the end of a range that was refused",
	  "misuse: everybody gets an end more; ignored (contract 85)",
	  drop_ends_of_refused },
	{ "S88", "an error in a range that may block",
	  "everybody gets an end because of it, and one more when the range ends; only the latter is kept (contract 88)",
	  one_end },
	{ "S113", "an interval that an empty range lies inside of is hit",
	  "there is nothing in it that could be invalid; dropped (contract 113)",
	  drop_empty },
	{ "TWICE", "the same range twice in a command, by truncation or mremap",
	  "the kernel does it in two steps (before and after the size changes; page tables, then the mapping); once",
	  drop_repeated },
	{ "PARTS", "sequence numbers of the ranges of a fork, an mremap or a change of a file",
	  "the kernel begins and ends one per mapping; here it is one call, all begin before it and end after it, in one sequence",
	  join_parts },
};

#define NR_CORRECTIONS (sizeof(corrections) / sizeof(*corrections))

void correct_kernel(struct canon *canon)
{
	for (size_t i = 0; i < NR_CORRECTIONS; i++) {
		size_t n = strlen(canon->corrected);

		/* Lines that were dropped are in nobody's way. */
		int kept = 0;

		for (int k = 0; k < canon->nr_events; k++)
			if (!canon->events[k].dropped)
				canon->events[kept++] = canon->events[k];
		canon->nr_events = kept;
		if (corrections[i].apply(canon))
			snprintf(canon->corrected + n,
				 sizeof(canon->corrected) - n, "%s%s",
				 n ? "," : "", corrections[i].name);
	}
}

void print_corrections(FILE *to)
{
	for (size_t i = 0; i < NR_CORRECTIONS; i++)
		fprintf(to, "%s: %s:\n\t%s\n", corrections[i].name,
			corrections[i].what, corrections[i].why);
}
