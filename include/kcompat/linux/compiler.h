/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_COMPILER_H
#define MMUN_KCOMPAT_LINUX_COMPILER_H
/*
 * READ_ONCE() and WRITE_ONCE() are atomic accesses, so that TSan knows them.
 * In the kernel's memory model who follows a pointer from READ_ONCE() sees what
 * was written before it was published: for pointers it is a consuming load,
 * which compilers make an acquiring one.
 */
#include <linux/compiler_types.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ __volatile__("" : : : "memory")
#define unreachable() __builtin_unreachable()

#ifndef typeof
#define typeof __typeof__
#endif

#define MMUN_K_POINTER_CLASS 5
#define MMUN_K_IS_POINTER(x) \
	(__builtin_classify_type(x) == MMUN_K_POINTER_CLASS)

#define READ_ONCE(x)						\
	__atomic_load_n(&(x), MMUN_K_IS_POINTER(x) ?		\
				__ATOMIC_CONSUME : __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)					\
	do {							\
		__atomic_store_n(&(x), (value), __ATOMIC_RELAXED); \
	} while (0)
#define ACCESS_ONCE(x) (*(volatile typeof(x) *)&(x))
#define data_race(expr) (expr)

#define __same_type(a, b) \
	__builtin_types_compatible_p(typeof(a), typeof(b))
#define __is_constexpr(x) __builtin_constant_p(x)
#define OPTIMIZER_HIDE_VAR(x) __asm__("" : "+r"(x))
#define __PASTE_(a, b) a##b
#define __PASTE(a, b) __PASTE_(a, b)
#define __UNIQUE_ID(prefix) __PASTE(mmun_k_unique_##prefix, __COUNTER__)

#define _THIS_IP_ 0UL
#define _RET_IP_ ((unsigned long)__builtin_return_address(0))

#endif /* MMUN_KCOMPAT_LINUX_COMPILER_H */
