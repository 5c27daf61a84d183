// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The canonical form: each rule is for the traces of both sides alike.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "canon.h"

static void cut(char *text, const char *from, size_t n)
{
	char *at = strstr(text, from);

	if (at)
		memmove(at, at + n, strlen(at + n) + 1);
}

/* -- rules of one line -- */

static void drop_core(struct event *e)
{
	e->dropped |= begins(e->text, "[core]");
}

static void drop_log(struct event *e)
{
	e->dropped |= begins(e->text, "[kmsg]");
}

static void drop_sizes(struct event *e)
{
	e->dropped |= begins(e->text, "= sizeof") ||
		      begins(e->text, "= kprobe") ||
		      begins(e->text, "= raw_start=");
}

static void drop_reset(struct event *e)
{
	e->dropped |= begins(e->text, "!! reset");
}

/* "[?4ba000,?4be000)" */
static void drop_other(struct event *e)
{
	const char *at = strstr(e->text, "[?");

	e->dropped |= at && isxdigit((unsigned char)at[2]) && strstr(at, ",?");
}

static void drop_lock_state(struct event *e)
{
	if (!contains(e->text, "alloc_notifier"))
		cut(e->text, " ml=", strlen(" ml=X"));
}

static void drop_context(struct event *e)
{
	char *at = strstr(e->text, " ctx=");
	size_t n = at ? strcspn(at + 1, " ") + 1 : 0;

	if (!at || !contains(e->text, "free_notifier"))
		return;
	if (n > strlen(" ctx="))
		memcpy(e->task, "kworker", sizeof("kworker"));
	cut(e->text, " ctx=", n);
}

/* "= info A1 users=0 hashed=0 mm1 used", "= info A1 -> no live object (live=1)" */
static void unify_info(struct event *e)
{
	char *at = e->text + strlen("= info ");

	if (!begins(e->text, "= info "))
		return;
	at += strcspn(at, " ");
	if (!begins(at, " -> no live object") &&
	    !begins(at, " users=0 hashed=0"))
		return;
	strcpy(at, " is put");
	e->mm = 0;
	e->mc = -1;
}

static void drop_failed_insertion(struct event *e)
{
	char *at;

	if (!begins(e->text, "= interval_insert") || contains(e->text, "-> 0 "))
		return;
	at = strstr(e->text, " sub->mm ");
	if (at)
		cut(e->text, " sub->mm ",
		    strlen(" sub->mm ") +
			    (begins(at, " sub->mm not") ? 7 : 3));
}

/* -- rules of the scenario -- */

static bool ends_memory(const struct block *b)
{
	return !strcmp(b->verb, "exit") || !strcmp(b->verb, "exec") ||
	       !strcmp(b->verb, "kill");
}

/* The command with which S's memory may first come to its end. */
static int first_end(const struct canon *canon)
{
	int first = canon->nr_blocks;

	for (int i = 0; i < canon->nr_events; i++)
		if (begins(canon->events[i].text, "-- S reaped") &&
		    canon->events[i].block < first)
			first = canon->events[i].block;
	for (int i = 0; i < first; i++)
		if (ends_memory(&canon->blocks[i]))
			first = i;
	return first;
}

/*
 * Whoever is the last to leave the memory does what is to be done at its end; a
 * release before that, or by unregister, is its caller's.
 */
static void unify_exit(struct canon *canon)
{
	int first = first_end(canon);
	char leaving[12] = "";

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		bool same = !strcmp(e->task, leaving);

		if (e->dropped || !strcmp(e->task, "parent") ||
		    !strcmp(e->task, "kworker") || e->block < first ||
		    (!strcmp(canon->blocks[e->block].verb, "unreg") &&
		     !strcmp(canon->blocks[e->block].task, e->task)))
			continue;
		if (contains(e->text, ".release ") ||
		    contains(e->text, ".invalidate RELEASE") ||
		    contains(e->text, ".invalidate UNMAP B [0,ULONG_MAX)"))
			strcpy(leaving, e->task);
		else if (!same || (e->text[0] != ' ' &&
				   !contains(e->text, ".invalidate_finish")))
			continue;
		strcpy(e->task, "exit");
	}
}

/* The runner says so when it has waited, which may be before "reap". */
static void place_reaped(struct canon *canon)
{
	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		int next = e->block + 1;

		if (begins(e->text, "-- S reaped") && next < canon->nr_blocks &&
		    !strcmp(canon->blocks[next].command, "reap"))
			e->block = next;
	}
}

static bool is_result_of_kernel(const struct block *b)
{
	static const char *const verbs[] = {
		"pagemove", "softdirty", "clearrefs", "ksm",   "sysw",
		"cpu",	    "uffdwp",	 "fdrop",     "fsync", "mlock",
		"munlock",
	};
	static const char *const advice[] = {
		"pageout", "cold",     "hugepage",     "nohugepage",
		"popw",	   "mergeable", "unmergeable", "collapse",
		"popr",	   "hwpoison", "soft_offline", "wipeonfork",
		"dontfork",
	};
	const char *last = strrchr(b->command, ' ');

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i], b->verb))
			return true;
	if (strcmp(b->verb, "madv") || !last)
		return false;
	for (size_t i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		if (!strcmp(advice[i], last + 1))
			return true;
	return false;
}

static void drop_results(struct canon *canon)
{
	for (int i = 0; i < canon->nr_blocks; i++)
		if (is_result_of_kernel(&canon->blocks[i]))
			canon->blocks[i].result[0] = 0;
}

/* The command takes a while, or ends when nothing moves any more. */
static bool everybody_rests(const struct block *b)
{
	static const char *const verbs[] = {
		"settle", "sleep", "kill", "reap", "exit", "exec", "end",
	};

	if (begins(b->command, "bg: ") || begins(b->command, "bg2: "))
		return true;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i], b->verb))
			return true;
	return false;
}

static bool task_rests(const struct block *b, const char *task)
{
	if (everybody_rests(b))
		return true;
	if (!strcmp(b->verb, "join"))
		return !strcmp(task, "S.bg");
	return !strcmp(b->verb, "join2") && !strcmp(task, "S.bg2");
}

/* Who does not do the command itself may say it now or later. */
static void place_background(struct canon *canon)
{
	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		const struct block *own = &canon->blocks[e->block];

		if (e->dropped || !e->task[0] || !strcmp(e->task, own->task) ||
		    !strcmp(e->task, "kworker"))
			continue;
		while (e->block < canon->nr_blocks - 1 &&
		       !task_rests(&canon->blocks[e->block], e->task))
			e->block++;
	}
}

static bool is_free(const struct event *e)
{
	return !e->dropped && contains(e->text, ".free_notifier") &&
	       !strcmp(e->task, "kworker");
}

/* Which callbacks wait in a gate, and of which address space. */
struct blocked {
	struct {
		char who[12], task[12];
		int mm;
	} at[32];
	int nr;
};

static void note_blocked(struct blocked *blocked, const struct event *e,
			 int mm)
{
	char who[12] = "", *dot;
	int n = 0;

	sscanf(e->text, " %11s", who);
	dot = strchr(who, '.');
	if (dot)
		*dot = 0;
	if (contains(e->text, " BLOCKED") && blocked->nr < 32) {
		strcpy(blocked->at[blocked->nr].who, who);
		strcpy(blocked->at[blocked->nr].task, e->task);
		blocked->at[blocked->nr++].mm = mm;
		return;
	}
	if (!contains(e->text, " resumed"))
		return;
	for (int i = 0; i < blocked->nr; i++)
		if (strcmp(blocked->at[i].who, who) ||
		    strcmp(blocked->at[i].task, e->task))
			blocked->at[n++] = blocked->at[i];
	blocked->nr = n;
}

/* The address space that the task's last line is about. */
static int mm_of_task(const struct canon *canon, int before)
{
	const char *task = canon->events[before].task;

	for (int i = before - 1; i >= 0; i--)
		if (!strcmp(canon->events[i].task, task) &&
		    canon->events[i].mm)
			return canon->events[i].mm;
	return 0;
}

/* At the end of this command, is a callback of another address space stuck? */
static bool others_are_stuck(const struct canon *canon, int block, int mm)
{
	struct blocked blocked = { .nr = 0 };

	for (int i = 0; i < canon->nr_events; i++)
		if (canon->events[i].block <= block)
			note_blocked(&blocked, &canon->events[i],
				     mm_of_task(canon, i));
	for (int i = 0; i < blocked.nr; i++)
		if (blocked.at[i].mm != mm)
			return true;
	return false;
}

static bool frees_are_seen(const struct block *b)
{
	return !strcmp(b->verb, "settle") || !strcmp(b->verb, "sleep") ||
	       !strcmp(b->verb, "end");
}

/*
 * "A1.free_notifier ...", "= put A1 returned", "  A1 put-from-release ..."; the free
 * may come before the put has returned.
 */
static int last_put_of(const struct canon *canon, int free)
{
	char who[12], put[32], release[32];
	const char *text = canon->events[free].text;

	snprintf(who, sizeof(who), "%.*s", (int)strcspn(text, "."), text);
	snprintf(put, sizeof(put), "= put %s returned", who);
	snprintf(release, sizeof(release), "  %s put-from-release", who);
	for (int i = free - 1; i >= 0; i--)
		if (begins(canon->events[i].text, put) ||
		    begins(canon->events[i].text, release))
			return i;
	for (int i = free + 1; i < canon->nr_events &&
	     canon->events[i].block == canon->events[free].block; i++)
		if (begins(canon->events[i].text, put))
			return i;
	return -1;
}

/*
 * A synchronize that began after that put and returned after the free, before a
 * command in which it is seen anyway.
 */
static int synchronised_by(const struct canon *canon, int free)
{
	int put = last_put_of(canon, free), block = canon->events[free].block;

	for (int i = free + 1; put >= 0 && i < canon->nr_events; i++) {
		const struct event *e = &canon->events[i];

		for (; block < e->block; block++)
			if (frees_are_seen(&canon->blocks[block]))
				return -1;
		if (begins(e->text, "= synchronize returned") &&
		    canon->events[put].block < e->block)
			return i;
	}
	return -1;
}

/*
 * Between the last put and when the free is sure to be over the notifier's
 * reference is there or not.
 */
static void loosen_frees(struct canon *canon)
{
	for (int f = 0; f < canon->nr_events; f++) {
		struct event *free = &canon->events[f];
		int put = last_put_of(canon, f), end = free->block;

		if (!is_free(free))
			continue;
		free->mc = -1;
		cut(free->text, " used", strlen(" used"));
		cut(free->text, " dead", strlen(" dead"));
		while (end < canon->nr_blocks - 1 &&
		       !frees_are_seen(&canon->blocks[end]))
			end++;
		for (int i = put < 0 ? 0 : put; i < canon->nr_events; i++)
			if (canon->events[i].mm == free->mm &&
			    canon->events[i].block <= end)
				canon->events[i].loose++;
	}
}

/*
 * Which mapping of a file comes first is the kernel's affair; and of the ranges of a
 * fork here, all of which begin before it, only who hears a start, or an interval that
 * is hit, can tell which comes first.
 */
static bool is_of_mappings(const struct block *b)
{
	return !strcmp(b->verb, "trunc") || !strcmp(b->verb, "punch") ||
	       !strcmp(b->verb, "fork") ||
	       (!strcmp(b->verb, "madv") && contains(b->command, " remove"));
}

static unsigned long address_in(const struct range_event *r)
{
	unsigned long region = 0, page = 0;
	const char *at = strstr(r->range, "[r");

	if (at)
		sscanf(at, "[r%lu+%lu", &region, &page);
	return region << 32 | page;
}

/* By address, each one's lines in their order. */
static void sort_ranges(struct canon *canon)
{
	struct range_event a, b;

	for (int i = 1; i < canon->nr_events; i++)
		for (int k = i; k > 0; k--) {
			struct event *e = &canon->events[k], swap = e[-1];

			if (e->block != e[-1].block ||
			    !is_of_mappings(&canon->blocks[e->block]) ||
			    !parse_range(&e[-1], &a) || !parse_range(e, &b) ||
			    address_in(&a) <= address_in(&b))
				break;
			e[-1] = e[0];
			e[0] = swap;
		}
}

/* How many references come or go with what the line says. */
static int nr_references(const struct event *e)
{
	if (begins(e->text, "= register") || begins(e->text, "= __register") ||
	    begins(e->text, "= get ") || begins(e->text, "= interval_insert"))
		return 1;
	/* The tester's, too. */
	return begins(e->text, "= interval_remove") &&
		       contains(e->text, " returned") ? 2 : 0;
}

/*
 * A registration in the background that has to wait is counted before (here) or
 * after it (in the kernel); a removal may go on before the range's end is told.
 */
static void loosen_background(struct canon *canon)
{
	for (int r = 0; r < canon->nr_events; r++) {
		const struct event *e = &canon->events[r];
		int from, n = nr_references(e);

		if (!begins(e->task, "S.bg") || !n)
			continue;
		from = told_in(canon, e);
		for (int i = 0; i <= r; i++)
			if (canon->events[i].mm == e->mm &&
			    canon->events[i].block >= from)
				canon->events[i].loose += n;
	}
}

static void loosen_counts(struct canon *canon)
{
	loosen_frees(canon);
	loosen_background(canon);
}

/* One range after the other, in the order in which they begin. */
static void unnest_ranges(struct canon *canon)
{
	struct range_event a, b;
	struct event e;
	int from = 0;

	for (int i = 0; i < canon->nr_events; i++) {
		struct event *at = &canon->events[i];
		int k, last = -1;

		/* A free may come at any time, between ranges too. */
		if (is_free(at) || contains(at->text, ".inv "))
			continue;
		if (!parse_range(at, &a) || canon->events[from].block != at->block ||
		    strcmp(canon->events[from].task, at->task)) {
			from = parse_range(at, &a) ? i : i + 1;
			continue;
		}
		for (k = from; k < i; k++)
			if (parse_range(&canon->events[k], &b) &&
			    !strcmp(a.range, b.range))
				last = k;
		if (last < 0)
			continue;
		e = *at;
		for (k = i; k > last + 1; k--)
			canon->events[k] = canon->events[k - 1];
		canon->events[last + 1] = e;
	}
}

/*
 * Not before the callbacks that run have returned, and before a synchronize
 * returns; apart from that a free may come at any time until all have rested.
 */
static void place_frees(struct canon *canon)
{
	for (int i = 0; i < canon->nr_events; i++) {
		struct event *e = &canon->events[i];
		int sync;

		if (!is_free(e))
			continue;
		sync = synchronised_by(canon, i);
		if (sync >= 0) {
			e->block = canon->events[sync].block;
			continue;
		}
		while (e->block < canon->nr_blocks - 1 &&
		       (!frees_are_seen(&canon->blocks[e->block]) ||
			others_are_stuck(canon, e->block, e->mm)))
			e->block++;
	}
}

/* "= read_retry I0 seq=1 sub=3 -> 1", without a "= read_begin I0 -> 1" before */
static void drop_retry_unread(struct canon *canon)
{
	char line[40];

	for (int i = 0; i < canon->nr_events; i++) {
		char *text = canon->events[i].text, *sub = strstr(text, " sub=");
		bool read = false;

		if (!begins(text, "= read_retry I") || !sub)
			continue;
		snprintf(line, sizeof(line), "= read_begin %.2s -> ",
			 text + strlen("= read_retry "));
		for (int k = 0; k < i; k++)
			read |= begins(canon->events[k].text, line);
		if (!read)
			text[strlen("= read_retry I0")] = 0;
	}
}

/* -- the table -- */

static const struct {
	const char *what, *why;
	void (*of_line)(struct event *e);
	void (*of_all)(struct canon *canon);
} rules[] = {
	{ "the number of a line",
	  "it counts lines that are dropped here, too", NULL, NULL },
	{ "[core] lines",
	  "probes inside the kernel, how it does it (contract 24, 52)",
	  drop_core, NULL },
	{ "[kmsg] lines",
	  "the kernel's log; a WARN_ON_ONCE is once per boot, whatever the scenario",
	  drop_log, NULL },
	{ "what \"sizes\" prints",
	  "sizes of structures, and which probes there are", drop_sizes, NULL },
	{ "\"!! reset\"", "what an earlier scenario has left behind",
	  drop_reset, NULL },
	{ "ranges outside of the regions",
	  "the runner's own memory: stacks, heap, at addresses chosen at random",
	  drop_other, NULL },
	{ "ml= but in alloc_notifier",
	  "which lock of the mm an operation holds depends on the operation and the version (contract 77); that alloc_notifier has it for writing is compared",
	  drop_lock_state, NULL },
	{ "mu= becomes used or dead",
	  "the kernel counts each thread of the process in mm_users", NULL,
	  NULL },
	{ "mc= may be higher in the kernel",
	  "by one for each CPU whose kernel thread still has the mm loaded, one for a task that dies, one for process_mrelease; two at most, three in a callback of a call, four at the end; see compare.c",
	  NULL, NULL },
	{ "ctx= becomes the task kworker",
	  "what the kernel frees in, softirq and workqueue, is a thread of the library's (contract 36); a free in another context stays visible",
	  drop_context, NULL },
	{ "info of what was put",
	  "freed or not yet is a matter of time; when it is freed is compared by the free itself",
	  unify_info, NULL },
	{ "sub->mm after a refused insertion",
	  "the subscriber's memory after an error, not promised (contract 105)",
	  drop_failed_insertion, NULL },
	{ "mc= around a free, and mc= and mu= in it; mc= during a registration that waits",
	  "a reference that a free drops is dropped when it comes, which is time; one that a registration takes is taken before it waits, or after (contract 24)",
	  NULL, loosen_counts },
	{ "who exits becomes the task exit",
	  "the last thread or child to leave the memory, whichever that is",
	  NULL, unify_exit },
	{ "\"-- S reaped\" comes under reap",
	  "the runner prints it as soon as it has waited", NULL, place_reaped },
	{ "read_retry of what was not read in the scenario",
	  "it asks with the number of an earlier scenario", NULL,
	  drop_retry_unread },
	{ "results of commands that ask the kernel alone",
	  "a node, a privilege or an option of the kernel that it ran on; no notifier",
	  NULL, drop_results },
	{ "lines of threads in the background",
	  "come under the next command that waits for the thread: how soon it goes on is time",
	  NULL, place_background },
	{ "free_notifier",
	  "comes under the command that settles or synchronises next: it is asynchronous (contract 36); a callback that is stuck in another mm delays it in the kernel (contract 45), which is time, too",
	  NULL, place_frees },
	{ "ranges that nest in a command",
	  "come one after the other: the kernel does the parts of a call in turn, the library brackets the call; each keeps its own order",
	  NULL, unnest_ranges },
	{ "ranges of a change of a file, and of a fork",
	  "come by address: in which order mappings are found is the kernel's",
	  NULL, sort_ranges },
	{ "order of tasks within a command",
	  "two tasks run side by side; each one's lines keep their order, frees that of their mm",
	  NULL, sort_events },
};

#define NR_RULES (sizeof(rules) / sizeof(*rules))

void canonicalise(struct canon *canon)
{
	for (size_t r = 0; r < NR_RULES; r++)
		for (int i = 0; rules[r].of_line && i < canon->nr_events; i++)
			rules[r].of_line(&canon->events[i]);
	if (canon->is_kernel)
		correct_kernel(canon);
	for (size_t r = 0; r < NR_RULES; r++)
		if (rules[r].of_all)
			rules[r].of_all(canon);
}

void print_normalisations(FILE *to)
{
	for (size_t r = 0; r < NR_RULES; r++)
		fprintf(to, "%s:\n\t%s\n", rules[r].what, rules[r].why);
}
