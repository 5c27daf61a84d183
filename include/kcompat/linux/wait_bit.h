/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_WAIT_BIT_H
#define MMUN_KCOMPAT_LINUX_WAIT_BIT_H
/* Wait queues; those of bits are not there. */
#include <linux/wait.h>

#endif /* MMUN_KCOMPAT_LINUX_WAIT_BIT_H */
