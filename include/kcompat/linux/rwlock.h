/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RWLOCK_H
#define MMUN_KCOMPAT_LINUX_RWLOCK_H
/* Spinlocks with readers, who may nest. */
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/spinlock_types.h>

static inline void rwlock_init(rwlock_t *lock)
{
	pthread_rwlock_init(&lock->mmun_lock, NULL);
	mmun_k_lock_disown(&lock->dep_map);
	__atomic_store_n(&lock->dep_map.readers, 0, __ATOMIC_RELAXED);
}

static inline void read_lock(rwlock_t *lock)
{
	mmun_k_lock_recursion(&lock->dep_map);
	preempt_disable();
	pthread_rwlock_rdlock(&lock->mmun_lock);
	mmun_k_lock_readers(&lock->dep_map, 1);
}

static inline int read_trylock(rwlock_t *lock)
{
	if (pthread_rwlock_tryrdlock(&lock->mmun_lock))
		return 0;
	preempt_disable();
	mmun_k_lock_readers(&lock->dep_map, 1);
	return 1;
}

static inline void read_unlock(rwlock_t *lock)
{
	mmun_k_lock_readers(&lock->dep_map, -1);
	pthread_rwlock_unlock(&lock->mmun_lock);
	preempt_enable();
}

static inline void write_lock(rwlock_t *lock)
{
	mmun_k_lock_recursion(&lock->dep_map);
	preempt_disable();
	pthread_rwlock_wrlock(&lock->mmun_lock);
	mmun_k_lock_own(&lock->dep_map);
}

static inline int write_trylock(rwlock_t *lock)
{
	if (pthread_rwlock_trywrlock(&lock->mmun_lock))
		return 0;
	preempt_disable();
	mmun_k_lock_own(&lock->dep_map);
	return 1;
}

static inline void write_unlock(rwlock_t *lock)
{
	mmun_k_lock_disown(&lock->dep_map);
	pthread_rwlock_unlock(&lock->mmun_lock);
	preempt_enable();
}

#define read_lock_irq(lock) read_lock(lock)
#define read_unlock_irq(lock) read_unlock(lock)
#define read_lock_bh(lock) read_lock(lock)
#define read_unlock_bh(lock) read_unlock(lock)
#define read_lock_irqsave(lock, flags) \
	do { (flags) = 0; read_lock(lock); } while (0)
#define read_unlock_irqrestore(lock, flags) \
	do { (void)(flags); read_unlock(lock); } while (0)
#define write_lock_irq(lock) write_lock(lock)
#define write_unlock_irq(lock) write_unlock(lock)
#define write_lock_bh(lock) write_lock(lock)
#define write_unlock_bh(lock) write_unlock(lock)
#define write_lock_irqsave(lock, flags) \
	do { (flags) = 0; write_lock(lock); } while (0)
#define write_unlock_irqrestore(lock, flags) \
	do { (void)(flags); write_unlock(lock); } while (0)
#define rwlock_needbreak(lock) ((void)(lock), 0)

MMUN_K_LOCK_GUARDS(read_lock, rwlock_t, read_lock, read_unlock)
MMUN_K_LOCK_GUARDS(write_lock, rwlock_t, write_lock, write_unlock)

#endif /* MMUN_KCOMPAT_LINUX_RWLOCK_H */
