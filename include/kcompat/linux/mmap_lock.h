/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MMAP_LOCK_H
#define MMUN_KCOMPAT_LINUX_MMAP_LOCK_H
/* The mmap lock: the library's, and those that can be killed. */
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/mm_types.h>

static inline int __must_check mmap_write_lock_killable(struct mm_struct *mm)
{
	mmap_write_lock(mm);
	return 0;
}

static inline int __must_check mmap_read_lock_killable(struct mm_struct *mm)
{
	mmap_read_lock(mm);
	return 0;
}

static inline void mmap_assert_locked(const struct mm_struct *mm)
{
	WARN_ON(!mmun_k_mmap_held(&mm->mmap_lock.dep_map));
}

#define mmap_write_lock_nested(mm, sub) mmap_write_lock(mm)
#define mmap_read_unlock_non_owner(mm) mmap_read_unlock(mm)
#define mmap_lock_is_contended(mm) ((void)(mm), 0)

DEFINE_GUARD(mmap_read_lock, struct mm_struct *, mmap_read_lock(_T),
	     mmap_read_unlock(_T))
DEFINE_GUARD(mmap_write_lock, struct mm_struct *, mmap_write_lock(_T),
	     mmap_write_unlock(_T))

#endif /* MMUN_KCOMPAT_LINUX_MMAP_LOCK_H */
