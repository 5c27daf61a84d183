/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_LOG2_H
#define MMUN_KCOMPAT_LINUX_LOG2_H
/* Powers of two. */
#include <linux/bitops.h>

#define is_power_of_2(n) \
	({ unsigned long long mmun_k_n = (n); \
	   mmun_k_n && !(mmun_k_n & (mmun_k_n - 1)); })
#define ilog2(n) (__builtin_constant_p(n) ?				\
		  ((n) < 2 ? 0 : 63 - __builtin_clzll((n) | 1ULL)) :	\
		  fls64(n) - 1)
#define order_base_2(n) ((n) > 1 ? ilog2((n) - 1) + 1 : 0)
#define roundup_pow_of_two(n) (1UL << order_base_2(n))
#define rounddown_pow_of_two(n) (1UL << ilog2(n))

#endif /* MMUN_KCOMPAT_LINUX_LOG2_H */
