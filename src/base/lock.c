// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <time.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/syscall.h"

void mmun_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};

	mmun_syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
		     timeout_ns ? &ts : NULL);
}

void mmun_futex_wake(uint32_t *word)
{
	mmun_syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

void mmun_lock(struct mmun_lock *lock)
{
	uint32_t old = 0;

	if (mmun_likely(mmun_cas(&lock->word, &old, 1)))
		return;
	while (mmun_xchg(&lock->word, 2))
		mmun_futex_wait(&lock->word, 2, 0);
}

void mmun_unlock(struct mmun_lock *lock)
{
	if (mmun_unlikely(mmun_xchg(&lock->word, 0) == 2))
		mmun_futex_wake(&lock->word);
}

void mmun_block_signals(struct mmun_sigmask *saved)
{
	uint64_t all = ~0ULL;

	mmun_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &saved->bits,
		     sizeof(all));
}

void mmun_restore_signals(const struct mmun_sigmask *saved)
{
	mmun_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved->bits, NULL,
		     sizeof(saved->bits));
}

void mmun_lock_save(struct mmun_lock *lock, struct mmun_sigmask *saved)
{
	mmun_block_signals(saved);
	mmun_lock(lock);
}

bool mmun_lock_save_unless(struct mmun_lock *lock, const uint32_t *flag,
			   struct mmun_sigmask *saved)
{
	uint32_t old = 0;

	mmun_block_signals(saved);
	while (!mmun_cas(&lock->word, &old, 1)) {
		if (mmun_load_ordered(flag)) {
			mmun_restore_signals(saved);
			return false;
		}
		mmun_syscall(SYS_sched_yield);
		old = 0;
	}
	return true;
}

void mmun_unlock_restore(struct mmun_lock *lock, const struct mmun_sigmask *saved)
{
	mmun_unlock(lock);
	mmun_restore_signals(saved);
}
