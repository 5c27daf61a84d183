/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_ARRAY_SIZE_H
#define MMUN_KCOMPAT_LINUX_ARRAY_SIZE_H
/* How many there are in an array. */
#include <linux/build_bug.h>

#undef ARRAY_SIZE
#define ARRAY_SIZE(array)						\
	(sizeof(array) / sizeof((array)[0]) +				\
	 BUILD_BUG_ON_ZERO(__same_type((array), &(array)[0])))

#endif /* MMUN_KCOMPAT_LINUX_ARRAY_SIZE_H */
