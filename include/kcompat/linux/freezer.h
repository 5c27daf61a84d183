/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_FREEZER_H
#define MMUN_KCOMPAT_LINUX_FREEZER_H
/* Nothing is frozen. */
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/kthread.h>

#endif /* MMUN_KCOMPAT_LINUX_FREEZER_H */
