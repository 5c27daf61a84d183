// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does watching add to the mapping calls of a process?
 *
 * Patches stay for the life of a process, so that each way of watching has a
 * worker process of its own, which times batches on request.  All run on the
 * same CPU with the same layout of their mappings: otherwise the layout alone
 * moves munmap() by more than what is measured here.  And they are started
 * anew several times: a process that is unlucky with a branch predictor, or
 * with the pages that it got, stays so.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "bench.h"
#ifdef HAVE_UCM
#include <ucm/api/ucm.h>
#endif

enum { PAGE = 4096, BLOCK = 64 << 10, BLOCKS = 64 };
enum { GENERATIONS = 8 };

struct request {
	int call;
	long n;
};

struct reply {
	double ns;
	bool disturbed;
	long events;
	char failure[120];
};

/*
 * The calls
 */

/*
 * A row of blocks, far from all other mappings, with a page in use, a page that
 * is not, and a hole; no neighbours can be merged.  So the nodes of the
 * kernel's tree that the calls change, and the page table, are the same
 * whatever else the worker has mapped.
 */
static char *populated, *unpopulated, *hole;

static void lay_out(void)
{
	char *blocks = mmap((void *)(1UL << 44), BLOCKS * BLOCK, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_require(blocks != MAP_FAILED, "mmap failed");
	for (int i = 0; i < BLOCKS; i += 2)
		mprotect(blocks + i * BLOCK, BLOCK, PROT_READ);
	populated = blocks + BLOCKS / 2 * BLOCK;
	hole = populated + BLOCK;
	unpopulated = populated + 3 * BLOCK;
	mprotect(populated, PAGE, PROT_READ | PROT_WRITE);
	mprotect(unpopulated, PAGE, PROT_READ | PROT_WRITE);
	*(volatile char *)populated = 1;
	munmap(hole, BLOCK);
}

static void munmap_64k(void *unused, long n)
{
	(void)unused;
	while (n--) {
		char *p = mmap(hole, BLOCK, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != hole)
			abort();
		*(volatile char *)p = 1;
		munmap(p, BLOCK);
	}
}

static void madvise_nothing(void *unused, long n)
{
	(void)unused;
	while (n--)
		madvise(populated, 0, MADV_DONTNEED);
}

static void munmap_einval(void *unused, long n)
{
	(void)unused;
	while (n--)
		if (!munmap(populated + 1, 0))
			abort();
}

static void dontneed_empty(void *unused, long n)
{
	(void)unused;
	while (n--)
		madvise(unpopulated, PAGE, MADV_DONTNEED);
}

static void getppid_call(void *unused, long n)
{
	(void)unused;
	while (n--)
		getppid();
}

enum {
	MUNMAP_64K,
	MADVISE_NOTHING,
	MUNMAP_EINVAL,
	DONTNEED_EMPTY,
	GETPPID,
	CALLS
};

static void (*const calls[CALLS])(void *, long) = {
	[MUNMAP_64K] = munmap_64k,
	[MADVISE_NOTHING] = madvise_nothing,
	[MUNMAP_EINVAL] = munmap_einval,
	[DONTNEED_EMPTY] = dontneed_empty,
	[GETPPID] = getppid_call,
};

/*
 * The ways to watch: each returns NULL, or why it is not possible here
 */

static volatile long events;

static const char *watch_nothing(void)
{
	return NULL;
}

static int count_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	events++;
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = count_start,
};

static struct mmu_notifier notifier = { .ops = &ops };

/* So that every source of "auto" runs; none of the blocks is in it. */
static char elsewhere[PAGE] __attribute__((aligned(PAGE)));
static struct mmun_watch watch;

static const char *watch_as_subscriber(void)
{
	if (mmu_notifier_register(&notifier, mm_self()))
		return "mmu_notifier_register on mm_self() failed";
	return mmun_watch(&watch, mm_self(), (unsigned long)elsewhere,
			  (unsigned long)elsewhere + PAGE) ?
		       "mmun_watch failed" : NULL;
}

/* Patched, and nobody there any more. */
static const char *watch_no_longer(void)
{
	const char *failure = watch_as_subscriber();

	if (!failure)
		mmu_notifier_unregister(&notifier, mm_self());
	return failure;
}

#ifdef HAVE_UCM
static void count_ucm(ucm_event_type_t type, ucm_event_t *event, void *arg)
{
	(void)type;
	(void)event;
	(void)arg;
	events++;
}

static const char *watch_by_ucm(void)
{
	ucs_status_t (*set)(int, int, ucm_event_callback_t, void *);
	void *ucm;

	/* libucm of Debian lacks its dependency on libucs. */
	if (!dlopen("libucs.so.0", RTLD_NOW | RTLD_GLOBAL))
		return dlerror();
	ucm = dlopen("libucm.so.0", RTLD_NOW | RTLD_GLOBAL);
	if (!ucm)
		return dlerror();
	*(void **)&set = dlsym(ucm, "ucm_set_event_handler");
	if (!set)
		return dlerror();
	return set(UCM_EVENT_VM_UNMAPPED, 0, count_ucm, NULL) ?
		       "ucm_set_event_handler failed" : NULL;
}
#else
static const char *watch_by_ucm(void)
{
	return "built without ucm/api/ucm.h";
}
#endif

enum { UNPATCHED, CONTROL, NOBODY, SUBSCRIBER, UCM, WORKERS };

static const struct {
	const char *name;
	const char *(*watch)(void);
	bool sees_events;
} ways[WORKERS] = {
	[UNPATCHED] = { "unpatched", watch_nothing, false },
	/* The same again: how far two equal processes are apart. */
	[CONTROL] = { "control", watch_nothing, false },
	[NOBODY] = { "subscribers=0", watch_no_longer, false },
	[SUBSCRIBER] = { "subscribers=1", watch_as_subscriber, true },
	[UCM] = { "ucm", watch_by_ucm, true },
};

/*
 * The worker's side of the pipes
 */

static void send_reply(struct reply *reply)
{
	reply->events = events;
	if (write(STDOUT_FILENO, reply, sizeof(*reply)) != sizeof(*reply))
		_exit(1);
}

static int serve(int way)
{
	struct reply reply = {};
	struct request request;
	const char *failure;

	lay_out();
	failure = ways[way].watch();
	if (failure)
		snprintf(reply.failure, sizeof(reply.failure), "%s", failure);
	send_reply(&reply);
	while (read(STDIN_FILENO, &request, sizeof(request)) ==
	       sizeof(request)) {
		reply.ns = bench_time(calls[request.call], NULL, request.n,
				      &reply.disturbed);
		send_reply(&reply);
	}
	return 0;
}

/*
 * The parent's side
 */

static struct worker {
	pid_t pid;
	int to, from;
	char failure[120];
} workers[WORKERS];

static struct reply receive(struct worker *worker)
{
	struct reply reply;
	ssize_t n = read(worker->from, &reply, sizeof(reply));

	bench_require(n == sizeof(reply), "worker %s died",
		      ways[worker - workers].name);
	return reply;
}

static struct reply ask(struct worker *worker, int call, long n)
{
	struct request request = { call, n };

	bench_require(write(worker->to, &request, sizeof(request)) ==
		      sizeof(request), "worker %s died",
		      ways[worker - workers].name);
	return receive(worker);
}

static void become_worker(int way, int in, int out)
{
	char number[] = { '0' + way, '\0' };

	personality(ADDR_NO_RANDOMIZE);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execl("/proc/self/exe", "mapping_calls", "worker", number, NULL);
	_exit(127);
}

/* Is what we are about to measure what it says? */
static void check_events(struct worker *worker)
{
	int way = worker - workers;
	long before = ask(worker, MUNMAP_64K, 1).events;
	long seen = ask(worker, MUNMAP_64K, 10).events - before;

	bench_require(ways[way].sees_events ? seen >= 10 : seen == 0,
		      "worker %s saw %ld events of 10 calls", ways[way].name,
		      seen);
}

static void start(struct worker *worker)
{
	int to[2], from[2];

	bench_require(!pipe2(to, O_CLOEXEC) && !pipe2(from, O_CLOEXEC),
		      "pipe failed");
	worker->pid = fork();
	bench_require(worker->pid >= 0, "fork failed");
	if (!worker->pid)
		become_worker(worker - workers, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	worker->to = to[1];
	worker->from = from[0];
	memcpy(worker->failure, receive(worker).failure,
	       sizeof(worker->failure));
	if (!worker->failure[0])
		check_events(worker);
}

static void stop(struct worker *worker)
{
	close(worker->to);
	close(worker->from);
	waitpid(worker->pid, NULL, 0);
}

/* One case: this worker, this call. */
static struct question {
	struct worker *worker;
	int call;
} questions[CALLS][WORKERS];

static struct bench_case cases[CALLS][WORKERS];

static double time_remotely(void *arg, long n, bool *disturbed)
{
	const struct question *question = arg;
	struct reply reply = ask(question->worker, question->call, n);

	*disturbed = reply.disturbed;
	return reply.ns;
}

static void prepare_case(int call, int worker)
{
	struct question *question = &questions[call][worker];
	struct bench_case *c = &cases[call][worker];

	question->worker = &workers[worker];
	question->call = call;
	c->name = ways[worker].name;
	c->time = time_remotely;
	c->arg = question;
}

static bool with_ucm(void)
{
	return !workers[UCM].failure[0];
}

static int case_count(void)
{
	return with_ucm() ? WORKERS : WORKERS - 1;
}

static void measure_generation(int generation)
{
	for (int i = 0; i < WORKERS; i++)
		start(&workers[i]);
	for (int i = NOBODY; i <= SUBSCRIBER; i++)
		bench_require(!workers[i].failure[0], "%s",
			      workers[i].failure);
	for (int call = 0; call < CALLS; call++)
		bench_measure_part(cases[call], case_count(), generation,
				   GENERATIONS);
	for (int i = 0; i < WORKERS; i++)
		stop(&workers[i]);
}

static void report_ratio(const char *what, int call,
			 const struct bench_case *base)
{
	const struct bench_case *c = cases[call];

	if (with_ucm())
		bench_ratio(what, &c[SUBSCRIBER], &c[UCM], base);
	else
		bench_unavailable(what, "ucm", workers[UCM].failure);
}

static void report_munmap(void)
{
	const char *what = "munmap_64k subscribers=1";
	const struct bench_case *c = cases[MUNMAP_64K];

	bench_ratio("munmap_64k_control", &c[CONTROL], &c[UNPATCHED], NULL);
	bench_ratio(what, &c[SUBSCRIBER], &c[UNPATCHED], NULL);
	report_ratio(what, MUNMAP_64K, NULL);
}

/* What is added to the call, by us and by UCM. */
static void report_added(const char *bench, int call, const char *name)
{
	const struct bench_case *c = cases[call];
	char what[96];

	for (int way = NOBODY; way <= SUBSCRIBER; way++) {
		snprintf(what, sizeof(what), "%s call=%s %s", bench, name,
			 ways[way].name);
		bench_added(what, &c[way], &c[UNPATCHED]);
	}
	report_ratio(what, call, &c[UNPATCHED]);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "worker"))
		return serve(atoi(argv[2]));
	bench_begin("mapping_calls", argc, argv);
	for (int call = 0; call < CALLS; call++)
		for (int worker = 0; worker < WORKERS; worker++)
			prepare_case(call, worker);
	for (int i = 0; i < GENERATIONS; i++)
		measure_generation(i);
	report_munmap();
	report_added("interception", MADVISE_NOTHING, "madvise_nothing");
	report_added("interception", MUNMAP_EINVAL, "munmap_einval");
	report_added("bracket", DONTNEED_EMPTY, "dontneed_empty");
	bench_ratio("unrelated call=getppid subscribers=1",
		    &cases[GETPPID][SUBSCRIBER], &cases[GETPPID][UNPATCHED],
		    NULL);
	for (int call = 0; call < CALLS; call++)
		bench_release(cases[call], case_count());
	return 0;
}
