/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RWSEM_H
#define MMUN_KCOMPAT_LINUX_RWSEM_H
/*
 * Semaphores of readers and writers.  A writer holds a mutex around the lock,
 * so that none comes between when another one becomes a reader.
 */
#include <pthread.h>
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>

struct rw_semaphore {
	pthread_mutex_t mmun_writers;
	pthread_rwlock_t mmun_lock;
	struct lockdep_map dep_map;
};

#ifdef PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP
#define MMUN_K_RWSEM_LOCK PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP
#else
#define MMUN_K_RWSEM_LOCK PTHREAD_RWLOCK_INITIALIZER
#endif

#define __RWSEM_INITIALIZER(name)				\
	{							\
		.mmun_writers = PTHREAD_MUTEX_INITIALIZER,	\
		.mmun_lock = MMUN_K_RWSEM_LOCK,			\
	}
#define DECLARE_RWSEM(name) \
	struct rw_semaphore name = __RWSEM_INITIALIZER(name)

static inline void init_rwsem(struct rw_semaphore *sem)
{
	*sem = (struct rw_semaphore)__RWSEM_INITIALIZER(*sem);
}

static inline int rwsem_is_locked(struct rw_semaphore *sem)
{
	return __atomic_load_n(&sem->dep_map.owner, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&sem->dep_map.readers, __ATOMIC_RELAXED) > 0;
}

static inline void down_read(struct rw_semaphore *sem)
{
	might_sleep();
	mmun_k_lock_recursion(&sem->dep_map);
	pthread_rwlock_rdlock(&sem->mmun_lock);
	mmun_k_lock_readers(&sem->dep_map, 1);
}

static inline int down_read_trylock(struct rw_semaphore *sem)
{
	if (pthread_rwlock_tryrdlock(&sem->mmun_lock))
		return 0;
	mmun_k_lock_readers(&sem->dep_map, 1);
	return 1;
}

static inline void up_read(struct rw_semaphore *sem)
{
	mmun_k_lock_readers(&sem->dep_map, -1);
	pthread_rwlock_unlock(&sem->mmun_lock);
}

static inline void down_write(struct rw_semaphore *sem)
{
	might_sleep();
	mmun_k_lock_recursion(&sem->dep_map);
	pthread_mutex_lock(&sem->mmun_writers);
	pthread_rwlock_wrlock(&sem->mmun_lock);
	mmun_k_lock_own(&sem->dep_map);
}

static inline int down_write_trylock(struct rw_semaphore *sem)
{
	if (pthread_mutex_trylock(&sem->mmun_writers))
		return 0;
	if (pthread_rwlock_trywrlock(&sem->mmun_lock)) {
		pthread_mutex_unlock(&sem->mmun_writers);
		return 0;
	}
	mmun_k_lock_own(&sem->dep_map);
	return 1;
}

static inline void up_write(struct rw_semaphore *sem)
{
	mmun_k_lock_disown(&sem->dep_map);
	pthread_rwlock_unlock(&sem->mmun_lock);
	pthread_mutex_unlock(&sem->mmun_writers);
}

/* Readers may come in between, but they see what we shall read. */
static inline void downgrade_write(struct rw_semaphore *sem)
{
	mmun_k_lock_disown(&sem->dep_map);
	pthread_rwlock_unlock(&sem->mmun_lock);
	pthread_rwlock_rdlock(&sem->mmun_lock);
	mmun_k_lock_readers(&sem->dep_map, 1);
	pthread_mutex_unlock(&sem->mmun_writers);
}

static inline int __must_check down_read_killable(struct rw_semaphore *sem)
{
	down_read(sem);
	return 0;
}

static inline int __must_check down_read_interruptible(struct rw_semaphore *sem)
{
	down_read(sem);
	return 0;
}

static inline int __must_check down_write_killable(struct rw_semaphore *sem)
{
	down_write(sem);
	return 0;
}

#define down_read_nested(sem, sub) down_read(sem)
#define down_write_nested(sem, sub) down_write(sem)
#define down_write_nest_lock(sem, nest) down_write(sem)
#define down_read_non_owner(sem) down_read(sem)
#define up_read_non_owner(sem) up_read(sem)
#define rwsem_is_contended(sem) ((void)(sem), 0)
#define rwsem_assert_held(sem) lockdep_assert_held(sem)
#define rwsem_assert_held_write(sem) lockdep_assert_held_write(sem)

DEFINE_GUARD(rwsem_read, struct rw_semaphore *, down_read(_T), up_read(_T))
DEFINE_GUARD(rwsem_write, struct rw_semaphore *, down_write(_T), up_write(_T))
DEFINE_GUARD_COND(rwsem_read, _try, down_read_trylock(_T))
DEFINE_GUARD_COND(rwsem_write, _try, down_write_trylock(_T))

/* The lock of an mm is the library's: down_read(&mm->mmap_sem). */
#define MMUN_K_SEM(sem, function) \
	_Generic((sem), struct mmun_k_mmap_lock *: mmun_k_mmap_##function, \
		 default: function)(sem)
#define down_read(sem) MMUN_K_SEM(sem, down_read)
#define down_read_trylock(sem) MMUN_K_SEM(sem, down_read_trylock)
#define down_read_killable(sem) MMUN_K_SEM(sem, down_read_killable)
#define up_read(sem) MMUN_K_SEM(sem, up_read)
#define down_write(sem) MMUN_K_SEM(sem, down_write)
#define down_write_trylock(sem) MMUN_K_SEM(sem, down_write_trylock)
#define down_write_killable(sem) MMUN_K_SEM(sem, down_write_killable)
#define up_write(sem) MMUN_K_SEM(sem, up_write)
#define rwsem_is_locked(sem) MMUN_K_SEM(sem, rwsem_is_locked)

#endif /* MMUN_KCOMPAT_LINUX_RWSEM_H */
