// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Nobody finds what is dead.  Threads kill watched pages by instruction, count,
 * for each page, how often they have returned from that, and enter it in a
 * table; others settle and look it up: what they find must not be older than
 * what they knew before.
 *
 * The orders that this stands on: ORDER(settle), ORDER(uffd-told),
 * ORDER(uffd-request), ORDER(uffd-noted), ORDER(bracket-slot).
 *
 *	uffd-settle [seed]
 */
#include <time.h>

#include "uffd.h"

#define NR 16
#define KILLERS 2
#define LOOKERS 2
#define DEATHS 6000

static char *at[KILLERS][NR];
static _Atomic uint64_t deaths[KILLERS][NR];
static _Atomic uint64_t table[KILLERS][NR];	/* deaths before it, times 2, plus 1 */
static struct mmun_watch watches[KILLERS];
static atomic_int killing = KILLERS;
static atomic_ulong stale, unsettled_stale, found, callbacks;

static void forget(unsigned long start, unsigned long end)
{
	for (int k = 0; k < KILLERS; k++)
		for (int i = 0; i < NR; i++)
			if ((unsigned long)at[k][i] < end &&
			    (unsigned long)at[k][i] + PAGE > start)
				atomic_store(&table[k][i], 0);
}

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	(void)mn;
	atomic_fetch_add(&callbacks, 1);
	forget(range->start, range->end);
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = on_start };
static struct mmu_notifier mn = { .ops = &ops };

static uint64_t step(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void kill_page(int k, int i, uint64_t how)
{
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	long addr = (long)at[k][i];

	switch (how % 5) {
	case 0:
		raw3(SYS_munmap, addr, PAGE, 0);
		break;
	case 1:
		raw(SYS_mmap, addr, PAGE, prot, flags, -1, 0);
		break;
	case 2:
	case 3:
		raw3(SYS_madvise, addr, PAGE, MADV_DONTNEED);
		break;
	case 4:
		madvise((void *)addr, PAGE, MADV_DONTNEED);
		break;
	}
	atomic_fetch_add(&deaths[k][i], 1);
	if (how % 5 == 0)
		raw(SYS_mmap, addr, PAGE, prot, flags, -1, 0);
	if (how % 5 < 2 &&
	    mmun_coverage(mm_self(), addr, addr + PAGE) & MMUN_BLIND_RAW)
		bail("a page that was watched cannot be watched again");
}

struct thread {
	pthread_t id;
	int nr;
	uint64_t seed;
};

static void *kill_pages(void *arg)
{
	struct thread *t = arg;

	for (int n = 0; n < DEATHS; n++) {
		int i = step(&t->seed) % NR;

		*(volatile char *)at[t->nr][i] = 1;
		settle();
		atomic_store(&table[t->nr][i],
			     atomic_load(&deaths[t->nr][i]) * 2 + 1);
		kill_page(t->nr, i, step(&t->seed));
	}
	atomic_fetch_sub(&killing, 1);
	return NULL;
}

static void *look_up(void *arg)
{
	struct thread *t = arg;

	while (atomic_load(&killing)) {
		int k = step(&t->seed) % KILLERS, i = step(&t->seed) % NR;
		uint64_t dead = atomic_load(&deaths[k][i]), entry;

		entry = atomic_load(&table[k][i]);
		if (entry && entry / 2 < dead)
			atomic_fetch_add(&unsettled_stale, 1);
		settle();
		entry = atomic_load(&table[k][i]);
		if (!entry)
			continue;
		atomic_fetch_add(&found, 1);
		if (entry / 2 < dead)
			atomic_fetch_add(&stale, 1);
	}
	return NULL;
}

static void lay_out(void)
{
	for (int k = 0; k < KILLERS; k++) {
		char *p = pages(NR);

		for (int i = 0; i < NR; i++)
			at[k][i] = p + i * PAGE;
		watch(&watches[k], p, NR);
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	struct thread threads[KILLERS + LOOKERS];

	tap_begin(50);
	if (!source_runs())
		return tap_end();
	diag("seed %llu", (unsigned long long)seed);
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	lay_out();
	for (int i = 0; i < KILLERS + LOOKERS; i++) {
		threads[i] = (struct thread){ .nr = i, .seed = (seed + i) * 2 + 1 };
		if (pthread_create(&threads[i].id, NULL,
				   i < KILLERS ? kill_pages : look_up,
				   &threads[i]))
			bail("no thread");
	}
	for (int i = 0; i < KILLERS + LOOKERS; i++)
		pthread_join(threads[i].id, NULL);
	ok(!atomic_load(&stale), "%lu settled lookups found nothing dead",
	   atomic_load(&found));
	diag("%lu lookups would have, had they not settled; %lu stale",
	     atomic_load(&unsettled_stale), atomic_load(&stale));
	ok(atomic_load(&callbacks) >= KILLERS * DEATHS,
	   "each death was told: %lu callbacks for %d deaths",
	   atomic_load(&callbacks), KILLERS * DEATHS);
	settle();
	for (int k = 0; k < KILLERS; k++)
		mmun_unwatch(&watches[k]);
	mmu_notifier_unregister(&mn, mm_self());
	return tap_end();
}
