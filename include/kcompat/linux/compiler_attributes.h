/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_COMPILER_ATTRIBUTES_H
#define MMUN_KCOMPAT_LINUX_COMPILER_ATTRIBUTES_H
/* Attributes by the names that the kernel has for them. */
#include <features.h>		/* before what it defines, with glibc */

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define __must_check __attribute__((__warn_unused_result__))
#define __maybe_unused __attribute__((__unused__))
#define __always_unused __attribute__((__unused__))
#define __used __attribute__((__used__))
#define __packed __attribute__((__packed__))
#define __aligned(x) __attribute__((__aligned__(x)))
#define __printf(a, b) __attribute__((__format__(printf, a, b)))
#undef __pure
#define __pure __attribute__((__pure__))
#undef __attribute_const__
#define __attribute_const__ __attribute__((__const__))
#define __cold __attribute__((__cold__))
#define __weak __attribute__((__weak__))
#define __malloc __attribute__((__malloc__))
#define __noreturn __attribute__((__noreturn__))
#define __section(name) __attribute__((__section__(name)))
#define __nonstring
#define __counted_by(member)
#define noinline __attribute__((__noinline__))
#define noinline_for_stack noinline
#undef fallthrough
#define fallthrough __attribute__((__fallthrough__))

#endif /* MMUN_KCOMPAT_LINUX_COMPILER_ATTRIBUTES_H */
