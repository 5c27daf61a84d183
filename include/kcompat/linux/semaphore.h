/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SEMAPHORE_H
#define MMUN_KCOMPAT_LINUX_SEMAPHORE_H
/* Counting semaphores. */
#include <linux/spinlock.h>
#include <mmun/event.h>

struct semaphore {
	spinlock_t lock;
	unsigned int count;
	struct mmun_k_event mmun_freed;
};

#define __SEMAPHORE_INITIALIZER(name, n) \
	{ .lock = { .mmun_lock = PTHREAD_MUTEX_INITIALIZER }, .count = (n) }
#define MMUN_K_SEMAPHORE(name, n, ...) \
	struct semaphore name = __SEMAPHORE_INITIALIZER(name, n)
#define DEFINE_SEMAPHORE(...) MMUN_K_SEMAPHORE(__VA_ARGS__, 1)

static inline void sema_init(struct semaphore *sem, int n)
{
	*sem = (struct semaphore)__SEMAPHORE_INITIALIZER(*sem, n);
}

/* Zero when it was had: the other way round than other locks. */
static inline int __must_check down_trylock(struct semaphore *sem)
{
	bool had;

	spin_lock(&sem->lock);
	had = sem->count > 0;
	sem->count -= had;
	spin_unlock(&sem->lock);
	return !had;
}

static inline void down(struct semaphore *sem)
{
	uint32_t seen;

	might_sleep();
	for (;;) {
		seen = mmun_k_event_read(&sem->mmun_freed);
		if (!down_trylock(sem))
			return;
		mmun_k_event_wait(&sem->mmun_freed, seen, MMUN_K_FOREVER);
	}
}

static inline int __must_check down_interruptible(struct semaphore *sem)
{
	down(sem);
	return 0;
}

#define down_killable(sem) down_interruptible(sem)

static inline void up(struct semaphore *sem)
{
	spin_lock(&sem->lock);
	sem->count++;
	spin_unlock(&sem->lock);
	mmun_k_event_tell(&sem->mmun_freed);
}

#endif /* MMUN_KCOMPAT_LINUX_SEMAPHORE_H */
