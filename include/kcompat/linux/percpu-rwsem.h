/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PERCPU_RWSEM_H
#define MMUN_KCOMPAT_LINUX_PERCPU_RWSEM_H
/* The same with another name. */
#include <linux/rwsem.h>

struct percpu_rw_semaphore {
	struct rw_semaphore mmun_sem;
};

#define DEFINE_STATIC_PERCPU_RWSEM(name)				\
	static struct percpu_rw_semaphore name = {			\
		.mmun_sem = __RWSEM_INITIALIZER(name.mmun_sem)		\
	}

static inline int percpu_init_rwsem(struct percpu_rw_semaphore *sem)
{
	init_rwsem(&sem->mmun_sem);
	return 0;
}

#define percpu_free_rwsem(sem) ((void)(sem))
#define percpu_down_read(sem) down_read(&(sem)->mmun_sem)
#define percpu_down_read_trylock(sem) down_read_trylock(&(sem)->mmun_sem)
#define percpu_up_read(sem) up_read(&(sem)->mmun_sem)
#define percpu_down_write(sem) down_write(&(sem)->mmun_sem)
#define percpu_up_write(sem) up_write(&(sem)->mmun_sem)
#define percpu_rwsem_assert_held(sem) lockdep_assert_held(&(sem)->mmun_sem)

#endif /* MMUN_KCOMPAT_LINUX_PERCPU_RWSEM_H */
