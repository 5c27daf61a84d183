/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_REFCOUNT_TYPES_H
#define MMUN_KCOMPAT_LINUX_REFCOUNT_TYPES_H
/* The type of counts of references. */
#include <linux/refcount.h>

#endif /* MMUN_KCOMPAT_LINUX_REFCOUNT_TYPES_H */
