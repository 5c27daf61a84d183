/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_TIMEX_H
#define MMUN_KCOMPAT_LINUX_TIMEX_H
/* Jiffies; not the user interface's header of this name. */
#include <linux/jiffies.h>

#endif /* MMUN_KCOMPAT_LINUX_TIMEX_H */
