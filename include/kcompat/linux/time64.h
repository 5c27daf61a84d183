/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_TIME64_H
#define MMUN_KCOMPAT_LINUX_TIME64_H
/* Times. */
#include <linux/ktime.h>

#endif /* MMUN_KCOMPAT_LINUX_TIME64_H */
