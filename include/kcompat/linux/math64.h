/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MATH64_H
#define MMUN_KCOMPAT_LINUX_MATH64_H
/* Division of 64-bit numbers, which is just division here. */
#include <linux/math.h>

static inline u64 div_u64(u64 n, u32 d)
{
	return n / d;
}

static inline u64 div64_u64(u64 n, u64 d)
{
	return n / d;
}

static inline u64 div_u64_rem(u64 n, u32 d, u32 *rem)
{
	*rem = n % d;
	return n / d;
}

#define do_div(n, d)						\
	({							\
		u32 mmun_k_d = (d);				\
		u32 mmun_k_rem = (n) % mmun_k_d;		\
								\
		(n) /= mmun_k_d;				\
		mmun_k_rem;					\
	})

#endif /* MMUN_KCOMPAT_LINUX_MATH64_H */
