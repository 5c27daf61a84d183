// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random operations on a few address spaces in many threads.
 *
 *   torture [-t threads] [-n operations] [-d seconds] [-s seed] [-p plugin.so]
 *
 * Without -t: 2, 7 and 64 threads, one after the other, a third of the work
 * each.  With -n and no -d: as long as it takes.
 *
 * What is checked is in subscriber.c, in the callbacks, and in
 * check_registration().  One rule is to keep here: a thread with a range in
 * flight does nothing that waits for ranges, that is, does not register.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include <mmunotify/monitor.h>

#include "sanitized.h"
#include "subscriber.h"
#include "tap.h"

#define MAX_THREADS 64
#define SOFTWARE_MMS 3
#define MMS (SOFTWARE_MMS + 1)	/* the last one is mm_self() */
#define OPEN 3			/* ranges that a thread may keep open */
#define HELD 8			/* references that a thread may keep */
#define BATCH 64
#define HANDED_OVER 16

static struct {
	unsigned int threads;
	unsigned long operations;	/* 0: no limit */
	unsigned int seconds;		/* 0: no limit */
	uint64_t seed;
	const char *plugin;
} option;

/* Built with the order of registration taken out of the library. */
#ifdef TORTURE_MUTANT
#define IS_MUTANT 1
#else
#define IS_MUTANT 0
#endif

/*
 * A range that stays open over operations.  phase & 3: 0 closed, 1 starting,
 * 2 in flight, 3 ending.
 */
struct slot {
	atomic_uint phase;
	_Atomic(struct mm_struct *) mm;
	struct torture_range r;
};

struct worker {
	uint64_t rng;
	pthread_t thread;
	struct subscriber *held[HELD];
	struct slot open[OPEN];
	unsigned int nopen;
	char *page;			/* something to invalidate in mm_self() */
};

static struct mm_struct *mms[MMS];
static unsigned int nmms;		/* MMS, or without mm_self() */
static struct mmu_notifier *anchors[MMS][ANCHORS];
static struct worker workers[MAX_THREADS];
static unsigned int nworkers;
static atomic_ulong tickets;		/* operations given out */
static unsigned long ticket_limit;
static double deadline;			/* 0: none */
static atomic_ulong operations;		/* done */
static atomic_bool no_more_ranges;	/* for end_ranges() */
static atomic_ulong registrations, refusals, forks, unloads, releases,
	self_calls;

static uint64_t draw(struct worker *w)
{
	w->rng ^= w->rng >> 12;
	w->rng ^= w->rng << 25;
	w->rng ^= w->rng >> 27;
	return (w->rng * 0x2545f4914f6cdd1dULL) >> 20;
}

static struct mm_struct *some_mm(struct worker *w)
{
	return mms[draw(w) % nmms];
}

static struct mm_struct *software_mm(struct worker *w)
{
	return mms[draw(w) % SOFTWARE_MMS];
}

/* -- ranges -- */

static void init_range(struct worker *w, struct torture_range *r,
		       struct mm_struct *mm)
{
	unsigned long start = (draw(w) % 64) << 12;

	mmu_notifier_range_init(&r->range, draw(w) % 5, 0, mm, start,
				start + ((1 + draw(w) % 16) << 12));
	atomic_store_explicit(&r->seen.count, 0, memory_order_relaxed);
}

/* Return: started? */
static bool start_range(struct worker *w, struct torture_range *r,
			struct mm_struct *mm)
{
	int ret;

	init_range(w, r, mm);
	if (draw(w) % 4) {
		mmu_notifier_invalidate_range_start(&r->range);
		return true;
	}
	ret = mmu_notifier_invalidate_range_start_nonblock(&r->range);
	if (!ret)
		return true;
	if (ret != -EAGAIN)
		violate(WRONG_RESULT);
	atomic_fetch_add(&refusals, 1);
	check_ended(r);
	return false;
}

static void end_range(struct torture_range *r)
{
	mmu_notifier_invalidate_range_end(&r->range);
	check_ended(r);
}

static void op_invalidate(struct worker *w)
{
	struct torture_range r;

	if (start_range(w, &r, software_mm(w)))
		end_range(&r);
}

static void open_slot(struct worker *w, struct slot *slot)
{
	struct mm_struct *mm = software_mm(w);

	atomic_fetch_add(&slot->phase, 1);
	atomic_store(&slot->mm, mm);
	if (start_range(w, &slot->r, mm)) {
		w->nopen++;
		atomic_fetch_add(&slot->phase, 1);
	} else {
		atomic_fetch_add(&slot->phase, 3);
	}
}

static void close_slot(struct worker *w, struct slot *slot)
{
	atomic_fetch_add(&slot->phase, 1);
	end_range(&slot->r);
	atomic_fetch_add(&slot->phase, 1);
	w->nopen--;
}

/* Ranges that overlap, and end in any order. */
static void op_slot(struct worker *w)
{
	struct slot *slot = &w->open[draw(w) % OPEN];

	if (atomic_load(&slot->phase) & 2)
		close_slot(w, slot);
	else
		open_slot(w, slot);
}

static void close_all(struct worker *w)
{
	for (int i = 0; i < OPEN; i++)
		if (atomic_load(&w->open[i].phase) & 2)
			close_slot(w, &w->open[i]);
}

static void op_walk(struct worker *w)
{
	struct mm_struct *mm = software_mm(w);

	if (draw(w) % 2)
		mmu_notifier_invalidate_range(mm, 0, 4096);
	else if (mmu_notifier_test_young(mm, 4096))
		violate(WRONG_RESULT);
}

/* -- ranges that end in another thread -- */

static struct {
	_Atomic(struct torture_range *) place[HANDED_OVER];
	sem_t filled;
	pthread_t thread;
} handover;

static void *end_ranges(void *unused)
{
	for (;;) {
		while (sem_wait(&handover.filled))
			;
		for (int i = 0; i < HANDED_OVER; i++) {
			struct torture_range *r =
				atomic_exchange(&handover.place[i], NULL);

			if (r) {
				end_range(r);
				free(r);
			}
		}
		if (atomic_load(&no_more_ranges))
			return unused;
	}
}

static void op_hand_over(struct worker *w)
{
	struct torture_range *r = malloc(sizeof(*r)), *none = NULL;

	if (!r)
		abort();
	if (!start_range(w, r, software_mm(w))) {
		free(r);
		return;
	}
	if (atomic_compare_exchange_strong(
		    &handover.place[draw(w) % HANDED_OVER], &none, r)) {
		sem_post(&handover.filled);
	} else {
		end_range(r);
		free(r);
	}
}

/* -- registrations -- */

/*
 * sub was registered just now, by this thread: who is in flight, and was so
 * before, must be known to it.
 */
static void check_registration(struct subscriber *sub, struct mm_struct *mm)
{
	atomic_fetch_add(&registrations, 1);
	for (unsigned int i = 0; i < nworkers * OPEN; i++) {
		struct slot *slot = &workers[i / OPEN].open[i % OPEN];
		unsigned int phase = atomic_load(&slot->phase);

		if ((phase & 3) != 2 || atomic_load(&slot->mm) != mm ||
		    saw(&slot->r.seen, sub->id))
			continue;
		if (atomic_load(&slot->phase) == phase)
			violate(MISSED_START);
	}
}

static struct subscriber *get_shared(struct worker *w, struct mm_struct *mm)
{
	/* With ranges in flight nothing new may be made. */
	unsigned int limit = w->nopen || draw(w) % 16 ? ANCHORS : SHARED;
	const struct mmu_notifier_ops *ops = &shared_ops[draw(w) % limit];
	struct mmu_notifier *mn;

	made_last = NULL;
	if (w->nopen || draw(w) % 32) {
		mn = mmu_notifier_get(ops, mm);
	} else {
		mmap_write_lock(mm);
		mn = mmu_notifier_get_locked(ops, mm);
		mmap_write_unlock(mm);
	}
	if (IS_ERR_OR_NULL(mn) || mn->mm != mm || mn->ops != ops) {
		violate(WRONG_RESULT);
		return NULL;
	}
	/* Refusing ones note no starts. */
	if (made_last && &made_last->mn == mn && ops->invalidate_range_end)
		check_registration(made_last, mm);
	return (struct subscriber *)mn;
}

static void op_get_put(struct worker *w)
{
	struct subscriber **held = &w->held[draw(w) % HELD];

	if (!*held) {
		*held = get_shared(w, some_mm(w));
		return;
	}
	look_at(*held);
	mmu_notifier_put(&(*held)->mn);
	*held = NULL;
}

static void put_all(struct worker *w)
{
	for (int i = 0; i < HELD; i++)
		if (w->held[i]) {
			mmu_notifier_put(&w->held[i]->mn);
			w->held[i] = NULL;
		}
}

static void op_register(struct worker *w)
{
	struct mm_struct *mm = some_mm(w);
	struct subscriber *sub;

	close_all(w);
	sub = new_subscriber(&own_ops);
	if (mmu_notifier_register(&sub->mn, mm)) {
		violate(WRONG_RESULT);
		return;
	}
	check_registration(sub, mm);
	op_invalidate(w);
	look_at(sub);
	switch (draw(w) % 8) {
	case 0:
		mmu_notifier_unregister_no_release(&sub->mn, mm);
		mmu_notifier_synchronize();
		free_subscriber(sub);
		break;
	case 1 ... 3:
		mmu_notifier_put(&sub->mn);
		break;
	default:
		mmu_notifier_unregister(&sub->mn, mm);
		free_subscriber(sub);
	}
}

static void op_synchronize(struct worker *w)
{
	struct subscriber *sub;

	close_all(w);
	sub = get_shared(w, software_mm(w));
	if (sub)
		mmu_notifier_put(&sub->mn);
	mmu_notifier_synchronize();
}

/* An mm of one's own: its end releases whoever is still there. */
static void op_release(struct worker *w)
{
	struct mm_struct *mm = mm_alloc();
	struct subscriber *sub[2];

	if (!mm)
		abort();
	close_all(w);
	for (int i = 0; i < 2; i++) {
		sub[i] = new_subscriber(&own_ops);
		if (mmu_notifier_register(&sub[i]->mn, mm))
			violate(WRONG_RESULT);
	}
	mmput(mm);
	for (int i = 0; i < 2; i++)
		if (atomic_load(&sub[i]->released) != 1)
			violate(NOT_RELEASED);
	mmu_notifier_put(&sub[0]->mn);
	mmu_notifier_unregister(&sub[1]->mn, mm);
	free_subscriber(sub[1]);
	atomic_fetch_add(&releases, 1);
}

/* -- the process itself -- */

static void op_self(struct worker *w)
{
	void *page;

	if (nmms < MMS)
		return;
	forget_self_events();
	if (draw(w) % 2) {
		madvise(w->page, 4096, MADV_DONTNEED);
	} else {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page != MAP_FAILED)
			munmap(page, 4096);
	}
	atomic_fetch_add(&self_calls, 1);
}

static void child_main(struct worker *w)
{
	alarm(60);
	subscribers_after_fork();
	nworkers = 0;			/* nobody else is here */
	for (int v = 0; v < VIOLATIONS; v++)
		atomic_store(&violations[v], 0);
	put_all(w);
	for (int i = 0; i < 20; i++) {
		op_invalidate(w);
		op_get_put(w);
	}
	op_register(w);
	op_self(w);
	op_synchronize(w);
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
	close_all(w);
	forget_self_events();
	pid = fork();
	if (!pid)
		child_main(w);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail("fork: %s", strerror(errno));
	atomic_fetch_add(&forks, 1);
	if (status) {
		/* One line is enough. */
		if (!atomic_load(&violations[CHILD_FAILED]))
			diag("child: %s %d",
			     WIFSIGNALED(status) ? "signal" : "violation",
			     WIFSIGNALED(status) ? WTERMSIG(status) :
						   WEXITSTATUS(status) - 1);
		violate(CHILD_FAILED);
	}
}

static void op_plugin(struct worker *w)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	int (*run)(struct mm_struct *mm);
	void *plugin;

	if (!option.plugin || pthread_mutex_trylock(&one_at_a_time))
		return;
	close_all(w);
	plugin = dlopen(option.plugin, RTLD_NOW | RTLD_LOCAL);
	run = plugin ? (int (*)(struct mm_struct *))dlsym(plugin, "plugin_run") :
		       NULL;
	if (!run)
		bail("%s: %s", option.plugin, dlerror());
	if (run(some_mm(w)))
		violate(WRONG_RESULT);
	dlclose(plugin);
	plugin = dlopen(option.plugin, RTLD_NOW | RTLD_NOLOAD);
	if (plugin)
		bail("the plugin is still loaded");
	atomic_fetch_add(&unloads, 1);
	pthread_mutex_unlock(&one_at_a_time);
}

/* -- threads -- */

/* In 20000ths. */
static const struct {
	void (*op)(struct worker *w);
	unsigned int weight;
} mix[] = {
	{ op_get_put, 11000 },
	{ op_invalidate, 5540 },
	{ op_slot, 2000 },
	{ op_walk, 1000 },
	{ op_self, 360 },
	{ op_hand_over, 20 },
	{ op_register, 60 },
	{ op_release, 8 },
	{ op_synchronize, 8 },
	{ op_plugin, 3 },
	{ op_fork, 1 },
};
#define MIX 20000

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
	put_all(w);
	return NULL;
}

static void start_workers(unsigned int n)
{
	nworkers = n;
	for (unsigned int i = 0; i < n; i++) {
		workers[i].rng = option.seed * 1000003 + i * 2 + 1;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			bail("pthread_create: %s", strerror(errno));
	}
}

static void phase(unsigned int threads, double seconds, unsigned long limit)
{
	unsigned long before = atomic_load(&operations);
	double begun = now();

	deadline = seconds > 0 ? begun + seconds : 0;
	ticket_limit = limit ? limit : ULONG_MAX;
	atomic_store(&tickets, 0);
	atomic_store(&no_more_ranges, false);
	if (pthread_create(&handover.thread, NULL, end_ranges, NULL))
		bail("pthread_create: %s", strerror(errno));
	start_workers(threads);
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	atomic_store(&no_more_ranges, true);
	sem_post(&handover.filled);
	pthread_join(handover.thread, NULL);
	before = atomic_load(&operations) - before;
	diag("%u threads: %lu operations, %.0f per second", threads, before,
	     before / (now() - begun));
}

/* -- before and after -- */

static void set_up(void)
{
	for (nmms = 0; nmms < SOFTWARE_MMS; nmms++)
		if (!(mms[nmms] = mm_alloc()))
			bail("out of memory");
	if (UNDER_TSAN || mmun_monitor_start())
		skip("mm_self() takes part",
		     UNDER_TSAN ? "patched entries under TSan" : "a monitor");
	else
		mms[nmms++] = mm_self();
	for (unsigned int m = 0; m < nmms; m++)
		for (int a = 0; a < ANCHORS; a++) {
			anchors[m][a] = mmu_notifier_get(&shared_ops[a], mms[m]);
			if (IS_ERR(anchors[m][a]))
				bail("get: %ld", PTR_ERR(anchors[m][a]));
		}
	first_transient_id = nmms * ANCHORS + 1;
	for (int i = 0; i < MAX_THREADS; i++) {
		workers[i].page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (workers[i].page == MAP_FAILED)
			bail("mmap: %s", strerror(errno));
	}
	sem_init(&handover.filled, 0, 0);
}

static void check_counts(void)
{
	for (unsigned int m = 0; m < nmms; m++) {
		ok(mmun_mm_count(mms[m]) == 1 && mmun_mm_users(mms[m]) == 1,
		   "mm %u: mm_count %u and mm_users %u are back at 1", m,
		   mmun_mm_count(mms[m]), mmun_mm_users(mms[m]));
		if (m < SOFTWARE_MMS)
			mmput(mms[m]);
	}
}

static void tear_down(void)
{
	for (unsigned int m = 0; m < nmms; m++)
		for (int a = 0; a < ANCHORS; a++)
			mmu_notifier_put(anchors[m][a]);
	mmu_notifier_synchronize();
	ok(atomic_load(&allocated) == atomic_load(&freed),
	   "[S36] %lu subscribers made, %lu freed", atomic_load(&allocated),
	   atomic_load(&freed));
	check_counts();
	empty_quarantine();
}

static void print_histogram(const char *who, const atomic_ulong *histogram)
{
	diag("age of what %s held: %lu %lu %lu %lu %lu %lu %lu %lu", who,
	     atomic_load(&histogram[0]), atomic_load(&histogram[1]),
	     atomic_load(&histogram[2]), atomic_load(&histogram[3]),
	     atomic_load(&histogram[4]), atomic_load(&histogram[5]),
	     atomic_load(&histogram[6]), atomic_load(&histogram[7]));
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
	print_histogram("callbacks", held_in_callback);
	print_histogram("users", held_by_user);
	diag("%lu operations: %lu registrations, %lu refusals, %lu releases",
	     atomic_load(&operations), atomic_load(&registrations),
	     atomic_load(&refusals), atomic_load(&releases));
	diag("%lu plugins unloaded, %lu forks, %lu frees; %lu events in %lu calls",
	     atomic_load(&unloads), atomic_load(&forks),
	     atomic_load(&grace_periods), atomic_load(&self_events),
	     atomic_load(&self_calls));
	for (int v = 0; v < VIOLATIONS; v++) {
		if (v == CHILD_FAILED && !MAY_FORK)
			skip(violation_names[v],
			     "fork with threads under a sanitizer");
		else
			ok(!atomic_load(&violations[v]), "%s",
			   violation_names[v]);
	}
	ok(!atomic_load(&warnings), "no warning %s", first_warning);
	ok(atomic_load(&registrations) && atomic_load(&refusals) &&
	   atomic_load(&releases) &&
	   (nmms < MMS || atomic_load(&self_events)),
	   "registrations, refusals, releases and events were seen");
	if (option.plugin)
		ok(atomic_load(&unloads), "[S48] plugins were unloaded");
	else
		skip("[S48] plugins were unloaded", "a plugin to load (-p)");
	return tap_end();
}

/* The library without the order of registration: what it must do wrong. */
static int report_mutant(void)
{
	ok(atomic_load(&violations[END_WITHOUT_START]),
	   "without it, not so: %s", violation_names[END_WITHOUT_START]);
	ok(atomic_load(&violations[MISSED_START]), "without it, not so: %s",
	   violation_names[MISSED_START]);
	return tap_end();
}

static void parse(int argc, char **argv)
{
	int c;

	option.seed = time(NULL);
	while ((c = getopt(argc, argv, "t:n:d:s:p:")) != -1) {
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
		case 'p':
			option.plugin = optarg;
			break;
		default:
			bail("usage: torture [-t threads] [-n operations] [-d seconds] [-s seed] [-p plugin.so]");
		}
	}
	if (option.threads > MAX_THREADS)
		bail("at most %d threads", MAX_THREADS);
	if (!option.operations && !option.seconds)
		option.seconds = 8;
}

int main(int argc, char **argv)
{
	static const unsigned int all[] = { 2, 7, 64 };

	parse(argc, argv);
	tap_begin(option.seconds ? option.seconds + 60 : 0);
	diag("seed %llu", (unsigned long long)option.seed);
	mmun_set_warn_handler(note_warning);
	set_up();
	if (option.threads)
		phase(option.threads, option.seconds, option.operations);
	else
		for (int i = 0; i < 3; i++)
			phase(all[i], option.seconds / 3.0,
			      option.operations / 3);
	if (IS_MUTANT)
		return report_mutant();
	tear_down();
	return report();
}
