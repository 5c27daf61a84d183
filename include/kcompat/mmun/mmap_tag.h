/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_MMUN_MMAP_TAG_H
#define MMUN_KCOMPAT_MMUN_MMAP_TAG_H
/*
 * What drivers touch inside of a struct mm_struct.  It is the library's, and
 * nothing of it is here: these members have no size, and their types choose
 * what is called.
 */
#include <mmunotify/mm.h>

struct mmun_k_mmap_dep {
};

struct mmun_k_mmap_lock {
	struct mmun_k_mmap_dep dep_map;
};

struct mmun_k_mm_users {
};

struct mmun_k_mm_count {
};

struct mm_struct {
	struct mmun_k_mmap_lock mmap_lock;
	struct mmun_k_mmap_lock mmap_sem;	/* its name before Linux 5.8 */
	struct mmun_k_mm_users mm_users;
	struct mmun_k_mm_count mm_count;
};

/* Does anybody hold it?  If it can be had, nobody does. */
static inline bool mmun_k_mmap_held(const struct mmun_k_mmap_dep *dep)
{
	struct mm_struct *mm = (struct mm_struct *)dep;

	if (!mmap_write_trylock(mm))
		return true;
	mmap_write_unlock(mm);
	return false;
}

/* The library warns by itself. */
static inline bool mmun_k_mmap_written(const struct mmun_k_mmap_dep *dep)
{
	mmap_assert_write_locked((struct mm_struct *)dep);
	return true;
}

static inline bool mmun_k_mmap_unknown(const struct mmun_k_mmap_dep *dep)
{
	(void)dep;
	return false;
}

static inline int mmun_k_mmap_rwsem_is_locked(struct mmun_k_mmap_lock *lock)
{
	return mmun_k_mmap_held(&lock->dep_map);
}

static inline void mmun_k_mmap_down_read(struct mmun_k_mmap_lock *lock)
{
	mmap_read_lock((struct mm_struct *)lock);
}

static inline int mmun_k_mmap_down_read_trylock(struct mmun_k_mmap_lock *lock)
{
	return mmap_read_trylock((struct mm_struct *)lock);
}

static inline int mmun_k_mmap_down_read_killable(struct mmun_k_mmap_lock *lock)
{
	mmap_read_lock((struct mm_struct *)lock);
	return 0;
}

static inline void mmun_k_mmap_up_read(struct mmun_k_mmap_lock *lock)
{
	mmap_read_unlock((struct mm_struct *)lock);
}

static inline void mmun_k_mmap_down_write(struct mmun_k_mmap_lock *lock)
{
	mmap_write_lock((struct mm_struct *)lock);
}

static inline int mmun_k_mmap_down_write_trylock(struct mmun_k_mmap_lock *lock)
{
	return mmap_write_trylock((struct mm_struct *)lock);
}

static inline int mmun_k_mmap_down_write_killable(struct mmun_k_mmap_lock *lock)
{
	mmap_write_lock((struct mm_struct *)lock);
	return 0;
}

static inline void mmun_k_mmap_up_write(struct mmun_k_mmap_lock *lock)
{
	mmap_write_unlock((struct mm_struct *)lock);
}

static inline int mmun_k_mm_users_read(const struct mmun_k_mm_users *users)
{
	return mmun_mm_users((struct mm_struct *)users);
}

static inline bool mmun_k_mm_users_get(struct mmun_k_mm_users *users)
{
	return mmget_not_zero((struct mm_struct *)users);
}

static inline int mmun_k_mm_count_read(const struct mmun_k_mm_count *count)
{
	return mmun_mm_count((struct mm_struct *)count);
}

#endif /* MMUN_KCOMPAT_MMUN_MMAP_TAG_H */
