/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_LOCKDEP_H
#define MMUN_KCOMPAT_LINUX_LOCKDEP_H
/*
 * Claims about who holds a lock.  Readers are counted, not known: "held" is
 * true while anybody reads.
 */
#include <linux/bug.h>
#include <linux/lockdep_types.h>
#include <mmun/mmap_tag.h>
#include <mmun/thread.h>

static inline void mmun_k_lock_own(struct lockdep_map *map)
{
	__atomic_store_n(&map->owner, &mmun_k_thread, __ATOMIC_RELAXED);
}

static inline void mmun_k_lock_disown(struct lockdep_map *map)
{
	__atomic_store_n(&map->owner, NULL, __ATOMIC_RELAXED);
}

static inline void mmun_k_lock_readers(struct lockdep_map *map, int change)
{
	__atomic_fetch_add(&map->readers, change, __ATOMIC_RELAXED);
}

static inline bool mmun_k_lock_written(const struct lockdep_map *map)
{
	return __atomic_load_n(&map->owner, __ATOMIC_RELAXED) == &mmun_k_thread;
}

static inline bool mmun_k_lock_held(const struct lockdep_map *map)
{
	return mmun_k_lock_written(map) ||
	       __atomic_load_n(&map->readers, __ATOMIC_RELAXED) > 0;
}

/* A thread that would wait for itself. */
static inline void mmun_k_lock_recursion(const struct lockdep_map *map)
{
	if (unlikely(mmun_k_lock_written(map)))
		mmun_k_bug(__FILE__, __LINE__, __func__,
			   "the thread holds the lock already");
}

#define lock_is_held(map)						\
	_Generic((map), struct mmun_k_mmap_dep *: mmun_k_mmap_held,	\
		 default: mmun_k_lock_held)(map)
#define MMUN_K_WRITTEN(map)						\
	_Generic((map), struct mmun_k_mmap_dep *: mmun_k_mmap_written,	\
		 default: mmun_k_lock_written)(map)
#define lockdep_is_held(lock) lock_is_held(&(lock)->dep_map)
#define lockdep_is_held_type(lock, read) \
	((read) ? lockdep_is_held(lock) : MMUN_K_WRITTEN(&(lock)->dep_map))
#define lockdep_assert(condition) ((void)WARN_ON(!(condition)))
#define lockdep_assert_once(condition) ((void)WARN_ON_ONCE(!(condition)))
#define lockdep_assert_held(lock) \
	((void)WARN(!lockdep_is_held(lock), "%s is not held\n", #lock))
#define lockdep_assert_held_once(lock) \
	((void)WARN_ONCE(!lockdep_is_held(lock), "%s is not held\n", #lock))
#define lockdep_assert_held_read(lock) lockdep_assert_held(lock)
#define lockdep_assert_held_write(lock)				\
	((void)WARN(!MMUN_K_WRITTEN(&(lock)->dep_map),		\
		    "%s is not held for writing\n", #lock))
#define lockdep_assert_held_exclusive(lock) lockdep_assert_held_write(lock)
#define lockdep_assert_not_held(lock)					\
	lockdep_assert(!_Generic(&(lock)->dep_map,			\
		struct mmun_k_mmap_dep *: mmun_k_mmap_unknown,		\
		default: mmun_k_lock_written)(&(lock)->dep_map))
#define lockdep_assert_none_held_once() ((void)0)
#define lockdep_assert_in_softirq() ((void)0)
#define lockdep_assert_irqs_disabled() ((void)0)
#define lockdep_assert_irqs_enabled() ((void)0)

#define lockdep_init_map(map, name, key, subclass) ((void)0)
#define lockdep_register_key(key) ((void)(key))
#define lockdep_unregister_key(key) ((void)(key))
#define lockdep_set_class(lock, key) ((void)(lock), (void)(key))
#define lockdep_set_class_and_name(lock, key, name) lockdep_set_class(lock, key)
#define lockdep_set_subclass(lock, sub) ((void)(lock))
#define lockdep_set_novalidate_class(lock) ((void)(lock))
#define lock_map_acquire(map) ((void)(map))
#define lock_map_release(map) ((void)(map))
#define lock_acquire(...) ((void)0)
#define lock_release(...) ((void)0)
#define lockdep_off() ((void)0)
#define lockdep_on() ((void)0)
#define might_lock(lock) ((void)(lock))
#define might_lock_read(lock) ((void)(lock))
#define might_lock_nested(lock, sub) ((void)(lock))
#define fs_reclaim_acquire(gfp) ((void)(gfp))
#define fs_reclaim_release(gfp) ((void)(gfp))
#define STATIC_LOCKDEP_MAP_INIT(name, key) {}
#define SINGLE_DEPTH_NESTING 1

#endif /* MMUN_KCOMPAT_LINUX_LOCKDEP_H */
