/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RCUTREE_H
#define MMUN_KCOMPAT_LINUX_RCUTREE_H
/* RCU. */
#include <linux/rcupdate.h>

#endif /* MMUN_KCOMPAT_LINUX_RCUTREE_H */
