// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that allocate, fill, check, give to each other, and free; and map and
 * unmap beside it.  Prints what it has read: the same in every run.
 *
 *	churn [THREADS [ROUNDS]]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS 256
#define PAGE 4096UL

static int nr_rounds = 4000;
static _Atomic(unsigned char *) shelf[SLOTS];

struct worker {
	pthread_t thread;
	unsigned long seed;
	unsigned long sum;
};

static unsigned long rnd(struct worker *w, unsigned long below)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (w->seed >> 11) % below;
}

/* Mostly small, now and then of the size that malloc() maps by itself. */
static size_t any_size(struct worker *w)
{
	return 1 + rnd(w, rnd(w, 20) ? 2000 : rnd(w, 3) ? 100000 : 3 << 20);
}

/* The first bytes say how long it is, and what all the others are. */
static unsigned char *fill(unsigned char *p, size_t size)
{
	unsigned char value = size * 31 >> 3;

	if (!p)
		abort();
	memset(p, value, size + sizeof(size));
	memcpy(p, &size, sizeof(size));
	return p;
}

static void check(const unsigned char *p)
{
	size_t size;

	memcpy(&size, p, sizeof(size));
	for (size_t i = 0; i < size; i += size > 5000 ? 509 : 1)
		if (p[sizeof(size) + i] != (unsigned char)(size * 31 >> 3))
			abort();
}

static void give_and_take(struct worker *w)
{
	size_t size = any_size(w), other = any_size(w);
	unsigned char *p = fill(malloc(size + sizeof(size)), size), *old;
	bool change = !rnd(w, 4);

	w->sum += size;
	old = atomic_exchange(&shelf[rnd(w, SLOTS)], p);
	if (!old)
		return;
	check(old);
	if (change) {
		old = realloc(old, other + sizeof(other));
		check(fill(old, other));
	}
	free(old);
}

static void map_and_unmap(struct worker *w)
{
	size_t n = 1 + rnd(w, 16), part = rnd(w, n);
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	memset(p, 1, n * PAGE);
	madvise(p, part * PAGE, MADV_DONTNEED);
	for (size_t i = 0; i < n; i++)
		w->sum += p[i * PAGE];
	if (part)
		munmap(p, part * PAGE);
	munmap(p + part * PAGE, (n - part) * PAGE);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < nr_rounds; i++) {
		give_and_take(w);
		if (i % 8 == 0)
			map_and_unmap(w);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 4;
	struct worker *worker = calloc(n, sizeof(*worker));
	unsigned long sum = 0;

	if (argc > 2)
		nr_rounds = atoi(argv[2]);
	for (int i = 0; i < n; i++) {
		worker[i].seed = 88172645463325252UL + i;
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i]))
			abort();
	}
	for (int i = 0; i < n; i++) {
		pthread_join(worker[i].thread, NULL);
		sum += worker[i].sum;
	}
	for (int i = 0; i < SLOTS; i++)
		free(shelf[i]);
	free(worker);
	printf("%lu\n", sum);
	return 0;
}
