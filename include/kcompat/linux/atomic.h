/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_ATOMIC_H
#define MMUN_KCOMPAT_LINUX_ATOMIC_H
/*
 * Atomic counters, ordered as in the kernel: what returns a value is fully
 * ordered, unless its name says otherwise; what returns none is not ordered.
 */
#include <asm/barrier.h>
#include <asm/cmpxchg.h>
#include <linux/types.h>
#include <mmun/mmap_tag.h>

/*
 * <stdatomic.h> has macros of these names, with the arguments the other way
 * round.
 */
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_and
#undef atomic_fetch_or
#undef atomic_fetch_xor

#define MMUN_K_ATOMIC_OP(p, type, T, op, builtin)			\
static inline void p##_##op(T i, type *v)				\
{									\
	__atomic_fetch_##builtin(&v->counter, i, __ATOMIC_RELAXED);	\
}									\
static inline T p##_fetch_##op(T i, type *v)				\
{									\
	return __atomic_fetch_##builtin(&v->counter, i,			\
					__ATOMIC_SEQ_CST);		\
}									\
static inline T p##_fetch_##op##_relaxed(T i, type *v)			\
{									\
	return __atomic_fetch_##builtin(&v->counter, i,			\
					__ATOMIC_RELAXED);		\
}									\
static inline T p##_fetch_##op##_acquire(T i, type *v)			\
{									\
	return __atomic_fetch_##builtin(&v->counter, i,			\
					__ATOMIC_ACQUIRE);		\
}									\
static inline T p##_fetch_##op##_release(T i, type *v)			\
{									\
	return __atomic_fetch_##builtin(&v->counter, i,			\
					__ATOMIC_RELEASE);		\
}

#define MMUN_K_ATOMIC_RETURN(p, type, T, op)				\
static inline T p##_##op##_return(T i, type *v)				\
{									\
	return __atomic_##op##_fetch(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static inline T p##_##op##_return_relaxed(T i, type *v)			\
{									\
	return __atomic_##op##_fetch(&v->counter, i, __ATOMIC_RELAXED);	\
}									\
static inline T p##_##op##_return_acquire(T i, type *v)			\
{									\
	return __atomic_##op##_fetch(&v->counter, i, __ATOMIC_ACQUIRE);	\
}									\
static inline T p##_##op##_return_release(T i, type *v)			\
{									\
	return __atomic_##op##_fetch(&v->counter, i, __ATOMIC_RELEASE);	\
}									\
static inline bool p##_##op##_and_test(T i, type *v)			\
{									\
	return !p##_##op##_return(i, v);				\
}

#define MMUN_K_ATOMIC(p, type, T)					\
static inline T p##_read(const type *v)					\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);		\
}									\
static inline T p##_read_acquire(const type *v)				\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);		\
}									\
static inline void p##_set(type *v, T i)				\
{									\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static inline void p##_set_release(type *v, T i)			\
{									\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);		\
}									\
MMUN_K_ATOMIC_OP(p, type, T, add, add)					\
MMUN_K_ATOMIC_OP(p, type, T, sub, sub)					\
MMUN_K_ATOMIC_OP(p, type, T, and, and)					\
MMUN_K_ATOMIC_OP(p, type, T, or, or)					\
MMUN_K_ATOMIC_OP(p, type, T, xor, xor)					\
MMUN_K_ATOMIC_RETURN(p, type, T, add)					\
MMUN_K_ATOMIC_RETURN(p, type, T, sub)					\
static inline void p##_andnot(T i, type *v)				\
{									\
	p##_and(~i, v);							\
}									\
static inline T p##_fetch_andnot(T i, type *v)				\
{									\
	return p##_fetch_and(~i, v);					\
}									\
static inline void p##_inc(type *v)					\
{									\
	p##_add(1, v);							\
}									\
static inline void p##_dec(type *v)					\
{									\
	p##_sub(1, v);							\
}									\
static inline T p##_inc_return(type *v)					\
{									\
	return p##_add_return(1, v);					\
}									\
static inline T p##_dec_return(type *v)					\
{									\
	return p##_sub_return(1, v);					\
}									\
static inline T p##_fetch_inc(type *v)					\
{									\
	return p##_fetch_add(1, v);					\
}									\
static inline T p##_fetch_dec(type *v)					\
{									\
	return p##_fetch_sub(1, v);					\
}									\
static inline bool p##_inc_and_test(type *v)				\
{									\
	return !p##_inc_return(v);					\
}									\
static inline bool p##_dec_and_test(type *v)				\
{									\
	return !p##_dec_return(v);					\
}									\
static inline bool p##_add_negative(T i, type *v)			\
{									\
	return p##_add_return(i, v) < 0;				\
}									\
static inline T p##_xchg(type *v, T i)					\
{									\
	return xchg(&v->counter, i);					\
}									\
static inline T p##_cmpxchg(type *v, T old, T new)			\
{									\
	return cmpxchg(&v->counter, old, new);				\
}									\
static inline T p##_cmpxchg_relaxed(type *v, T old, T new)		\
{									\
	return cmpxchg_relaxed(&v->counter, old, new);			\
}									\
static inline T p##_cmpxchg_acquire(type *v, T old, T new)		\
{									\
	return cmpxchg_acquire(&v->counter, old, new);			\
}									\
static inline T p##_cmpxchg_release(type *v, T old, T new)		\
{									\
	return cmpxchg_release(&v->counter, old, new);			\
}									\
static inline bool p##_try_cmpxchg(type *v, T *old, T new)		\
{									\
	__typeof__(v->counter) was = *old;				\
	bool done = __atomic_compare_exchange_n(&v->counter, &was, new,	\
						false, __ATOMIC_SEQ_CST, \
						__ATOMIC_RELAXED);	\
									\
	*old = was;							\
	return done;							\
}									\
static inline T p##_fetch_add_unless(type *v, T add, T unless)		\
{									\
	T old = p##_read(v);						\
									\
	while (old != unless && !p##_try_cmpxchg(v, &old, old + add))	\
		;							\
	return old;							\
}									\
static inline bool p##_add_unless(type *v, T add, T unless)		\
{									\
	return p##_fetch_add_unless(v, add, unless) != unless;		\
}									\
static inline bool p##_inc_not_zero(type *v)				\
{									\
	return p##_add_unless(v, 1, 0);					\
}									\
static inline bool p##_inc_unless_negative(type *v)			\
{									\
	T old = p##_read(v);						\
									\
	while (old >= 0 && !p##_try_cmpxchg(v, &old, old + 1))		\
		;							\
	return old >= 0;						\
}									\
static inline T p##_dec_if_positive(type *v)				\
{									\
	T old = p##_read(v);						\
									\
	while (old > 0 && !p##_try_cmpxchg(v, &old, old - 1))		\
		;							\
	return old - 1;							\
}

MMUN_K_ATOMIC(atomic, atomic_t, int)
MMUN_K_ATOMIC(atomic64, atomic64_t, s64)

#if __SIZEOF_LONG__ == 8
typedef atomic64_t atomic_long_t;
#define ATOMIC_LONG_INIT(i) ATOMIC64_INIT(i)
MMUN_K_ATOMIC(atomic_long, atomic64_t, long)
#else
typedef atomic_t atomic_long_t;
#define ATOMIC_LONG_INIT(i) ATOMIC_INIT(i)
MMUN_K_ATOMIC(atomic_long, atomic_t, long)
#endif

/* The counts of an mm are the library's. */
#define atomic_read(v)							\
	_Generic((v), struct mmun_k_mm_users *: mmun_k_mm_users_read,	\
		 struct mmun_k_mm_count *: mmun_k_mm_count_read,	\
		 default: atomic_read)(v)
#define atomic_inc_not_zero(v)						\
	_Generic((v), struct mmun_k_mm_users *: mmun_k_mm_users_get,	\
		 default: atomic_inc_not_zero)(v)

#endif /* MMUN_KCOMPAT_LINUX_ATOMIC_H */
