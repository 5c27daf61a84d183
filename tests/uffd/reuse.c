// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A thread unmaps watched memory by instruction, and before that call has
 * returned another one is given the same address by mmap().  What it looks up
 * there must not be what died.
 */
#include "uffd.h"

#define ROUNDS 500
#define SIZE (4 * PAGE)

static char *memory;
static atomic_int entered;	/* somebody's translation of it */
static atomic_int unmapping;	/* 0: not yet, 1: about to, 2: has returned */
static int taken_before, taken, stale;

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	(void)mn;
	if ((unsigned long)memory < range->end &&
	    (unsigned long)memory + SIZE > range->start)
		atomic_store(&entered, 0);
	return 0;
}

static void *unmap(void *unused)
{
	atomic_store(&unmapping, 1);
	raw3(SYS_munmap, (long)memory, SIZE, 0);
	atomic_store(&unmapping, 2);
	return unused;
}

/* Take the place as soon as it is free; the hint is followed then. */
static char *take_place(void)
{
	for (;;) {
		char *p = mmap(memory, SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == memory || p == MAP_FAILED)
			return p;
		drop(p, SIZE / PAGE);
	}
}

static void one_round(void)
{
	struct mmun_watch w = { 0 };
	pthread_t thread;
	char *p;

	memory = watched(&w, SIZE / PAGE);
	atomic_store(&entered, 1);
	atomic_store(&unmapping, 0);
	pthread_create(&thread, NULL, unmap, NULL);
	while (!atomic_load(&unmapping))
		;
	p = take_place();
	taken_before += atomic_load(&unmapping) == 1;
	settle();
	taken += p == memory;
	stale += p == memory && atomic_load(&entered);
	pthread_join(thread, NULL);
	settle();
	mmun_unwatch(&w);
	drop(memory, SIZE / PAGE);
}

int main(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = on_start,
	};
	static struct mmu_notifier mn = { .ops = &ops };

	tap_begin(50);
	if (!source_runs())
		return tap_end();
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	for (int i = 0; i < ROUNDS; i++)
		one_round();
	ok(taken && taken_before, "the place was taken %d times, %d of them early",
	   taken, taken_before);
	diag("found %d times", stale);
	/* Who is given memory anew waits in libc's mmap(). */
	ok_by_entries(!stale, "what died is not found there");
	mmu_notifier_unregister(&mn, mm_self());
	return tap_end();
}
