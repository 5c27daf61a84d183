/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MUTEX_H
#define MMUN_KCOMPAT_LINUX_MUTEX_H
/* Mutexes.  Nobody is killed or interrupted: those variants succeed. */
#include <pthread.h>
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/list.h>

struct mutex {
	pthread_mutex_t mmun_lock;
	struct lockdep_map dep_map;
};

#define __MUTEX_INITIALIZER(name) { .mmun_lock = PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

static inline void mutex_init(struct mutex *lock)
{
	pthread_mutex_init(&lock->mmun_lock, NULL);
	mmun_k_lock_disown(&lock->dep_map);
}

static inline bool mutex_is_locked(struct mutex *lock)
{
	return __atomic_load_n(&lock->dep_map.owner, __ATOMIC_RELAXED) != NULL;
}

static inline void mutex_destroy(struct mutex *lock)
{
	WARN_ON(mutex_is_locked(lock));
	pthread_mutex_destroy(&lock->mmun_lock);
}

static inline void mutex_lock(struct mutex *lock)
{
	might_sleep();
	mmun_k_lock_recursion(&lock->dep_map);
	pthread_mutex_lock(&lock->mmun_lock);
	mmun_k_lock_own(&lock->dep_map);
}

static inline int mutex_trylock(struct mutex *lock)
{
	if (pthread_mutex_trylock(&lock->mmun_lock))
		return 0;
	mmun_k_lock_own(&lock->dep_map);
	return 1;
}

static inline void mutex_unlock(struct mutex *lock)
{
	if (WARN_ON(!mmun_k_lock_written(&lock->dep_map)))
		return;
	mmun_k_lock_disown(&lock->dep_map);
	pthread_mutex_unlock(&lock->mmun_lock);
}

static inline int __must_check mutex_lock_interruptible(struct mutex *lock)
{
	mutex_lock(lock);
	return 0;
}

#define mutex_lock_killable(lock) mutex_lock_interruptible(lock)
#define mutex_lock_nested(lock, sub) mutex_lock(lock)
#define mutex_lock_nest_lock(lock, nest) mutex_lock(lock)
#define mutex_lock_interruptible_nested(lock, sub) \
	mutex_lock_interruptible(lock)
#define mutex_lock_killable_nested(lock, sub) mutex_lock_interruptible(lock)
#define mutex_lock_io(lock) mutex_lock(lock)
#define atomic_dec_and_mutex_lock(count, lock) \
	mmun_k_dec_and_mutex_lock(count, lock)

DEFINE_GUARD(mutex, struct mutex *, mutex_lock(_T), mutex_unlock(_T))
DEFINE_GUARD_COND(mutex, _try, mutex_trylock(_T))
DEFINE_GUARD_COND(mutex, _intr, mutex_lock_interruptible(_T) == 0)

#include <linux/atomic.h>

static inline int mmun_k_dec_and_mutex_lock(atomic_t *count, struct mutex *lock)
{
	if (atomic_add_unless(count, -1, 1))
		return 0;
	mutex_lock(lock);
	if (atomic_dec_and_test(count))
		return 1;
	mutex_unlock(lock);
	return 0;
}

#endif /* MMUN_KCOMPAT_LINUX_MUTEX_H */
