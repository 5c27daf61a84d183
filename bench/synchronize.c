// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does a grace period cost: with no reader, with one that never rests on
 * another CPU, and beside many threads that sleep outside of read sections?
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bench.h"
#include "reader.h"

enum { STACK_BYTES = 64 << 10, MOST_THREADS = 4000 };

/* The public call; its readers are callbacks of a notifier on a software mm. */
static struct mm_struct *mm;
static struct mmu_notifier notifier;

static void no_op(struct mmu_notifier *mn, struct mm_struct *of,
		  unsigned long start, unsigned long end)
{
	(void)mn;
	(void)of;
	(void)start;
	(void)end;
}

static const struct mmu_notifier_ops ops = { .invalidate_range = no_op };

/* The main thread comes first, and alone. */
static void public_attach(void)
{
	if (mm)
		return;
	mm = mm_alloc();
	notifier.ops = &ops;
	bench_require(mm && !mmu_notifier_register(&notifier, mm),
		      "mmu_notifier_register failed");
}

static void public_detach(void)
{
}

static void public_section(void *unused, long n)
{
	(void)unused;
	while (n--)
		mmu_notifier_invalidate_range(mm, 0x10000, 0x20000);
}

static void public_synchronize(void *unused, long n)
{
	(void)unused;
	while (n--)
		mmu_notifier_synchronize();
}

static const struct reader reader_public = {
	.name = "mmunotify",
	.attach = public_attach,
	.detach = public_detach,
	.section = public_section,
	.synchronize = public_synchronize,
};

static const struct reader *const readers[] = {
	&reader_mmunotify, &reader_public, &reader_urcu_memb, &reader_urcu_bp,
};

enum { OURS, PUBLIC, FIRST_PEER, COUNT = 4 };

static void attach_all(void)
{
	for (int i = 0; i < COUNT; i++)
		readers[i]->attach();
}

static void detach_all(void)
{
	for (int i = 0; i < COUNT; i++)
		readers[i]->detach();
}

/* The busy reader reads in the flavour that is being measured. */
static const struct reader *_Atomic wanted, *_Atomic current;

static void *read_busily(void *cpu)
{
	const struct reader *reader;

	bench_pin(*(int *)cpu);
	attach_all();
	while ((reader = atomic_load(&wanted))) {
		reader->section(NULL, 64);
		if (atomic_load_explicit(&current, memory_order_relaxed) !=
		    reader)
			atomic_store(&current, reader);
	}
	detach_all();
	return NULL;
}

static void turn_busy_reader(void *reader)
{
	atomic_store(&wanted, reader);
	while (atomic_load(&current) != reader)
		sched_yield();
}

static void measure(int threads, const char *state, bool busy)
{
	struct bench_case cases[COUNT] = {};
	char what[96];

	for (int i = 0; i < COUNT; i++) {
		cases[i].name = readers[i]->name;
		cases[i].run = readers[i]->synchronize;
		cases[i].arg = (void *)readers[i];
		cases[i].prepare = busy ? turn_busy_reader : NULL;
	}
	bench_measure(cases, COUNT);
	for (int ours = OURS; ours <= PUBLIC; ours++) {
		snprintf(what, sizeof(what), "%s threads=%d readers=%s",
			 ours == OURS ? "synchronize" :
					"mmu_notifier_synchronize",
			 threads, state);
		for (int i = FIRST_PEER; i < COUNT; i++)
			bench_ratio(what, &cases[ours], &cases[i], NULL);
	}
	bench_release(cases, COUNT);
}

static void measure_busy(void)
{
	int cpu = bench_other_cpu();
	pthread_t thread;

	if (cpu < 0) {
		bench_unavailable("synchronize threads=1 readers=busy", "all",
				  "only one CPU");
		return;
	}
	atomic_store(&wanted, readers[0]);
	bench_require(!pthread_create(&thread, NULL, read_busily, &cpu),
		      "pthread_create failed");
	measure(1, "busy", true);
	atomic_store(&wanted, NULL);
	pthread_join(thread, NULL);
}

static sem_t asleep, leave;

static void *sleep_registered(void *unused)
{
	attach_all();
	sem_post(&asleep);
	while (sem_wait(&leave))
		continue;
	detach_all();
	return unused;
}

/* False when the system allows no more threads. */
static bool start_sleepers(pthread_t *threads, int from, int to)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (int i = from; i < to; i++) {
		if (pthread_create(&threads[i], &attr, sleep_registered, NULL))
			return false;
		while (sem_wait(&asleep))
			continue;
	}
	pthread_attr_destroy(&attr);
	return true;
}

static void measure_asleep(void)
{
	static const int counts[] = { 16, 128, 1000, MOST_THREADS };
	static pthread_t threads[MOST_THREADS];
	int running = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(int); i++) {
		bench_require(start_sleepers(threads, running, counts[i]),
			      "the system allows no %d threads", counts[i]);
		running = counts[i];
		measure(running, "asleep", false);
	}
	for (int i = 0; i < running; i++)
		sem_post(&leave);
	for (int i = 0; i < running; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	bench_begin("synchronize", argc, argv);
	sem_init(&asleep, 0, 0);
	sem_init(&leave, 0, 0);
	/* A reader too: without any, liburcu has nothing to wait for. */
	attach_all();
	measure(0, "idle", false);
	measure_busy();
	measure_asleep();
	detach_all();
	mmu_notifier_unregister(&notifier, mm);
	mmput(mm);
	return 0;
}
