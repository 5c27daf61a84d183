/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CPU_H
#define MMUN_KCOMPAT_LINUX_CPU_H
/* One processor. */
#include <linux/smp.h>

#endif /* MMUN_KCOMPAT_LINUX_CPU_H */
