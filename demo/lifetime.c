// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The lifetime of a notifier, in print.  One page is unmapped by a second
 * thread and its callback is held open, so that the grace period after the last
 * put lasts exactly as long as we want to look at it.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mmunotify/mmu_notifier.h>

#include "lifetime.h"

static void *page;
static sem_t inside, leave;
static atomic_bool held;    /* the callback is or was inside */
static atomic_int freed_by; /* thread id, 0: not yet */

static int hold_range_start(struct mmu_notifier *mn,
			    const struct mmu_notifier_range *range)
{
	(void)mn;
	if (range->start == (unsigned long)page) {
		atomic_store(&held, true);
		sem_post(&inside);
		sem_wait(&leave);
	}
	return 0;
}

static struct mmu_notifier *hold_alloc(struct mm_struct *mm)
{
	(void)mm;
	return calloc(1, sizeof(struct mmu_notifier));
}

static void hold_free(struct mmu_notifier *mn)
{
	free(mn);
	atomic_store(&freed_by, gettid());
}

static const struct mmu_notifier_ops hold_ops = {
	.invalidate_range_start = hold_range_start,
	.alloc_notifier = hold_alloc,
	.free_notifier = hold_free,
};

static void *unmap_page(void *arg)
{
	(void)arg;
	munmap(page, getpagesize());
	sem_post(&inside); /* do not hang if the event never came */
	return NULL;
}

static struct mmu_notifier *show_get(const char *nth)
{
	struct mmu_notifier *mn = mmu_notifier_get(&hold_ops, mm_self());

	if (IS_ERR(mn))
		printf("  %s get    %s\n", nth, strerror(-PTR_ERR(mn)));
	else
		printf("  %s get    -> %p, users %u\n", nth, (void *)mn,
		       mn->users);
	return mn;
}

/* Put the last reference while a callback of the notifier runs. */
static bool show_grace_period(struct mmu_notifier *mn)
{
	pthread_t unmapper;
	bool waited;

	if (pthread_create(&unmapper, NULL, unmap_page, NULL)) {
		mmu_notifier_put(mn);
		return false;
	}
	sem_wait(&inside);
	mmu_notifier_put(mn);
	waited = !atomic_load(&freed_by);
	if (!atomic_load(&held))
		printf("  last put       NO CALLBACK CAME FROM munmap()\n");
	else
		printf("  last put       returned; a callback still runs in "
		       "munmap(): %s\n",
		       waited ? "not freed" : "FREED TOO EARLY");
	sem_post(&leave);
	mmu_notifier_synchronize();
	printf("  synchronize    returned; the callback has left: ");
	if (atomic_load(&freed_by))
		printf("freed by thread %d, put by thread %d\n",
		       atomic_load(&freed_by), gettid());
	else
		printf("NOT FREED\n");
	pthread_join(unmapper, NULL);
	return atomic_load(&held) && waited && atomic_load(&freed_by);
}

bool lifetime_show(void)
{
	struct mmu_notifier *mn, *again;
	bool same;

	page = mmap(NULL, getpagesize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (page == MAP_FAILED)
		return false;
	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);

	mn = show_get("first ");
	if (IS_ERR(mn))
		return false;
	again = show_get("second");
	if (IS_ERR(again)) {
		mmu_notifier_put(mn);
		return false;
	}
	same = again == mn && mn->users == 2;
	mmu_notifier_put(again);
	printf("  first put      users %u\n", mn->users);
	return show_grace_period(mn) && same;
}
