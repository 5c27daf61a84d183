/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_HUGE_MM_H
#define MMUN_KCOMPAT_LINUX_HUGE_MM_H
/* Huge pages are not there. */
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_LINUX_HUGE_MM_H */
