/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_BUILD_BUG_H
#define MMUN_KCOMPAT_LINUX_BUILD_BUG_H
/* Claims that the compiler checks. */
#include <linux/compiler.h>

#define BUILD_BUG_ON_ZERO(e) \
	((int)sizeof(struct { int : (-!!(e)); }))
#define BUILD_BUG_ON(condition) \
	((void)sizeof(char[1 - 2 * !!(condition)]))
#define BUILD_BUG_ON_MSG(condition, message) BUILD_BUG_ON(condition)
#define BUILD_BUG_ON_NOT_POWER_OF_2(n) \
	BUILD_BUG_ON((n) == 0 || (((n) & ((n) - 1)) != 0))
#define BUILD_BUG() ((void)0)
#define MMUN_K_ASSERT(expr, message, ...) _Static_assert(expr, message)
#undef static_assert
#define static_assert(expr, ...) MMUN_K_ASSERT(expr, ##__VA_ARGS__, #expr)

#endif /* MMUN_KCOMPAT_LINUX_BUILD_BUG_H */
