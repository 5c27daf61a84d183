// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "compare.h"

/*
 * mm_count: what the kernel may have besides.  Two CPUs, each with a kernel thread
 * that has kept the mm; the call that is under way, which may hold it; at the end
 * of a process its tasks keep it, too, each until it is switched away from.
 */
#define MORE_BETWEEN_CALLS 2
#define MORE_IN_A_CALL 3
#define MORE_AT_THE_END 4

static bool is_mrelease(const struct canon *canon, const struct event *e)
{
	return !strcmp(canon->blocks[e->block].verb, "mrelease");
}

static int most_more(const struct canon *kernel, const struct event *k)
{
	struct range_event r;

	if (strstr(k->text, " dead") || is_mrelease(kernel, k))
		return MORE_AT_THE_END;
	return parse_range(k, &r) ? MORE_IN_A_CALL : MORE_BETWEEN_CALLS;
}

static bool same_count(const struct canon *kernel, const struct event *k,
		       const struct event *o)
{
	int more = k->mc - o->mc, background;

	if (k->mc < 0 || o->mc < 0)
		return k->mc == o->mc;
	/*
	 * Two threads in the background may both be about to be counted, one that
	 * removes an interval with the tester's reference and its own.
	 */
	background = begins(k->task, "S.bg") ? 2 : 0;
	return more >= -o->loose - background &&
	       more <= most_more(kernel, k) + k->loose + background;
}

static bool same_event(const struct canon *kernel, const struct event *k,
		       const struct event *o)
{
	return !strcmp(k->task, o->task) && !strcmp(k->text, o->text) &&
	       same_count(kernel, k, o);
}

static struct side side_of(struct canon *canon, int block)
{
	struct side s = { .canon = canon };

	while (s.from < canon->nr_events && canon->events[s.from].block < block)
		s.from++;
	s.to = s.from;
	while (s.to < canon->nr_events && canon->events[s.to].block == block)
		s.to++;
	return s;
}

/* The next that is not dropped. */
static struct event *next(const struct side *s, int *i)
{
	while (*i < s->to && s->canon->events[*i].dropped)
		++*i;
	return *i < s->to ? &s->canon->events[(*i)++] : NULL;
}

static bool same_events(const struct side *kernel, const struct side *ours)
{
	int i = kernel->from, n = ours->from;
	struct event *k, *o;

	do {
		k = next(kernel, &i);
		o = next(ours, &n);
		if (!k != !o || (k && !same_event(kernel->canon, k, o)))
			return false;
	} while (k);
	return true;
}

static void print_side(struct text *diff, char sign, const struct side *s)
{
	struct event *e;
	int i = s->from;

	while ((e = next(s, &i))) {
		text_add(diff, "%c     %-8s %s", sign, e->task, e->text);
		if (e->mc >= 0)
			text_add(diff, " mc=%d", e->mc);
		text_add(diff, "\n");
	}
}

static bool same_command(const struct block *k, const struct block *o)
{
	return !strcmp(k->task, o->task) && !strcmp(k->command, o->command) &&
	       !strcmp(k->result, o->result);
}

static void print_command(struct text *diff, char sign, const struct block *b)
{
	text_add(diff, "%c %s> %s%s%s\n", sign, b->task, b->command,
		 b->result[0] ? "  => " : "", b->result);
}

static bool compare_command(struct canon *kernel, struct canon *ours, int block,
			    struct text *diff, char *rules, size_t room)
{
	const struct block *kb = &kernel->blocks[block];
	const struct block *ob = &ours->blocks[block];
	struct side k = side_of(kernel, block), o = side_of(ours, block);
	bool same = same_command(kb, ob);
	const char *rule;
	size_t n;

	/* More than one may apply, each once. */
	for (int i = 0; same && i < 3 && !same_events(&k, &o); i++) {
		rule = apply_difference(&k, &o);
		n = strlen(rules);
		if (rule && !strstr(rules, rule))
			snprintf(rules + n, room - n, "%s%s", n ? "," : "",
				 rule);
	}
	if (same && same_events(&k, &o))
		return true;
	print_command(diff, same ? ' ' : '-', kb);
	if (!same)
		print_command(diff, '+', ob);
	print_side(diff, '-', &k);
	print_side(diff, '+', &o);
	return false;
}

enum verdict compare(struct canon *kernel, struct canon *ours,
		     struct text *diff, char *rules, size_t room)
{
	int nr = kernel->nr_blocks < ours->nr_blocks ? kernel->nr_blocks
						     : ours->nr_blocks;
	bool same = kernel->nr_blocks == ours->nr_blocks;

	rules[0] = 0;
	for (int i = 0; i < nr; i++)
		same &= compare_command(kernel, ours, i, diff, rules, room);
	if (kernel->nr_blocks != ours->nr_blocks)
		text_add(diff, "- %d commands\n+ %d commands\n",
			 kernel->nr_blocks, ours->nr_blocks);
	if (!same)
		return DIFFERENT;
	return rules[0] ? LISTED : EQUAL;
}
