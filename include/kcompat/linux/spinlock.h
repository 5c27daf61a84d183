/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SPINLOCK_H
#define MMUN_KCOMPAT_LINUX_SPINLOCK_H
/*
 * Spinlocks.  There are no interrupts: the variants that disable them do so in
 * name only.  A thread that takes one twice is told, and the program ends.
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/spinlock_types.h>
#include <linux/typecheck.h>

static inline void spin_lock_init(spinlock_t *lock)
{
	pthread_mutex_init(&lock->mmun_lock, NULL);
	mmun_k_lock_disown(&lock->dep_map);
}

static inline void spin_lock(spinlock_t *lock)
{
	mmun_k_lock_recursion(&lock->dep_map);
	preempt_disable();
	pthread_mutex_lock(&lock->mmun_lock);
	mmun_k_lock_own(&lock->dep_map);
}

static inline int spin_trylock(spinlock_t *lock)
{
	if (pthread_mutex_trylock(&lock->mmun_lock))
		return 0;
	preempt_disable();
	mmun_k_lock_own(&lock->dep_map);
	return 1;
}

static inline void spin_unlock(spinlock_t *lock)
{
	mmun_k_lock_disown(&lock->dep_map);
	pthread_mutex_unlock(&lock->mmun_lock);
	preempt_enable();
}

static inline int spin_is_locked(spinlock_t *lock)
{
	return __atomic_load_n(&lock->dep_map.owner, __ATOMIC_RELAXED) != NULL;
}

#define MMUN_K_NO_FLAGS(flags) \
	((void)typecheck(unsigned long, flags), (flags) = 0)
#define MMUN_K_USE_FLAGS(flags) ((void)(flags))

#define spin_lock_irqsave(lock, flags) \
	do { MMUN_K_NO_FLAGS(flags); spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do { MMUN_K_USE_FLAGS(flags); spin_unlock(lock); } while (0)
#define spin_trylock_irqsave(lock, flags) \
	({ MMUN_K_NO_FLAGS(flags); spin_trylock(lock); })
#define spin_lock_irqsave_nested(lock, flags, sub) \
	spin_lock_irqsave(lock, flags)
#define spin_lock_irq(lock) spin_lock(lock)
#define spin_unlock_irq(lock) spin_unlock(lock)
#define spin_trylock_irq(lock) spin_trylock(lock)
#define spin_lock_bh(lock) spin_lock(lock)
#define spin_unlock_bh(lock) spin_unlock(lock)
#define spin_trylock_bh(lock) spin_trylock(lock)
#define spin_lock_nested(lock, sub) spin_lock(lock)
#define spin_lock_nest_lock(lock, nest) spin_lock(lock)
#define spin_is_contended(lock) ((void)(lock), 0)
#define spin_needbreak(lock) ((void)(lock), 0)
#define assert_spin_locked(lock) BUG_ON(!spin_is_locked(lock))

#define raw_spin_lock_init(lock) spin_lock_init(lock)
#define raw_spin_lock(lock) spin_lock(lock)
#define raw_spin_trylock(lock) spin_trylock(lock)
#define raw_spin_unlock(lock) spin_unlock(lock)
#define raw_spin_lock_irq(lock) spin_lock(lock)
#define raw_spin_unlock_irq(lock) spin_unlock(lock)
#define raw_spin_lock_irqsave(lock, flags) spin_lock_irqsave(lock, flags)
#define raw_spin_unlock_irqrestore(lock, flags) \
	spin_unlock_irqrestore(lock, flags)

/* True, with the lock, when the count has come to zero. */
static inline int atomic_dec_and_lock(atomic_t *count, spinlock_t *lock)
{
	if (atomic_add_unless(count, -1, 1))
		return 0;
	spin_lock(lock);
	if (atomic_dec_and_test(count))
		return 1;
	spin_unlock(lock);
	return 0;
}

#include <linux/rwlock.h>

MMUN_K_LOCK_GUARDS(spinlock, spinlock_t, spin_lock, spin_unlock)
MMUN_K_LOCK_GUARD(spinlock_bh, spinlock_t, spin_lock, spin_unlock)
MMUN_K_LOCK_GUARDS(raw_spinlock, raw_spinlock_t, spin_lock, spin_unlock)

#endif /* MMUN_KCOMPAT_LINUX_SPINLOCK_H */
