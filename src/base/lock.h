/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_LOCK_H
#define MMUN_BASE_LOCK_H
/*
 * A futex lock of one word, and waiting on a word.
 *
 * Below a lock taken with mmun_lock_save() nothing allocates, frees, logs or
 * calls a subscriber, and no signal handler runs: a handler that unmaps memory
 * would come back for the lock that its own thread holds.
 */

#include <stdbool.h>
#include <stdint.h>

/* 0: free; 1: held; 2: held, and somebody may be waiting. */
struct mmun_lock {
	uint32_t word;
};

/* The signal mask to restore. */
struct mmun_sigmask {
	uint64_t bits;
};

/* Context: may sleep; not from a signal handler that may interrupt a holder. */
void mmun_lock(struct mmun_lock *lock);
void mmun_unlock(struct mmun_lock *lock);

/* The same with all signals blocked meanwhile.  Context: any. */
void mmun_lock_save(struct mmun_lock *lock, struct mmun_sigmask *saved);
void mmun_unlock_restore(struct mmun_lock *lock, const struct mmun_sigmask *saved);

/*
 * The same, unless its holder has set *@flag, which he does and undoes under it, and
 * others can do without it then.  Return: is it held?  Context: any.
 */
bool mmun_lock_save_unless(struct mmun_lock *lock, const uint32_t *flag,
			   struct mmun_sigmask *saved);

void mmun_block_signals(struct mmun_sigmask *saved);
void mmun_restore_signals(const struct mmun_sigmask *saved);

/*
 * Wait while *word == value, at most timeout_ns (0: without limit); may return
 * early.  Context: sleeps; any thread.
 */
void mmun_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns);
/* Wake all who wait on the word.  Context: any. */
void mmun_futex_wake(uint32_t *word);

#endif /* MMUN_BASE_LOCK_H */
