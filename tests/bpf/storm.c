// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads map, translate, unmap by instruction, and look each other's memory up:
 * who settles first never finds a translation of memory that was unmapped.
 * ORDER(bpf-told): what the teller's callbacks wrote, they see; and who waits is
 * woken.
 *
 *	bpf-storm [RULE to break] [seed]
 */
#include "mutant.h"
#include "bpf.h"

#define SLOTS 16
#define THREADS 4
#define ROUNDS 4000

/* Even: dead, and not to be found; odd: the owner may map and translate. */
static atomic_ulong version[SLOTS];
static atomic_ulong translation[SLOTS];
static atomic_ulong stale, looked, found_early;
static bool mapped[SLOTS];	/* its owner's */
static char *area;

static char *slot_address(int slot)
{
	return area + slot * 2 * PAGE;
}

static int forget(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	for (int i = 0; i < SLOTS; i++)
		if (r->start < (unsigned long)slot_address(i) + PAGE &&
		    r->end > (unsigned long)slot_address(i))
			atomic_store(&translation[i], 0);
	/* Of a mutant, so that more comes in between. */
	for (volatile int i = 0; broken_name && i < 20000; i++)
		;
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = forget };
static struct mmu_notifier mn = { .ops = &ops };

static unsigned int next(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static void unmap_by(unsigned int how, int slot)
{
	char *p = slot_address(slot);

	switch (how % 3) {
	case 0:
		mapped[slot] = raw3(SYS_munmap, (long)p, PAGE, 0);
		break;
	case 1:
		raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
		break;
	case 2:
		raw(SYS_mmap, (long)p, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	}
}

/* Not where somebody else, such as a sanitizer, has mapped something meanwhile. */
static bool map_slot(int slot)
{
	char *p = slot_address(slot);

	if (!mapped[slot])
		mapped[slot] = raw(SYS_mmap, (long)p, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS |
				   MAP_FIXED_NOREPLACE, -1, 0) == (long)p;
	return mapped[slot];
}

/* A translation that an event of the last round wipes away is no harm. */
static void live_and_die(int slot, unsigned int how)
{
	char *p = slot_address(slot);

	if (!map_slot(slot))
		return;
	*(volatile char *)p = 1;
	atomic_fetch_add(&version[slot], 1);
	atomic_store(&translation[slot], (unsigned long)p);
	unmap_by(how, slot);
	atomic_fetch_add(&version[slot], 1);
}

/* Of the same death before and after. */
static void look_up(int slot)
{
	unsigned long before = atomic_load(&version[slot]);

	if (before & 1)
		return;
	if (atomic_load(&translation[slot]))
		atomic_fetch_add(&found_early, 1);
	mmun_settle(mm_self());
	if (atomic_load(&translation[slot]) &&
	    atomic_load(&version[slot]) == before)
		atomic_fetch_add(&stale, 1);
	atomic_fetch_add(&looked, 1);
}

static unsigned int seed;
static pthread_barrier_t ready;

/* A mutant need be caught but once. */
static bool is_over(void)
{
	return broken_name && atomic_load(&stale);
}

static void *storm(void *arg)
{
	int self = (long)arg;
	unsigned int state = seed + self;

	pthread_barrier_wait(&ready);
	for (unsigned int i = 0; has_time(i, ROUNDS) && !is_over(); i++) {
		int own = self + next(&state) % (SLOTS / THREADS) * THREADS;

		live_and_die(own, next(&state));
		look_up(own);
		look_up(next(&state) % SLOTS);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	int nr_threads = THREADS;
	bool stuck;

	tap_begin(50);
	break_rule(&argc, &argv);
	/* Others would wake whom a mutant forgets. */
	if (broken_name)
		nr_threads = 1;
	seed = argc > 1 ? strtoul(argv[1], NULL, 0) : (unsigned int)time(NULL);
	diag("seed %u", seed);
	start_with_bpf("bpf");
	pthread_barrier_init(&ready, NULL, nr_threads + 1);
	for (long i = 0; i < nr_threads; i++)
		if (pthread_create(&thread[i], NULL, storm, (void *)i))
			bail("no thread");
	area = (char *)raw(SYS_mmap, 0, SLOTS * 2 * PAGE,
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < SLOTS; i++)
		mapped[i] = true;
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	pthread_barrier_wait(&ready);
	stuck = !join_all(thread, nr_threads, &looked);
	diag("%lu lookups, %lu would have been wrong without settling%s",
	     atomic_load(&looked), atomic_load(&found_early),
	     stuck ? "; stuck" : "");
	besides(atomic_load(&found_early) > 0, "events do come late");
	besides(atomic_load(&looked) > ROUNDS, "and are looked for");
	rule(!stuck && !atomic_load(&stale),
	     "none is stale when it has settled, and nobody waits for ever");
	if (broken_name)
		end_at_once();
	mmun_settle(mm_self());
	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&translation[i]))
			ok(false, "a translation remains of slot %d", i);
	return tap_end();
}
