/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MINMAX_H
#define MMUN_KCOMPAT_LINUX_MINMAX_H
/* The smaller, the larger; each argument is evaluated once. */
#include <linux/compiler.h>
#include <linux/types.h>

#define MMUN_K_PICK(type_a, a, op, type_b, b, id)			\
	({								\
		type_a __PASTE(mmun_k_a, id) = (a);			\
		type_b __PASTE(mmun_k_b, id) = (b);			\
									\
		__PASTE(mmun_k_a, id) op __PASTE(mmun_k_b, id) ?	\
			__PASTE(mmun_k_a, id) : __PASTE(mmun_k_b, id);	\
	})

#undef min
#undef max
#define min(a, b) MMUN_K_PICK(__auto_type, a, <, __auto_type, b, __COUNTER__)
#define max(a, b) MMUN_K_PICK(__auto_type, a, >, __auto_type, b, __COUNTER__)
#define min_t(type, a, b) MMUN_K_PICK(type, a, <, type, b, __COUNTER__)
#define max_t(type, a, b) MMUN_K_PICK(type, a, >, type, b, __COUNTER__)
#define umin(a, b) min_t(unsigned long long, a, b)
#define umax(a, b) max_t(unsigned long long, a, b)
#define min3(a, b, c) min(min(a, b), c)
#define max3(a, b, c) max(max(a, b), c)
#define min_not_zero(a, b)						\
	({								\
		__auto_type mmun_k_one = (a);				\
		__auto_type mmun_k_two = (b);				\
									\
		!mmun_k_one ? mmun_k_two : !mmun_k_two ? mmun_k_one :	\
			min(mmun_k_one, mmun_k_two);			\
	})
#define clamp(x, lo, hi) min((typeof(x))max(x, lo), hi)
#define clamp_t(type, x, lo, hi) min_t(type, max_t(type, x, lo), hi)
#define clamp_val(x, lo, hi) clamp_t(typeof(x), x, lo, hi)
#define in_range(x, start, len)						\
	({								\
		__auto_type mmun_k_from = (start);			\
		__auto_type mmun_k_at = (x);				\
									\
		mmun_k_at >= mmun_k_from &&				\
			mmun_k_at - mmun_k_from < (len);		\
	})
#define swap(a, b)							\
	do {								\
		typeof(a) mmun_k_old = (a);				\
									\
		(a) = (b);						\
		(b) = mmun_k_old;					\
	} while (0)
#undef MIN			/* of <sys/param.h> */
#undef MAX
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN_T(type, a, b) MIN((type)(a), (type)(b))
#define MAX_T(type, a, b) MAX((type)(a), (type)(b))

#endif /* MMUN_KCOMPAT_LINUX_MINMAX_H */
