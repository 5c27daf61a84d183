/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_CMPXCHG_H
#define MMUN_KCOMPAT_ASM_CMPXCHG_H
/*
 * Exchanges of what is no atomic_t: fully ordered, unless they say otherwise.
 */
#include <linux/compiler.h>
#include <linux/types.h>

#define MMUN_K_CMPXCHG(p, old, new, order)				\
	({								\
		typeof(*(p)) mmun_k_was = (old);			\
									\
		__atomic_compare_exchange_n((p), &mmun_k_was, (new),	\
					    false, order,		\
					    __ATOMIC_RELAXED);		\
		mmun_k_was;						\
	})
#define MMUN_K_TRY(p, old, new, order) \
	__atomic_compare_exchange_n((p), (old), (new), false, order, \
				    __ATOMIC_RELAXED)

#define xchg(p, new) __atomic_exchange_n((p), (new), __ATOMIC_SEQ_CST)
#define xchg_relaxed(p, new) __atomic_exchange_n((p), (new), __ATOMIC_RELAXED)
#define xchg_acquire(p, new) __atomic_exchange_n((p), (new), __ATOMIC_ACQUIRE)
#define xchg_release(p, new) __atomic_exchange_n((p), (new), __ATOMIC_RELEASE)
#define cmpxchg(p, old, new) MMUN_K_CMPXCHG(p, old, new, __ATOMIC_SEQ_CST)
#define cmpxchg64(p, old, new) cmpxchg(p, old, new)
#define cmpxchg_local(p, old, new) cmpxchg(p, old, new)
#define cmpxchg_relaxed(p, old, new) \
	MMUN_K_CMPXCHG(p, old, new, __ATOMIC_RELAXED)
#define cmpxchg_acquire(p, old, new) \
	MMUN_K_CMPXCHG(p, old, new, __ATOMIC_ACQUIRE)
#define cmpxchg_release(p, old, new) \
	MMUN_K_CMPXCHG(p, old, new, __ATOMIC_RELEASE)
#define try_cmpxchg(p, old, new) MMUN_K_TRY(p, old, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg_relaxed(p, old, new) \
	MMUN_K_TRY(p, old, new, __ATOMIC_RELAXED)
#define try_cmpxchg_acquire(p, old, new) \
	MMUN_K_TRY(p, old, new, __ATOMIC_ACQUIRE)
#define try_cmpxchg_release(p, old, new) \
	MMUN_K_TRY(p, old, new, __ATOMIC_RELEASE)

#endif /* MMUN_KCOMPAT_ASM_CMPXCHG_H */
