/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SCHED_COREDUMP_H
#define MMUN_KCOMPAT_LINUX_SCHED_COREDUMP_H
/* Address spaces. */
#include <linux/sched/mm.h>

#endif /* MMUN_KCOMPAT_LINUX_SCHED_COREDUMP_H */
