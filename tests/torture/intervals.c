// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mirrors of software address spaces, under random ranges, in many threads.
 *
 *   torture-intervals [-t threads] [-n operations] [-d seconds] [-s seed]
 *
 * Without -t: 2, 7 and 64 threads, one after the other, a third of the work
 * each.
 *
 * A space has some pages, whose contents change, and change only inside of
 * ranges.  A mirror is an interval notifier with a copy of the contents, made by
 * mmu_interval_read_begin() and _retry() and dropped by ->invalidate().  While a
 * range is active no mirror has anything of it; and whatever a mirror has is what
 * is there.  See op_range() and op_lookup().
 *
 * Some mirrors stay; others come and go, and their memory is poisoned and freed.
 * One rule is to keep here: a thread with a range in flight neither removes nor
 * reads, but for what its own range has put off (op_deferred()).
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <mmunotify/interval_notifier.h>
#include <mmunotify/monitor.h>

#include "sanitized.h"
#include "tap.h"

#define MAX_THREADS 64
#define MMS 2
#define PAGES 64
#define PAGE 4096UL
#define STAYING 8		/* mirrors of each space */
#define OPEN 2			/* ranges that a thread keeps open */
#define BATCH 64

/* Built with a rule of the library's taken out, or with one of the user's. */
#ifdef TORTURE_MUTANT
#define MUTANT TORTURE_MUTANT
#else
#define MUTANT NONE
#endif

enum { NONE, ODD, ADVANCE, DEFER, RETRY };

/* What must not happen, counted. */
enum violation {
	STALE,
	WRONG,
	EARLY,
	LATE,
	BACKWARDS,
	UNTOLD,
	RESULT,
	CHILD,
	VIOLATIONS
};

static const char *const violation_names[VIOLATIONS] = {
	[STALE] = "[S119] no mirror has anything of a range that is active",
	[WRONG] = "[S119] what a mirror has is what is there",
	[EARLY] = "[S111] what is put off is not called before the last end",
	[LATE] = "[S121] nothing is called after its removal",
	[BACKWARDS] = "[S116] sequences are odd, and go up",
	[UNTOLD] = "[S128] the last mmput tells of the release and the unmapping",
	[RESULT] = "calls return what they must",
	[CHILD] = "[S61] children of fork work",
};

static atomic_ulong violations[VIOLATIONS];

static const enum violation expected = MUTANT == DEFER ? EARLY : STALE;

/* A mutant has shown what it must: what else it does is of no interest. */
static void report_mutant(const char *how)
{
	static atomic_bool reported;

	if (atomic_exchange(&reported, true))
		for (;;)
			pause();
	ok(how, "without it, not so: %s", violation_names[expected]);
	diag("%s", how ? how : "nothing went wrong");
	_exit(tap_end());
}

static void violate(enum violation v)
{
	atomic_fetch_add(&violations[v], 1);
	if (MUTANT != NONE && v == expected)
		report_mutant("seen");
}

/* Links may lead anywhere, or nowhere. */
static void on_signal(int sig)
{
	report_mutant(sig == SIGALRM ? "it hangs" : "it crashes");
}

/* -- spaces and mirrors -- */

struct mirror;

/* What the core has of it: freed when it is removed. */
struct box {
	struct mmu_interval_notifier sub;
	struct mirror *mirror;
	atomic_bool inserted;
	unsigned int process;		/* of those since a fork() */
	bool put_off;			/* by the range that it was inserted in */
	struct mmu_interval_notifier_finish finish;
	atomic_bool finishing;
};

struct mirror {
	pthread_mutex_t lock;
	struct space *space;
	struct box *box;		/* NULL: it is not inserted */
	unsigned int first, last;	/* pages, inclusive */
	bool may_refuse;
	unsigned long heard[8];		/* of each event */
	atomic_ulong copy[PAGES];	/* 0: none */
};

struct space {
	struct mm_struct *mm;
	atomic_ulong content[PAGES];
	struct mirror staying[STAYING];
	struct mirror passing[MAX_THREADS];	/* one for each thread */
};

struct open_range {
	struct mmu_notifier_range range;
	struct space *space;
	bool open;
};

struct worker {
	uint64_t rng;
	unsigned int number;
	pthread_t thread;
	struct open_range open[OPEN];
	unsigned int nopen;
};

static struct {
	unsigned int threads;
	unsigned long operations;	/* 0: no limit */
	unsigned int seconds;		/* 0: no limit */
	uint64_t seed;
} option;

static unsigned int process;
static struct space spaces[MMS];
static struct worker workers[MAX_THREADS];
static atomic_ulong next_content = 1;
static atomic_ulong tickets, operations;
static unsigned long ticket_limit;
static double deadline;
static atomic_ulong hits, refusals, retries, published, found, insertions,
	deferrals, forks, releases;
static __thread unsigned int draws_of_callbacks;

static uint64_t draw(struct worker *w)
{
	w->rng ^= w->rng >> 12;
	w->rng ^= w->rng << 25;
	w->rng ^= w->rng >> 27;
	return (w->rng * 0x2545f4914f6cdd1dULL) >> 20;
}

static struct space *some_space(struct worker *w)
{
	return &spaces[draw(w) % MMS];
}

/* -- callbacks -- */

static void drop(struct mirror *m, const struct mmu_notifier_range *range)
{
	for (unsigned int p = m->first; p <= m->last; p++)
		if (p * PAGE < range->end && (p + 1) * PAGE > range->start)
			atomic_store(&m->copy[p], 0);
}

static bool refuse(struct mirror *m, const struct mmu_notifier_range *range)
{
	return m->may_refuse && !mmu_notifier_range_blockable(range) &&
	       ++draws_of_callbacks % 4 == 0;
}

static bool invalidate(struct mmu_interval_notifier *sub,
		       const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	struct box *box = (struct box *)sub; /* sub comes first */
	struct mirror *m = box->mirror;

	if (!atomic_load(&box->inserted)) {
		violate(LATE);
		return true;
	}
	/* Somebody's who is gone, and so may be who held the lock. */
	if (box->process != process) {
		mmu_interval_set_seq(sub, seq);
		return true;
	}
	if (box->put_off)
		violate(EARLY);
	if (refuse(m, range))
		return false;
	pthread_mutex_lock(&m->lock);
	if (!(seq & 1) || seq < sub->invalidate_seq)
		violate(BACKWARDS);
	mmu_interval_set_seq(sub, seq);
	drop(m, range);
	m->heard[range->event]++;
	pthread_mutex_unlock(&m->lock);
	atomic_fetch_add(&hits, 1);
	if (++draws_of_callbacks % 64 == 0)
		sched_yield();
	return true;
}

static bool begin(struct mmu_interval_notifier *sub,
		  const struct mmu_notifier_range *range, unsigned long seq,
		  struct mmu_interval_notifier_finish **finish)
{
	struct box *box = (struct box *)sub;

	if (*finish)
		violate(RESULT);
	if (!atomic_exchange(&box->finishing, true))
		*finish = &box->finish;
	if (invalidate(sub, range, seq))
		return true;
	/* Who refuses is not called again. */
	if (*finish)
		atomic_store(&box->finishing, false);
	return false;
}

static void finish(struct mmu_interval_notifier_finish *f)
{
	struct box *box = (struct box *)f->notifier;

	if (f != &box->finish || !atomic_exchange(&box->finishing, false))
		violate(RESULT);
}

static const struct mmu_interval_notifier_ops one_pass = {
	.invalidate = invalidate,
};

static const struct mmu_interval_notifier_ops two_passes = {
	.invalidate_start = begin,
	.invalidate_finish = finish,
};

/* Refuses, after the interval notifiers have been called. */
static int classic_start(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *range)
{
	(void)mn;
	if (mmu_notifier_range_blockable(range) || ++draws_of_callbacks % 8)
		return 0;
	return -EAGAIN;
}

static const struct mmu_notifier_ops classic_ops = {
	.invalidate_range_start = classic_start,
};
static struct mmu_notifier classic[MMS];

/* -- mirrors come, read and go -- */

static void insert(struct worker *w, struct mirror *m, bool put_off)
{
	struct box *box = calloc(1, sizeof(*box));
	unsigned int span = m->last - m->first + 1;

	if (!box)
		abort();
	box->mirror = m;
	box->process = process;
	box->put_off = put_off;
	atomic_store(&box->inserted, true);
	if (mmu_interval_notifier_insert(&box->sub, m->space->mm,
					 m->first * PAGE, span * PAGE,
					 draw(w) % 2 ? &one_pass : &two_passes))
		violate(RESULT);
	m->box = box;
	atomic_fetch_add(&insertions, 1);
}

/* Who is not called any more must not have anything. */
static void take_out(struct mirror *m)
{
	struct box *box = m->box;

	for (unsigned int p = m->first; p <= m->last; p++)
		atomic_store(&m->copy[p], 0);
	mmu_interval_notifier_remove(&box->sub);
	atomic_store(&box->inserted, false);
	m->box = NULL;
	memset(&box->sub, 0x5a, sizeof(box->sub));
	free(box);
}

static bool publish(struct mirror *m, const unsigned long *read,
		    unsigned long seq)
{
	bool stale;

	pthread_mutex_lock(&m->lock);
	stale = mmu_interval_read_retry(&m->box->sub, seq);
	if (!stale || MUTANT == RETRY)
		for (unsigned int p = m->first; p <= m->last; p++)
			atomic_store(&m->copy[p], read[p]);
	pthread_mutex_unlock(&m->lock);
	atomic_fetch_add(stale ? &retries : &published, 1);
	return !stale;
}

/* The collision-retry loop; given up when ranges keep coming. */
static void fill(struct worker *w, struct mirror *m)
{
	unsigned long seq, read[PAGES];

	for (int i = 0; i < 8; i++) {
		seq = mmu_interval_read_begin(&m->box->sub);
		for (unsigned int p = m->first; p <= m->last; p++)
			read[p] = atomic_load(&m->space->content[p]);
		if (draw(w) % 8 == 0)
			sched_yield();
		if (draw(w) % 2 || MUTANT == RETRY ||
		    !mmu_interval_check_retry(&m->box->sub, seq))
			if (publish(m, read, seq))
				return;
	}
}

static void place(struct worker *w, struct mirror *m)
{
	m->first = draw(w) % PAGES;
	m->last = m->first + draw(w) % 8;
	if (m->last >= PAGES)
		m->last = PAGES - 1;
}

/* -- ranges -- */

static bool start(struct worker *w, struct mmu_notifier_range *range,
		  struct space *s, unsigned int first, unsigned int nr)
{
	int ret;

	if (first + nr > PAGES)
		nr = PAGES - first;
	mmu_notifier_range_init(range, draw(w) % 5, 0, s->mm, first * PAGE,
				(first + nr) * PAGE);
	if (draw(w) % 4) {
		mmu_notifier_invalidate_range_start(range);
		return true;
	}
	ret = mmu_notifier_invalidate_range_start_nonblock(range);
	if (!ret)
		return true;
	if (ret != -EAGAIN)
		violate(RESULT);
	atomic_fetch_add(&refusals, 1);
	return false;
}

static bool has_copy(struct mirror *m, unsigned int first, unsigned int last)
{
	for (unsigned int p = first; p <= last; p++)
		if (atomic_load(&m->copy[p]))
			return true;
	return false;
}

static void check_unpublished(struct space *s,
			      const struct mmu_notifier_range *range)
{
	unsigned int first = range->start / PAGE, last = range->end / PAGE - 1;

	for (int i = 0; i < STAYING; i++)
		if (has_copy(&s->staying[i], first, last))
			violate(STALE);
	for (int i = 0; i < MAX_THREADS; i++)
		if (has_copy(&s->passing[i], first, last))
			violate(STALE);
}

/* Whatever is in it becomes something else. */
static void change(struct worker *w, struct space *s,
		   const struct mmu_notifier_range *range)
{
	check_unpublished(s, range);
	for (unsigned long p = range->start / PAGE; p < range->end / PAGE; p++)
		atomic_store(&s->content[p],
			     atomic_fetch_add(&next_content, 1));
	if (draw(w) % 32 == 0)
		sched_yield();
	check_unpublished(s, range);
}

static void op_range(struct worker *w)
{
	struct space *s = some_space(w);
	struct mmu_notifier_range range;

	if (!start(w, &range, s, draw(w) % PAGES, 1 + draw(w) % 16))
		return;
	change(w, s, &range);
	mmu_notifier_invalidate_range_end(&range);
}

static void close_range_of(struct worker *w, struct open_range *o)
{
	change(w, o->space, &o->range);
	mmu_notifier_invalidate_range_end(&o->range);
	o->open = false;
	w->nopen--;
}

static void close_all(struct worker *w)
{
	for (int i = 0; i < OPEN; i++)
		if (w->open[i].open)
			close_range_of(w, &w->open[i]);
}

/* Ranges that stay open over operations, and end in any order. */
static void op_open(struct worker *w)
{
	struct open_range *o = &w->open[draw(w) % OPEN];

	if (o->open) {
		close_range_of(w, o);
		return;
	}
	o->space = some_space(w);
	o->open = start(w, &o->range, o->space, draw(w) % PAGES,
			1 + draw(w) % 4);
	w->nopen += o->open;
}

/* -- mirrors, as operations -- */

static void op_fill(struct worker *w)
{
	struct space *s = some_space(w);
	struct mirror *m = &s->staying[draw(w) % STAYING];

	close_all(w);
	fill(w, m);
}

/* By contents, which change only while nobody has them. */
static void op_lookup(struct worker *w)
{
	struct space *s = some_space(w);
	struct mirror *m = &s->staying[draw(w) % STAYING];
	unsigned long copy;

	pthread_mutex_lock(&m->lock);
	for (unsigned int p = m->first; p <= m->last; p++) {
		copy = atomic_load(&m->copy[p]);
		if (copy && copy != atomic_load(&s->content[p]))
			violate(WRONG);
		atomic_fetch_add(&found, !!copy);
	}
	pthread_mutex_unlock(&m->lock);
}

static void op_come_and_go(struct worker *w)
{
	struct mirror *m = &some_space(w)->passing[w->number];

	if (!m->box) {
		place(w, m);
		insert(w, m, false);
		return;
	}
	close_all(w);
	fill(w, m);
	if (draw(w) % 2)
		take_out(m);
}

/*
 * While a range of ours is active that has hit somebody, what is inserted is put
 * off: a second range, of ours or of anybody, does not reach it, and its removal
 * does not wait.
 */
static void op_deferred(struct worker *w)
{
	struct space *s = some_space(w);
	struct mirror m = { .space = s, .first = 8 * (draw(w) % STAYING) };
	struct mmu_notifier_range outer, inner;

	pthread_mutex_init(&m.lock, NULL);
	m.last = m.first + 7;
	mmu_notifier_range_init(&outer, MMU_NOTIFY_CLEAR, 0, s->mm,
				m.first * PAGE, (m.last + 1) * PAGE);
	mmu_notifier_invalidate_range_start(&outer);
	insert(w, &m, true);
	if (start(w, &inner, s, m.first, 8))
		mmu_notifier_invalidate_range_end(&inner);
	if (draw(w) % 2) {
		take_out(&m);
		mmu_notifier_invalidate_range_end(&outer);
	} else {
		m.box->put_off = false;
		mmu_notifier_invalidate_range_end(&outer);
		close_all(w);
		take_out(&m);
	}
	pthread_mutex_destroy(&m.lock);
	atomic_fetch_add(&deferrals, 1);
}

/* A space of one's own, to its end. */
static void op_release(struct worker *w)
{
	static __thread struct mirror own[3];
	static __thread struct space s;

	close_all(w);
	s.mm = mm_alloc();
	if (!s.mm)
		abort();
	for (int i = 0; i < 3; i++) {
		memset(&own[i], 0, sizeof(own[i]));
		pthread_mutex_init(&own[i].lock, NULL);
		own[i].space = &s;
		place(w, &own[i]);
		insert(w, &own[i], false);
		fill(w, &own[i]);
	}
	mmput(s.mm);
	for (int i = 0; i < 3; i++) {
		if (own[i].heard[MMU_NOTIFY_RELEASE] != 1 ||
		    own[i].heard[MMU_NOTIFY_UNMAP] != 1 ||
		    has_copy(&own[i], 0, PAGES - 1))
			violate(UNTOLD);
		take_out(&own[i]);
	}
	atomic_fetch_add(&releases, 1);
}

/* -- fork() -- */

/* Whoever held a mirror's lock is gone, and what he did with it is undone. */
static void mirror_after_fork(struct mirror *m)
{
	pthread_mutex_init(&m->lock, NULL);
	for (int p = 0; p < PAGES; p++)
		atomic_store(&m->copy[p], 0);
	if (m->box) {
		m->box->process = process;
		atomic_store(&m->box->finishing, false);
	}
}

static void child_main(struct worker *w)
{
	alarm(60);
	process++;
	for (int v = 0; v < VIOLATIONS; v++)
		atomic_store(&violations[v], 0);
	for (int i = 0; i < MMS; i++) {
		for (int j = 0; j < STAYING; j++)
			mirror_after_fork(&spaces[i].staying[j]);
		for (int j = 0; j < MAX_THREADS; j++)
			mirror_after_fork(&spaces[i].passing[j]);
	}
	for (int i = 0; i < 50; i++) {
		op_range(w);
		op_open(w);
	}
	for (int i = 0; i < 20; i++) {
		op_fill(w);
		op_deferred(w);
		op_come_and_go(w);
		op_lookup(w);
	}
	op_release(w);
	for (int i = 0; i < MMS; i++)
		for (int j = 0; j < STAYING; j++)
			take_out(&spaces[i].staying[j]);
	for (int v = 0; v < VIOLATIONS; v++)
		if (atomic_load(&violations[v]))
			_exit(1 + v);
	_exit(0);
}

static void op_fork(struct worker *w)
{
	int status;
	pid_t pid;

	if (!MAY_FORK)
		return;
	pid = fork();
	if (!pid)
		child_main(w);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail("fork: %s", strerror(errno));
	atomic_fetch_add(&forks, 1);
	if (status) {
		if (!atomic_load(&violations[CHILD]))
			diag("child: %s %d",
			     WIFSIGNALED(status) ? "signal" : "violation",
			     WIFSIGNALED(status) ? WTERMSIG(status) :
						   WEXITSTATUS(status) - 1);
		violate(CHILD);
	}
}

/* -- threads -- */

/* In 10000ths. */
static const struct {
	void (*op)(struct worker *w);
	unsigned int weight;
} mix[] = {
	{ op_range, 5000 },
	{ op_fill, 1900 },
	{ op_lookup, 1200 },
	{ op_open, 700 },
	{ op_come_and_go, 800 },
	{ op_deferred, 390 },
	{ op_release, 8 },
	{ op_fork, 2 },
};
#define MIX 10000

static void step(struct worker *w)
{
	unsigned int r = draw(w) % MIX;
	unsigned int i = 0;

	while (r >= mix[i].weight)
		r -= mix[i++].weight;
	mix[i].op(w);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

/* Return: may the worker do another batch? */
static bool take_tickets(void)
{
	if (deadline && now() >= deadline)
		return false;
	return atomic_fetch_add(&tickets, BATCH) < ticket_limit;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (take_tickets()) {
		for (int i = 0; i < BATCH; i++)
			step(w);
		atomic_fetch_add(&operations, BATCH);
	}
	close_all(w);
	for (int i = 0; i < MMS; i++)
		if (spaces[i].passing[w->number].box)
			take_out(&spaces[i].passing[w->number]);
	return NULL;
}

static void phase(unsigned int threads, double seconds, unsigned long limit)
{
	unsigned long before = atomic_load(&operations);
	double begun = now();

	deadline = seconds > 0 ? begun + seconds : 0;
	ticket_limit = limit ? limit : ULONG_MAX;
	atomic_store(&tickets, 0);
	for (unsigned int i = 0; i < threads; i++) {
		workers[i].rng = option.seed * 1000003 + i * 2 + 1;
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			bail("pthread_create: %s", strerror(errno));
	}
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	before = atomic_load(&operations) - before;
	diag("%u threads: %lu operations, %.0f per second", threads, before,
	     before / (now() - begun));
}

/* -- before and after -- */

static void make_space(struct worker *w, struct space *s)
{
	s->mm = mm_alloc();
	if (!s->mm)
		bail("out of memory");
	for (int p = 0; p < PAGES; p++)
		atomic_store(&s->content[p], atomic_fetch_add(&next_content, 1));
	for (int i = 0; i < MAX_THREADS; i++) {
		pthread_mutex_init(&s->passing[i].lock, NULL);
		s->passing[i].space = s;
	}
	/* Between them they have all pages, some of them twice. */
	for (unsigned int i = 0; i < STAYING; i++) {
		struct mirror *m = &s->staying[i];

		pthread_mutex_init(&m->lock, NULL);
		m->space = s;
		m->first = 8 * i;
		m->last = m->first + (i % 2 ? 7 : 9);
		if (m->last >= PAGES)
			m->last = PAGES - 1;
		m->may_refuse = i % 4 == 3;
		insert(w, m, false);
	}
}

static void set_up(void)
{
	struct worker w = { .rng = option.seed * 2 + 1 };

	for (int i = 0; i < MMS; i++) {
		make_space(&w, &spaces[i]);
		classic[i].ops = &classic_ops;
		if (mmu_notifier_register(&classic[i], spaces[i].mm))
			bail("register");
	}
}

static void tear_down(void)
{
	for (int i = 0; i < MMS; i++) {
		for (int j = 0; j < STAYING; j++)
			take_out(&spaces[i].staying[j]);
		mmu_notifier_unregister(&classic[i], spaces[i].mm);
		ok(mmun_mm_count(spaces[i].mm) == 1,
		   "[S107] mm %d: mm_count %u is back at 1", i,
		   mmun_mm_count(spaces[i].mm));
		mmput(spaces[i].mm);
	}
}

static atomic_uint warnings;
static char first_warning[128];

static void note_warning(const char *line)
{
	if (!atomic_fetch_add(&warnings, 1))
		strncpy(first_warning, line, sizeof(first_warning) - 1);
}

static int report(void)
{
	diag("%lu hits, %lu refusals; %lu copies published, %lu retries, %lu found",
	     atomic_load(&hits), atomic_load(&refusals),
	     atomic_load(&published), atomic_load(&retries),
	     atomic_load(&found));
	diag("%lu insertions, %lu put off; %lu releases, %lu forks",
	     atomic_load(&insertions), atomic_load(&deferrals),
	     atomic_load(&releases), atomic_load(&forks));
	for (int v = 0; v < VIOLATIONS; v++) {
		if (v == CHILD && !MAY_FORK)
			skip(violation_names[v],
			     "fork with threads under a sanitizer");
		else
			ok(!atomic_load(&violations[v]), "%s",
			   violation_names[v]);
	}
	ok(!atomic_load(&warnings), "no warning %s", first_warning);
	ok(atomic_load(&hits) && atomic_load(&refusals) &&
	   atomic_load(&retries) && atomic_load(&found),
	   "hits, refusals, retries and copies were seen");
	return tap_end();
}

static void parse(int argc, char **argv)
{
	int c;

	option.seed = time(NULL);
	while ((c = getopt(argc, argv, "t:n:d:s:")) != -1) {
		switch (c) {
		case 't':
			option.threads = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			option.operations = strtod(optarg, NULL);
			break;
		case 'd':
			option.seconds = strtoul(optarg, NULL, 0);
			break;
		case 's':
			option.seed = strtoull(optarg, NULL, 0);
			break;
		default:
			bail("usage: torture-intervals [-t threads] [-n operations] [-d seconds] [-s seed]");
		}
	}
	if (option.threads > MAX_THREADS)
		bail("at most %d threads", MAX_THREADS);
	if (!option.operations && !option.seconds)
		option.seconds = 8;
}

/* In a process of its own: it may crash where signals are blocked, too. */
static void fork_mutant(void)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid) {
		waitpid(pid, &status, 0);
		if (WIFSIGNALED(status))
			report_mutant("it crashes");
		_exit(WEXITSTATUS(status));
	}
	signal(SIGSEGV, on_signal);
	signal(SIGALRM, on_signal);
	alarm(option.seconds + 5);
}

int main(int argc, char **argv)
{
	static const unsigned int all[] = { 2, 7, 64 };

	parse(argc, argv);
	tap_begin(option.seconds ? option.seconds + 60 : 0);
	diag("seed %llu", (unsigned long long)option.seed);
	mmun_set_warn_handler(note_warning);
	if (MUTANT != NONE)
		fork_mutant();
	set_up();
	if (option.threads)
		phase(option.threads, option.seconds, option.operations);
	else
		for (int i = 0; i < 3; i++)
			phase(all[i], option.seconds / 3.0,
			      option.operations / 3);
	if (MUTANT != NONE)
		report_mutant(NULL);
	tear_down();
	return report();
}
