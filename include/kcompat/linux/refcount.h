/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_REFCOUNT_H
#define MMUN_KCOMPAT_LINUX_REFCOUNT_H
/*
 * Counts of references, which warn where they would come back from zero or go
 * below it, and stay where they are then.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n) { .refs = ATOMIC_INIT(n) }
#define REFCOUNT_MAX INT_MAX
#define REFCOUNT_SATURATED INT_MIN

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->refs);
}

static inline __must_check bool refcount_add_not_zero(int i, refcount_t *r)
{
	int old = atomic_fetch_add_unless(&r->refs, i, 0);

	WARN_ONCE(old < 0 || old + i < 0, "refcount: out of range\n");
	return old;
}

static inline void refcount_add(int i, refcount_t *r)
{
	WARN_ONCE(!refcount_add_not_zero(i, r), "refcount: add to zero\n");
}

static inline __must_check bool refcount_inc_not_zero(refcount_t *r)
{
	return refcount_add_not_zero(1, r);
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

static inline __must_check bool refcount_sub_and_test(int i, refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (WARN_ONCE(old < i, "refcount: below zero\n"))
			return false;
	} while (!atomic_try_cmpxchg(&r->refs, &old, old - i));
	return old == i;
}

static inline __must_check bool refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

static inline void refcount_dec(refcount_t *r)
{
	WARN_ONCE(refcount_dec_and_test(r), "refcount: dec to zero\n");
}

static inline __must_check bool refcount_dec_if_one(refcount_t *r)
{
	int one = 1;

	return atomic_try_cmpxchg(&r->refs, &one, 0);
}

static inline __must_check bool refcount_dec_not_one(refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (old == 1)
			return false;
		if (WARN_ONCE(old < 1, "refcount: below zero\n"))
			return true;
	} while (!atomic_try_cmpxchg(&r->refs, &old, old - 1));
	return true;
}

/* True, with the lock, when it was the last one. */
#define MMUN_K_DEC_AND(name, type, lock_fn, unlock_fn)			\
static inline __must_check bool name(refcount_t *r, type *lock)		\
{									\
	if (refcount_dec_not_one(r))					\
		return false;						\
	lock_fn(lock);							\
	if (refcount_dec_and_test(r))					\
		return true;						\
	unlock_fn(lock);						\
	return false;							\
}

MMUN_K_DEC_AND(refcount_dec_and_mutex_lock, struct mutex, mutex_lock,
	       mutex_unlock)
MMUN_K_DEC_AND(refcount_dec_and_lock, spinlock_t, spin_lock, spin_unlock)

#define refcount_dec_and_lock_irqsave(r, lock, flags) \
	({ *(flags) = 0; refcount_dec_and_lock(r, lock); })

#endif /* MMUN_KCOMPAT_LINUX_REFCOUNT_H */
