/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_MM_H
#define MMUNOTIFY_MM_H
/**
 * DOC: address spaces
 *
 * A struct mm_struct is an address space that can be watched.  There is one
 * for the calling process, mm_self(), whose events come from the monitors, and
 * any number of software ones, mm_alloc(), whose owner drives the events.
 *
 * Two reference counts rule its life, as in the kernel:
 *
 * - mm_users: who uses the address space.  When it reaches zero, ->release of
 *   every notifier runs, once, and nothing is notified afterwards.
 * - mm_count: who uses the structure.  All of mm_users together hold one, and
 *   each registered notifier holds one.  When it reaches zero the structure
 *   is freed.  mm_self() is never freed.
 *
 * After fork() the child's mm_self() has no notifiers, as a child's mm has
 * none in the kernel; software mms are copied like all other memory.  Handlers
 * of pthread_atfork() may use the library if they were installed after it was
 * loaded.
 *
 * Dropping a reference that is not there warns once and does nothing.
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mm_struct;

/**
 * mm_self() - the address space of the calling process
 *
 * The same object at every call, in every thread, and in a fork()ed child.
 * Its mm_users starts at one, held by the process itself.  An atexit() handler
 * that the first registration installs ends the address space, whoever else
 * holds mm_users: the process takes its memory with it.
 *
 * Context: any.  No reference is taken.
 * Return: the mm; never NULL.
 */
struct mm_struct *mm_self(void);

/**
 * mm_alloc() - make a software address space
 *
 * Its owner reports what happens in it with mmu_notifier_invalidate_range_start()
 * and its companions.  mm_users and mm_count start at one; the caller owns
 * that reference and drops it with mmput().
 *
 * Context: may sleep, allocates; not from a callback or a signal handler.
 * Return: the mm, or NULL when out of memory.
 */
struct mm_struct *mm_alloc(void);

/**
 * mmget() - take a reference on the use of an address space
 * @mm: an mm of which the caller holds a mm_users reference already
 *
 * Context: any.
 */
void mmget(struct mm_struct *mm);

/**
 * mmget_not_zero() - take a reference on the use of an address space, if it lives
 * @mm: an mm of which the caller holds a mm_count reference, by mmgrab() or by
 *      having a notifier registered (then @mm is mn->mm)
 *
 * Context: any.
 * Return: true with a reference to drop by mmput(); false when mm_users had
 *         reached zero, that is, when ->release has run or is running.
 */
bool mmget_not_zero(struct mm_struct *mm);

/**
 * mmput() - drop a reference on the use of an address space
 * @mm: the mm
 *
 * The last one calls ->release of every notifier, newest first, in the
 * caller's context, and returns when all of them have returned.
 *
 * Context: may sleep; the last one not from a callback of the same mm (it
 * warns and leaks the reference), nor from a signal handler.
 */
void mmput(struct mm_struct *mm);

/**
 * mmgrab() - take a reference on the structure
 * @mm: an mm that the caller holds in any way
 *
 * Context: any.
 */
void mmgrab(struct mm_struct *mm);

/**
 * mmdrop() - drop a reference on the structure
 * @mm: the mm; freed with the last reference
 *
 * Context: any but a signal handler; the last one frees memory.
 */
void mmdrop(struct mm_struct *mm);

/**
 * mmap_write_lock() - lock an address space against registration and readers
 * @mm: the mm
 *
 * Registration runs under it.  An event of mm_self() never takes it: no
 * mapping call waits for it, and a callback may run while it is held.
 *
 * A thread that holds it already gets a warning instead of a deadlock, and
 * the lock is then held as often as it was taken.
 *
 * Context: may sleep; not from a callback, not from a signal handler.
 */
void mmap_write_lock(struct mm_struct *mm);

/**
 * mmap_write_trylock() - mmap_write_lock() that does not wait
 * @mm: the mm
 *
 * Context: does not sleep; not from a signal handler.
 * Return: true when the lock was taken.
 */
bool mmap_write_trylock(struct mm_struct *mm);

/**
 * mmap_write_unlock() - undo mmap_write_lock()
 * @mm: an mm whose lock this thread holds for writing; otherwise warns once
 *      and does nothing
 *
 * Context: any but a signal handler.
 */
void mmap_write_unlock(struct mm_struct *mm);

/**
 * mmap_read_lock() - keep registrations out
 * @mm: the mm
 *
 * Context: may sleep; not from a callback, not from a signal handler; not
 * recursive (a waiting writer comes first).
 */
void mmap_read_lock(struct mm_struct *mm);

/**
 * mmap_read_trylock() - mmap_read_lock() that does not wait
 * @mm: the mm
 *
 * Context: does not sleep; not from a signal handler.
 * Return: true when the lock was taken.
 */
bool mmap_read_trylock(struct mm_struct *mm);

/**
 * mmap_read_unlock() - undo mmap_read_lock()
 * @mm: an mm that is locked for reading; otherwise warns once and does nothing
 *
 * Context: any but a signal handler.
 */
void mmap_read_unlock(struct mm_struct *mm);

/**
 * mmap_assert_write_locked() - warn once unless this thread holds the write lock
 * @mm: the mm
 *
 * Context: any.
 */
void mmap_assert_write_locked(struct mm_struct *mm);

/**
 * mmun_mm_users() - the present mm_users, for diagnosis
 * @mm: the mm
 *
 * Context: any.
 * Return: the count at some moment during the call.
 */
unsigned int mmun_mm_users(struct mm_struct *mm);

/**
 * mmun_mm_count() - the present mm_count, for diagnosis
 * @mm: the mm
 *
 * Context: any.
 * Return: the count at some moment during the call.
 */
unsigned int mmun_mm_count(struct mm_struct *mm);

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_MM_H */
