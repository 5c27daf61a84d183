/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_TIME_H
#define MMUN_KCOMPAT_LINUX_TIME_H
/* Time; not the user interface's header of this name. */
#include <sys/time.h>
#include <linux/jiffies.h>
#include <linux/time64.h>

#endif /* MMUN_KCOMPAT_LINUX_TIME_H */
