/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SCHED_TASK_H
#define MMUN_KCOMPAT_LINUX_SCHED_TASK_H
/* References of tasks. */
#include <linux/sched.h>

#endif /* MMUN_KCOMPAT_LINUX_SCHED_TASK_H */
