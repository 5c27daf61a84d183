// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Nobody finds what is dead.  Threads kill watched pages by instruction, count,
 * for each page, how often they have returned from that, and enter it in a
 * table; others settle and look it up: what they find must not be older than
 * what they knew before.  One of the killers has a table of descriptors of its
 * own, and must ask for what it registers.
 *
 * ORDER(settle), ORDER(uffd-told), ORDER(uffd-request): without one of them,
 * something dead is found, or a thread waits for ever.
 *
 *	uffd-settle [RULE to break] [seed]
 */
#include <linux/close_range.h>

#include "mutant.h"
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
static atomic_ulong killed, unseen, stale, unsettled_stale, found, callbacks;

/* A mutant need be caught but once. */
static bool is_over(void)
{
	return broken_name && (atomic_load(&stale) || atomic_load(&unseen));
}

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
		atomic_fetch_add(&unseen, 1);
}

struct thread {
	int nr;
	uint64_t seed;
};

static void *kill_pages(void *arg)
{
	struct thread *t = arg;

	if (t->nr && syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE))
		bail("no table of descriptors of its own");
	for (int n = 0; n < DEATHS && !is_over(); n++) {
		int i = step(&t->seed) % NR;

		*(volatile char *)at[t->nr][i] = 1;
		settle();
		atomic_store(&table[t->nr][i],
			     atomic_load(&deaths[t->nr][i]) * 2 + 1);
		kill_page(t->nr, i, step(&t->seed));
		atomic_fetch_add(&killed, 1);
	}
	atomic_fetch_sub(&killing, 1);
	return NULL;
}

static void *look_up(void *arg)
{
	struct thread *t = arg;

	while (atomic_load(&killing) && !is_over()) {
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

static void finish(bool stuck)
{
	rule(!stuck && !atomic_load(&stale) && !atomic_load(&unseen),
	     "who settles finds nothing dead, nor waits for ever");
	diag("%lu kills, %lu unseen, %lu lookups, %lu stale; unsettled %lu%s",
	     atomic_load(&killed), atomic_load(&unseen), atomic_load(&found),
	     atomic_load(&stale), atomic_load(&unsettled_stale),
	     stuck ? "; stuck" : "");
	if (broken_name)
		end_at_once();
	ok(atomic_load(&callbacks) >= KILLERS * DEATHS, "each death was told");
}

int main(int argc, char **argv)
{
	struct thread threads[KILLERS + LOOKERS];
	pthread_t ids[KILLERS + LOOKERS];
	uint64_t seed;

	tap_begin(50);
	break_rule(&argc, &argv);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	if (!source_runs())
		return tap_end();
	diag("seed %llu", (unsigned long long)seed);
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	lay_out();
	for (int i = 0; i < KILLERS + LOOKERS; i++) {
		threads[i] = (struct thread){ i, (seed + i) * 2 + 1 };
		if (pthread_create(&ids[i], NULL,
				   i < KILLERS ? kill_pages : look_up,
				   &threads[i]))
			bail("no thread");
	}
	finish(!join_all(ids, KILLERS + LOOKERS, &killed));
	settle();
	for (int k = 0; k < KILLERS; k++)
		mmun_unwatch(&watches[k]);
	mmu_notifier_unregister(&mn, mm_self());
	return tap_end();
}
