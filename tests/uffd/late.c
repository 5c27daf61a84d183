// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel announces advice before it drops the pages.  A thread that reads a
 * page in between, and enters what it read, must find that forgotten later.
 *
 * Each page has a number that nobody else had; a killer writes it, and drops the
 * page by instruction.  Who reads a number enters it as a mirror does: unless there
 * was an event since.  Who looks it up must not find one that is dead.
 *
 * ORDER(uffd-noted): the event is told after all have dropped their pages who had
 * been let go when we looked whether anybody had yet to; but for whom the machine
 * stops within some hundred instructions (let_it_be_removed()), which a hypervisor
 * does now and then: a few of the many are let pass, by which no rule can be broken.
 *
 *	uffd-late [RULE to break] [closed: all descriptors are]
 */
#include <linux/close_range.h>

#include "mutant.h"
#include "uffd.h"

#define NR 8
#define KILLERS 2
#define ROUNDS 4000
#define STOPPED 3	/* by the machine, at the most */

static char *page_at;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long events;		/* under lock */
static uint64_t entries[NR];
static _Atomic uint64_t dead[NR];	/* all numbers up to this */
static atomic_int killing = KILLERS;
static atomic_ulong entered, found, stale;

static bool goes_on(void)
{
	return atomic_load(&killing) &&
	       !(broken_name && atomic_load(&stale) > STOPPED);
}

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	unsigned long at = (unsigned long)page_at;

	(void)mn;
	pthread_mutex_lock(&lock);
	events++;
	for (int i = 0; i < NR; i++, at += PAGE)
		if (at < range->end && at + PAGE > range->start)
			entries[i] = 0;
	pthread_mutex_unlock(&lock);
	return 0;
}

static void *kill_pages(void *arg)
{
	for (uint64_t number = 1; has_time(number, ROUNDS) && goes_on(); number++)
		for (int i = *(int *)arg; i < NR; i += KILLERS) {
			char *at = page_at + i * PAGE;

			*(volatile uint64_t *)at = number;
			sched_yield();
			raw3(SYS_madvise, (long)at, PAGE, MADV_DONTNEED);
			atomic_store(&dead[i], number);
		}
	atomic_fetch_sub(&killing, 1);
	return NULL;
}

static void *enter(void *unused)
{
	unsigned long before;
	uint64_t number;

	for (int i = 0; goes_on(); i = (i + 1) % NR) {
		pthread_mutex_lock(&lock);
		before = events;
		pthread_mutex_unlock(&lock);
		settle();
		number = *(volatile uint64_t *)(page_at + i * PAGE);
		if (!number)
			continue;
		pthread_mutex_lock(&lock);
		if (events == before) {
			entries[i] = number;
			atomic_fetch_add(&entered, 1);
		}
		pthread_mutex_unlock(&lock);
	}
	return unused;
}

static void *look_up(void *unused)
{
	static uint64_t counted[NR];

	for (int i = 0; goes_on(); i = (i + 1) % NR) {
		uint64_t number, gone = atomic_load(&dead[i]);

		settle();
		pthread_mutex_lock(&lock);
		number = entries[i];
		pthread_mutex_unlock(&lock);
		if (!number)
			continue;
		atomic_fetch_add(&found, 1);
		if (number <= gone && counted[i] != number) {
			counted[i] = number;
			atomic_fetch_add(&stale, 1);
		}
	}
	return unused;
}

int main(int argc, char **argv)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = on_start,
	};
	static struct mmu_notifier mn = { .ops = &ops };
	static int first[KILLERS] = { 0, 1 };
	pthread_t threads[KILLERS + 2];
	struct mmun_watch w;

	tap_begin(50);
	break_rule(&argc, &argv);
	if (!source_runs())
		return tap_end();
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	page_at = watched(&w, NR);
	memset(page_at, 0, NR * PAGE);
	if (argc > 1 && syscall(SYS_close_range, 3, ~0U, 0))
		bail("close_range: %s", strerror(errno));
	for (int i = 0; i < KILLERS; i++)
		pthread_create(&threads[i], NULL, kill_pages, &first[i]);
	pthread_create(&threads[KILLERS], NULL, enter, NULL);
	pthread_create(&threads[KILLERS + 1], NULL, look_up, NULL);
	for (int i = 0; i < KILLERS + 2; i++)
		pthread_join(threads[i], NULL);
	besides(atomic_load(&entered), "entries were made");
	rule(atomic_load(&stale) <= STOPPED, "what is entered while pages go is forgotten");
	diag("%lu entries, %lu found, %lu dead ones among them", atomic_load(&entered),
	     atomic_load(&found), atomic_load(&stale));
	mmun_unwatch(&w);
	mmu_notifier_unregister(&mn, mm_self());
	return tap_end();
}
