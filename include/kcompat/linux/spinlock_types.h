/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SPINLOCK_TYPES_H
#define MMUN_KCOMPAT_LINUX_SPINLOCK_TYPES_H
/*
 * Spinlocks: mutexes, so that TSan knows them, and a holder that is not
 * running.
 */
#include <pthread.h>
#include <linux/lockdep_types.h>

typedef struct spinlock {
	pthread_mutex_t mmun_lock;
	struct lockdep_map dep_map;
} spinlock_t;

typedef struct spinlock raw_spinlock_t;

typedef struct {
	pthread_rwlock_t mmun_lock;
	struct lockdep_map dep_map;
} rwlock_t;

#define __SPIN_LOCK_UNLOCKED(name) \
	(spinlock_t){ .mmun_lock = PTHREAD_MUTEX_INITIALIZER }
#define __RAW_SPIN_LOCK_UNLOCKED(name) __SPIN_LOCK_UNLOCKED(name)
#define __RW_LOCK_UNLOCKED(name) \
	(rwlock_t){ .mmun_lock = PTHREAD_RWLOCK_INITIALIZER }
#define DEFINE_SPINLOCK(name) \
	spinlock_t name = { .mmun_lock = PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_RAW_SPINLOCK(name) DEFINE_SPINLOCK(name)
#define DEFINE_RWLOCK(name) \
	rwlock_t name = { .mmun_lock = PTHREAD_RWLOCK_INITIALIZER }

#endif /* MMUN_KCOMPAT_LINUX_SPINLOCK_TYPES_H */
