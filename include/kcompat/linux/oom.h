/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_OOM_H
#define MMUN_KCOMPAT_LINUX_OOM_H
/* Nobody runs out of memory but by mmun_kcompat_fail_alloc(). */
#include <linux/sched/signal.h>

#endif /* MMUN_KCOMPAT_LINUX_OOM_H */
