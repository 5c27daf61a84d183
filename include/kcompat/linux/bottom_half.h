/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_BOTTOM_HALF_H
#define MMUN_KCOMPAT_LINUX_BOTTOM_HALF_H
/* Where a thread must not sleep. */
#include <linux/preempt.h>

#endif /* MMUN_KCOMPAT_LINUX_BOTTOM_HALF_H */
