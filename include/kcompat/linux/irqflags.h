/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_IRQFLAGS_H
#define MMUN_KCOMPAT_LINUX_IRQFLAGS_H
/* Interrupts, of which there are none. */
#include <linux/preempt.h>

#endif /* MMUN_KCOMPAT_LINUX_IRQFLAGS_H */
