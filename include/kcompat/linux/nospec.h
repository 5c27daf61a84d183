/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_NOSPEC_H
#define MMUN_KCOMPAT_LINUX_NOSPEC_H
/* Nobody speculates. */
#include <linux/bitops.h>

#define array_index_nospec(index, size) (index)

#endif /* MMUN_KCOMPAT_LINUX_NOSPEC_H */
