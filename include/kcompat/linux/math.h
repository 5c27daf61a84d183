/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MATH_H
#define MMUN_KCOMPAT_LINUX_MATH_H
/* Integer arithmetic. */
#include <stdlib.h>		/* before abs() is a macro */
#include <linux/types.h>
#include <linux/compiler.h>

#undef roundup			/* of <sys/param.h> */
#define round_up(x, y) ((((x) - 1) | ((typeof(x))(y) - 1)) + 1)
#define round_down(x, y) ((x) & ~((typeof(x))(y) - 1))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d) (((unsigned long long)(n) + (d) - 1) / (d))
#define DIV_ROUND_DOWN_ULL(n, d) ((unsigned long long)(n) / (d))
#define DIV_ROUND_CLOSEST(n, d) (((n) + (d) / 2) / (d))
#define roundup(x, y) ((((x) + (y) - 1) / (y)) * (y))
#define rounddown(x, y) ((x) - (x) % (y))
#define mult_frac(x, n, d) ((x) / (d) * (n) + (x) % (d) * (n) / (d))
#undef abs
#define abs(x)						\
	({						\
		typeof(x) mmun_k_x = (x);		\
							\
		mmun_k_x < 0 ? -mmun_k_x : mmun_k_x;	\
	})

#endif /* MMUN_KCOMPAT_LINUX_MATH_H */
