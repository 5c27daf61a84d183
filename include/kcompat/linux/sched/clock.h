/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SCHED_CLOCK_H
#define MMUN_KCOMPAT_LINUX_SCHED_CLOCK_H
/* The clock. */
#include <linux/ktime.h>

#endif /* MMUN_KCOMPAT_LINUX_SCHED_CLOCK_H */
