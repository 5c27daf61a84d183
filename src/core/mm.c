// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Address spaces: two reference counts and a lock.
 *
 * mm_users reaching zero runs ->release (release.c) and drops the one mm_count
 * that all users hold together; mm_count reaching zero frees.
 */
#include <stdlib.h>
#include <string.h>

#include "base/warn.h"
#include "core/core.h"

/* -- making and freeing -- */

/* Waiting writers first, as in the kernel: readers that keep coming don't starve them. */
static void init_mmap_lock(struct mm_struct *mm)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
	pthread_rwlockattr_setkind_np(&attr,
		PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(&mm->mmap_lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	mm->mmap_writer = NULL;
	mm->mmap_depth = 0;
	mm->mmap_readers = 0;
}

static void init_mm(struct mm_struct *mm)
{
	mm->mm_users = 1;
	mm->mm_count = 1;
	mmun_intervals_init(&mm->intervals);
	init_mmap_lock(mm);
}

static void free_mm(struct mm_struct *mm)
{
	if (mm->srcu)
		mmun_srcu_free(mm->srcu);
	if (mm->in_flight)
		mmun_srcu_free(mm->in_flight);
	if (mm->intervals.looks)
		mmun_srcu_free(mm->intervals.looks);
	if (mm->intervals.calls)
		mmun_srcu_free(mm->intervals.calls);
	mmun_filter_free(&mm->intervals.filter);
	pthread_rwlock_destroy(&mm->mmap_lock);
	free(mm);
}

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	init_mm(mm);
	if (mmun_fork_init())
		goto fail;
	mmun_pin_library();
	mm->in_flight = mmun_srcu_create();
	if (!mm->in_flight)
		goto fail;
	mm->srcu = mmun_srcu_create();
	if (!mm->srcu)
		goto fail;
	mmun_srcu_set_owner(mm->srcu, mm);
	return mm;
fail:
	free_mm(mm);
	return NULL;
}
EXPORT_SYMBOL(mm_alloc);

void mmun_mm_init_static(struct mm_struct *mm, struct mmun_srcu *srcu,
			 struct mmun_srcu *in_flight, int (*arm)(void))
{
	init_mm(mm);
	mmun_srcu_init_static(in_flight);
	mmun_srcu_init_static(srcu);
	mm->in_flight = in_flight;
	mm->arm = arm;
	mm->srcu = srcu;
	mmun_srcu_set_owner(srcu, mm);
}

bool mmun_mm_is_static(const struct mm_struct *mm)
{
	return mm->srcu->is_static;
}

void mmun_mm_fork_child(struct mm_struct *mm)
{
	init_mmap_lock(mm);
	mm->lock.word = 0;
}

/* -- reference counts -- */

/*
 * Take one off a count that must not fall below the floor.
 * Return: what is left, or UINT32_MAX when there was nothing to take.
 */
static uint32_t drop_count(uint32_t *count, uint32_t floor)
{
	uint32_t old = mmun_read(count);

	do {
		if (old <= floor)
			return UINT32_MAX;
	} while (!mmun_cas(count, &old, old - 1));
	return old - 1;
}

void mmget(struct mm_struct *mm)
{
	if (!mmget_not_zero(mm))
		mmun_warn_once("mmget() of an mm that was released");
}
EXPORT_SYMBOL(mmget);

bool mmget_not_zero(struct mm_struct *mm)
{
	uint32_t old = mmun_read(&mm->mm_users);

	do {
		if (!old)
			return false;
	} while (!mmun_cas(&mm->mm_users, &old, old + 1));
	return true;
}
EXPORT_SYMBOL(mmget_not_zero);

void mmput(struct mm_struct *mm)
{
	/* The process holds the first one of its own; when it exits, all are void. */
	bool is_static = mmun_mm_is_static(mm), inside = mmun_in_callback(mm);
	uint32_t left;

	if (is_static && !mmun_read(&mm->mm_users))
		return;
	/* ->release would wait for the callback that called us. */
	left = drop_count(&mm->mm_users, is_static || inside);
	if (left == UINT32_MAX && inside && !is_static)
		mmun_warn_once("last mmput() inside a callback: reference leaked");
	else if (left == UINT32_MAX)
		mmun_warn_once("mmput() without a reference");
	if (left)
		return;
	mmun_release_notifiers(mm);
	mmdrop(mm);
}
EXPORT_SYMBOL(mmput);

void mmun_mm_exit(struct mm_struct *mm)
{
	mmun_xchg(&mm->mm_users, 0);
	mmun_release_notifiers(mm);
	/* What was put is freed before the subscribers' own destructors run. */
	if (!mmun_in_callback(mm) && !mmun_srcu_on_worker())
		mmun_srcu_barrier(mm->srcu);
}

void mmgrab(struct mm_struct *mm)
{
	mmun_fetch_add(&mm->mm_count, 1);
}
EXPORT_SYMBOL(mmgrab);

void mmdrop(struct mm_struct *mm)
{
	uint32_t left = drop_count(&mm->mm_count, mmun_mm_is_static(mm) ? 1 : 0);

	if (left == UINT32_MAX)
		mmun_warn_once("mmdrop() without a reference");
	else if (!left)
		free_mm(mm);
}
EXPORT_SYMBOL(mmdrop);

unsigned int mmun_mm_users(struct mm_struct *mm)
{
	return mmun_read(&mm->mm_users);
}
EXPORT_SYMBOL(mmun_mm_users);

unsigned int mmun_mm_count(struct mm_struct *mm)
{
	return mmun_read(&mm->mm_count);
}
EXPORT_SYMBOL(mmun_mm_count);

/* -- the mmap lock -- */

bool mmun_mmap_write_held(const struct mm_struct *mm)
{
	return mmun_read(&mm->mmap_writer) == &mmun_task;
}

static void own_mmap_lock(struct mm_struct *mm)
{
	mm->mmap_depth = 1;
	mmun_write(&mm->mmap_writer, &mmun_task);
}

/* A thread that would wait for itself goes on instead. */
static bool mmap_lock_recursed(struct mm_struct *mm)
{
	if (!mmun_mmap_write_held(mm))
		return false;
	mmun_warn_once("mmap_write_lock() by the thread that holds it");
	mm->mmap_depth++;
	return true;
}

void mmap_write_lock(struct mm_struct *mm)
{
	if (mmap_lock_recursed(mm))
		return;
	pthread_rwlock_wrlock(&mm->mmap_lock);
	own_mmap_lock(mm);
}
EXPORT_SYMBOL(mmap_write_lock);

bool mmap_write_trylock(struct mm_struct *mm)
{
	if (pthread_rwlock_trywrlock(&mm->mmap_lock))
		return false;
	own_mmap_lock(mm);
	return true;
}
EXPORT_SYMBOL(mmap_write_trylock);

void mmap_write_unlock(struct mm_struct *mm)
{
	if (!mmun_mmap_write_held(mm)) {
		mmun_warn_once("mmap_write_unlock() without the lock");
		return;
	}
	if (--mm->mmap_depth)
		return;
	mmun_write(&mm->mmap_writer, NULL);
	pthread_rwlock_unlock(&mm->mmap_lock);
}
EXPORT_SYMBOL(mmap_write_unlock);

void mmap_read_lock(struct mm_struct *mm)
{
	if (mmun_mmap_write_held(mm)) {
		mmun_warn_once("mmap_read_lock() by the thread that holds it for writing");
		mm->mmap_depth++;
		return;
	}
	pthread_rwlock_rdlock(&mm->mmap_lock);
	mmun_fetch_add(&mm->mmap_readers, 1);
}
EXPORT_SYMBOL(mmap_read_lock);

bool mmap_read_trylock(struct mm_struct *mm)
{
	if (pthread_rwlock_tryrdlock(&mm->mmap_lock))
		return false;
	mmun_fetch_add(&mm->mmap_readers, 1);
	return true;
}
EXPORT_SYMBOL(mmap_read_trylock);

void mmap_read_unlock(struct mm_struct *mm)
{
	if (mmun_mmap_write_held(mm) && mm->mmap_depth > 1) {
		mm->mmap_depth--;
		return;
	}
	if (drop_count(&mm->mmap_readers, 0) == UINT32_MAX) {
		mmun_warn_once("mmap_read_unlock() without the lock");
		return;
	}
	pthread_rwlock_unlock(&mm->mmap_lock);
}
EXPORT_SYMBOL(mmap_read_unlock);

void mmap_assert_write_locked(struct mm_struct *mm)
{
	if (!mmun_mmap_write_held(mm))
		mmun_warn_once("mmap_assert_write_locked(): the lock is not held");
}
EXPORT_SYMBOL(mmap_assert_write_locked);
