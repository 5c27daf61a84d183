// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <mmunotify/monitor.h>

#include "bench.h"

enum { ROUNDS = 201, BATCH_NS = 300000, RETRIES = 20 };

static int rounds = ROUNDS;
static int measured_cpu, other_cpu = -1;
static uint64_t random_state;

void bench_require(bool holds, const char *fmt, ...)
{
	va_list ap;

	if (holds)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* The last CPU that we may use: the first ones get most interrupts. */
static void choose_cpus(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (CPU_COUNT(&set) > 1)
			other_cpu = measured_cpu;
		measured_cpu = cpu;
	}
	if (CPU_COUNT(&set) > 1 && !CPU_ISSET(other_cpu, &set))
		other_cpu = -1;
}

int bench_other_cpu(void)
{
	return other_cpu;
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *sleep_forever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* glibc's mutex is cheaper while a process has one thread; no user's has. */
static void become_threaded(void)
{
	pthread_t thread;

	bench_require(!pthread_create(&thread, NULL, sleep_forever, NULL),
		      "pthread_create failed");
}

static void print_cpu_model(void)
{
	char line[256] = "", *name;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10))
			break;
	if (f)
		fclose(f);
	name = strchr(line, ':');
	line[strcspn(line, "\n")] = '\0';
	printf(" cpu=\"%s\"", name ? name + 2 : "unknown");
}

void bench_begin(const char *question, int argc, char **argv)
{
	struct utsname kernel;

	if (argc > 1)
		rounds = atoi(argv[1]);
	random_state = argc > 2 ? strtoull(argv[2], NULL, 0) :
				  (uint64_t)time(NULL);
	bench_require(rounds > 0, "usage: %s [rounds [seed]]", argv[0]);
	choose_cpus();
	bench_pin(measured_cpu);
	become_threaded();
	setvbuf(stdout, NULL, _IOLBF, 0);
	uname(&kernel);
	printf("# bench %s", question);
	print_cpu_model();
	printf(" kernel=%s compiler=\"%s\" flavor=%s rounds=%d seed=%llu\n",
	       kernel.release, __VERSION__, mmun_srcu_flavor(), rounds,
	       (unsigned long long)random_state);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

double bench_time(void (*run)(void *, long), void *arg, long n,
		  bool *disturbed)
{
	long before = switches();
	double start = now_ns(), ns;

	run(arg, n);
	ns = now_ns() - start;
	*disturbed = switches() != before;
	return ns;
}

static double time_once(struct bench_case *c, bool *disturbed)
{
	if (c->prepare)
		c->prepare(c->arg);
	if (c->time)
		return c->time(c->arg, c->n, disturbed);
	return bench_time(c->run, c->arg, c->n, disturbed);
}

/* As many repetitions as fill a batch. */
static void size_batch(struct bench_case *c)
{
	bool disturbed;
	double ns;

	for (c->n = 1;; c->n *= 2) {
		ns = time_once(c, &disturbed);
		if (ns > BATCH_NS / 4)
			break;
	}
	c->n = c->n * BATCH_NS / ns + 1;
}

/* The first batch warms caches and predictors after the case before it. */
static double sample(struct bench_case *c)
{
	bool disturbed;
	double ns;

	time_once(c, &disturbed);
	for (int try = 0; try < RETRIES; try++) {
		ns = time_once(c, &disturbed);
		if (!disturbed)
			break;
	}
	return ns / c->n;
}

static unsigned int random_below(unsigned int limit)
{
	/* Knuth's linear congruence; the upper bits are good enough. */
	random_state = random_state * 6364136223846793005u +
		       1442695040888963407u;
	return (random_state >> 33) % limit;
}

static void shuffle(int *order, int count)
{
	for (int i = count - 1; i > 0; i--) {
		int j = random_below(i + 1), swapped = order[i];

		order[i] = order[j];
		order[j] = swapped;
	}
}

static void measure_round(struct bench_case *cases, const int *order, int count,
			  int round)
{
	for (int i = 0; i < count; i++) {
		struct bench_case *c = &cases[order[i]];

		c->ns[round] = sample(c);
	}
}

static void prepare(struct bench_case *cases, int count)
{
	for (int i = 0; i < count; i++) {
		size_batch(&cases[i]);
		cases[i].ns = calloc(rounds, sizeof(double));
		bench_require(cases[i].ns, "out of memory");
	}
}

void bench_measure_part(struct bench_case *cases, int count, int part,
			int parts)
{
	int order[count];

	if (!part)
		prepare(cases, count);
	for (int i = 0; i < count; i++)
		order[i] = i;
	for (int round = rounds * part / parts;
	     round < rounds * (part + 1) / parts; round++) {
		shuffle(order, count);
		measure_round(cases, order, count, round);
	}
}

void bench_measure(struct bench_case *cases, int count)
{
	bench_measure_part(cases, count, 0, 1);
}

void bench_release(struct bench_case *cases, int count)
{
	for (int i = 0; i < count; i++)
		free(cases[i].ns);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts what it is given. */
static double median(double *values)
{
	qsort(values, rounds, sizeof(double), compare);
	return (values[rounds / 2] + values[(rounds - 1) / 2]) / 2;
}

static double median_above(const struct bench_case *c,
			   const struct bench_case *base)
{
	double values[rounds];

	for (int i = 0; i < rounds; i++)
		values[i] = c->ns[i] - (base ? base->ns[i] : 0);
	return median(values);
}

/* "walk subscribers=1": the name, the peer, what else is to be told. */
static void print_what(const char *what, const char *peer)
{
	int name = strcspn(what, " ");

	printf("bench=%.*s peer=%s%s ", name, what, peer, what + name);
}

void bench_ratio(const char *what, const struct bench_case *ours,
		 const struct bench_case *peer, const struct bench_case *base)
{
	double ratios[rounds], middle;

	for (int i = 0; i < rounds; i++) {
		double under = base ? base->ns[i] : 0;

		ratios[i] = (ours->ns[i] - under) / (peer->ns[i] - under);
	}
	middle = median(ratios);
	print_what(what, peer->name);
	printf("ratio=%.3f p25=%.3f p75=%.3f ours_ns=%.2f peer_ns=%.2f n=%d\n",
	       middle, ratios[rounds / 4], ratios[rounds * 3 / 4],
	       median_above(ours, base), median_above(peer, base), rounds);
}

void bench_added(const char *what, const struct bench_case *ours,
		 const struct bench_case *base)
{
	print_what(what, base->name);
	printf("added_ns=%.2f peer_ns=%.2f n=%d\n", median_above(ours, base),
	       median_above(base, NULL), rounds);
}

void bench_unavailable(const char *what, const char *peer, const char *reason)
{
	print_what(what, peer);
	printf("unavailable reason=\"%s\"\n", reason);
}
