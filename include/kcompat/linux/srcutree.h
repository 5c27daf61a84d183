/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SRCUTREE_H
#define MMUN_KCOMPAT_LINUX_SRCUTREE_H
/* SRCU. */
#include <linux/srcu.h>

#endif /* MMUN_KCOMPAT_LINUX_SRCUTREE_H */
