/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_ATOMIC_H
#define MMUN_BASE_ATOMIC_H
/*
 * The named atomic operations of this library, and the only place that spells
 * a memory order.  An access that orders others carries a comment with a tag,
 * ORDER(name), at both ends; tests/ has a litmus test or a model of that name.
 */

#if defined(__SANITIZE_THREAD__)
#define MMUN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MMUN_TSAN 1
#endif
#endif

#define mmun_likely(x) __builtin_expect(!!(x), 1)
#define mmun_unlikely(x) __builtin_expect(!!(x), 0)
#define mmun_barrier() __asm__ __volatile__("" ::: "memory")

/* No order: counters that others sum up, words that a lock protects. */
#define mmun_read(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define mmun_write(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* Message passing: what was written before the release is seen after the acquire. */
#define mmun_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define mmun_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Store buffering: after a read-modify-write of ours, the others' is seen. */
#define mmun_load_ordered(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

/* Read-modify-write, ordered on both sides. */
#define mmun_xchg(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define mmun_fetch_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define mmun_fetch_sub(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define mmun_fetch_or(p, v) __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define mmun_fetch_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
/* On failure *old is what was found. */
#define mmun_cas(p, old, new)                                                  \
	__atomic_compare_exchange_n((p), (old), (new), 0, __ATOMIC_SEQ_CST,    \
				    __ATOMIC_RELAXED)

/* A full fence.  TSan does not model fences; an empty RMW stands in for it. */
static inline void mmun_fence(void)
{
#ifdef MMUN_TSAN
	static unsigned int word;

	__atomic_fetch_add(&word, 0, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void mmun_cpu_relax(void)
{
#if defined(__x86_64__)
	__asm__ __volatile__("pause" ::: "memory");
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#else
	mmun_barrier();
#endif
}

#endif /* MMUN_BASE_ATOMIC_H */
