/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_BARRIER_H
#define MMUN_KCOMPAT_ASM_BARRIER_H
/*
 * Barriers.  TSan knows no fences: under it each barrier is a locked operation
 * on one word, so that whoever passes a barrier later has seen what came before
 * an earlier one.  That is never less than the kernel's order, and sometimes
 * more: a race that such a barrier separates by chance is not reported.
 */
#include <linux/compiler.h>
#include <mmun/shared.h>

#if defined(__SANITIZE_THREAD__)
#define MMUN_K_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MMUN_K_TSAN 1
#endif
#endif

#ifdef MMUN_K_TSAN
MMUN_K_SHARED int mmun_k_barrier_word;
#define MMUN_K_FENCE(order) \
	((void)__atomic_fetch_add(&mmun_k_barrier_word, 0, __ATOMIC_SEQ_CST))
#else
#define MMUN_K_FENCE(order) __atomic_thread_fence(order)
#endif

#define smp_mb() MMUN_K_FENCE(__ATOMIC_SEQ_CST)
#define smp_rmb() MMUN_K_FENCE(__ATOMIC_ACQUIRE)
#define smp_wmb() MMUN_K_FENCE(__ATOMIC_RELEASE)
#define mb() smp_mb()
#define rmb() smp_rmb()
#define wmb() smp_wmb()
#define dma_rmb() smp_rmb()
#define dma_wmb() smp_wmb()
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()
#define smp_mb__after_spinlock() smp_mb()
#define smp_mb__after_unlock_lock() smp_mb()
#define smp_mb__after_srcu_read_unlock() smp_mb()
#define smp_acquire__after_ctrl_dep() smp_rmb()
#define smp_read_barrier_depends() ((void)0)

#define smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, value) \
	__atomic_store_n((p), (value), __ATOMIC_RELEASE)
#define smp_store_mb(var, value)			\
	do {						\
		WRITE_ONCE(var, value);			\
		smp_mb();				\
	} while (0)

#define smp_cond_load_acquire(p, cond)					\
	({								\
		typeof(*(p)) VAL;					\
									\
		while (VAL = smp_load_acquire(p), !(cond))		\
			cpu_relax();					\
		VAL;							\
	})
#define smp_cond_load_relaxed(p, cond) smp_cond_load_acquire(p, cond)

#include <asm/processor.h>

#endif /* MMUN_KCOMPAT_ASM_BARRIER_H */
