// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What other threads do, signal handlers included, and what their end does. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ops.h"

/* A thread that waits to be told to go on, in the middle of something. */
static struct {
	pthread_t thread;
	sem_t ready, go;
	struct subject *s;
	long result;
} worker;

static int start_worker(struct subject *s, size_t stack, void *(*run)(void *))
{
	pthread_attr_t attr;
	int err;

	worker.s = s;
	sem_init(&worker.ready, 0, 0);
	sem_init(&worker.go, 0, 0);
	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	err = pthread_create(&worker.thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

static void wait_in_worker(void)
{
	sem_post(&worker.ready);
	while (sem_wait(&worker.go))
		;
}

static void wait_for_worker(void)
{
	while (sem_wait(&worker.ready))
		;
}

static long finish_worker(struct subject *s)
{
	(void)s;
	sem_post(&worker.go);
	pthread_join(worker.thread, NULL);
	return worker.result;
}

/* -- its calls -- */

static long unmap(struct subject *s)
{
	return CALL(s, munmap(s->start, s->len), SYS_munmap, s->start, s->len);
}

static long discard(struct subject *s)
{
	return CALL(s, madvise(s->start, s->len, MADV_DONTNEED), SYS_madvise,
		    s->start, s->len, MADV_DONTNEED);
}

static void *unmap_in_worker(void *arg)
{
	wait_in_worker();
	worker.result = unmap(worker.s);
	return arg;
}

static void *discard_in_worker(void *arg)
{
	wait_in_worker();
	worker.result = discard(worker.s);
	return arg;
}

static int start_unmapper(struct subject *s)
{
	return start_worker(s, 0, unmap_in_worker);
}

static int start_discarder(struct subject *s)
{
	return start_worker(s, 0, discard_in_worker);
}

static int map_for_unmapper(struct subject *s)
{
	int err = map_anon(s);

	return err ? err : start_unmapper(s);
}

static int map_for_discarder(struct subject *s)
{
	int err = map_anon(s);

	return err ? err : start_discarder(s);
}

/* -- its stack -- */

#define AREA (1 << 20)

/* The page is on this stack, below all that is in use when the thread ends. */
__attribute__((noinline)) static void wait_above_memory(void)
{
	char area[AREA];
	char *start = ROUND_UP(area);
	size_t len = AREA - 2 * page_size;

	fill(start, len);
	use_memory(worker.s, start, len, 4 * page_size);
	__asm__ volatile("" : : "r"(area) : "memory");
	wait_in_worker();
	__asm__ volatile("" : : "r"(area) : "memory");
}

static void *use_stack(void *arg)
{
	wait_above_memory();
	return arg;
}

static int map_stack(struct subject *s)
{
	int err = start_worker(s, s->op->arg, use_stack);

	if (!err)
		wait_for_worker();
	return err;
}

/* -- its heap -- */

#define CHUNK (100 << 10)
#define NR_CHUNKS 40

static void *use_arena(void *arg)
{
	char *chunks[NR_CHUNKS];
	char *start;

	for (int i = 0; i < NR_CHUNKS; i++) {
		chunks[i] = malloc(CHUNK);
		if (!chunks[i])
			abort();
	}
	start = ROUND_UP(chunks[NR_CHUNKS - 10]);
	fill(start, CHUNK - 2 * page_size);
	use_memory(worker.s, start, (CHUNK - page_size) & -page_size,
		   8 * page_size);
	wait_in_worker();
	for (int i = NR_CHUNKS - 1; i >= 0; i--)
		free(chunks[i]);
	return arg;
}

static int map_arena(struct subject *s)
{
	int err = start_worker(s, 0, use_arena);

	if (!err)
		wait_for_worker();
	return err;
}

/* -- signals -- */

static struct subject *signalled;
static volatile long signal_result;

static void unmap_on_signal(int sig)
{
	(void)sig;
	signal_result = unmap(signalled);
}

static int map_for_signal(struct subject *s)
{
	signalled = s;
	signal(SIGUSR1, unmap_on_signal);
	return map_anon(s);
}

static long raise_signal(struct subject *s)
{
	(void)s;
	raise(SIGUSR1);
	return signal_result;
}

const struct op ops_thread[] = {
	{ .name = "munmap raw from another thread", .kind = "anon",
	  .via = VIA_RAW, .flags = OP_TABLE, .blind = MMUN_BLIND_RAW,
	  .setup = map_for_unmapper, .perform = finish_worker },
	{ .name = "munmap from a thread older than the source", .kind = "anon",
	  .via = VIA_BOTH, .blind = MMUN_BLIND_RAW, .before = start_unmapper,
	  .setup = map_anon, .perform = finish_worker },
	{ .name = "madvise(MADV_DONTNEED) from another thread", .kind = "anon",
	  .via = VIA_BOTH, .blind = MMUN_BLIND_RAW,
	  .setup = map_for_discarder, .perform = finish_worker },
	{ .name = "madvise(MADV_DONTNEED) from a thread older than the source",
	  .kind = "anon", .via = VIA_BOTH, .blind = MMUN_BLIND_RAW,
	  .before = start_discarder, .setup = map_anon, .perform = finish_worker },
	{ .name = "munmap in a signal handler", .kind = "anon",
	  .via = VIA_BOTH, .blind = MMUN_BLIND_RAW,
	  .setup = map_for_signal, .perform = raise_signal },
	{ .name = "free() shrinking a thread arena", .kind = "heap",
	  .via = VIA_LIBC, .flags = OP_TABLE, .blind = MMUN_BLIND_RAW,
	  .setup = map_arena, .perform = finish_worker },
	{ .name = "thread exit: 64 MB stack unmapped", .kind = "stack",
	  .via = VIA_LIBC, .flags = OP_TABLE, .blind = MMUN_BLIND_RAW,
	  .setup = map_stack, .perform = finish_worker, .arg = 64L << 20 },
	{ .name = "thread exit: cached stack MADV_DONTNEEDed", .kind = "stack",
	  .via = VIA_LIBC, .flags = OP_TABLE, .blind = MMUN_BLIND_RAW,
	  .setup = map_stack, .perform = finish_worker, .arg = 8L << 20 },
	{ 0 }
};
