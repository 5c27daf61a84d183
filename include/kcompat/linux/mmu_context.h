/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MMU_CONTEXT_H
#define MMUN_KCOMPAT_LINUX_MMU_CONTEXT_H
/* use_mm() was declared here. */
#include <linux/kthread.h>

#endif /* MMUN_KCOMPAT_LINUX_MMU_CONTEXT_H */
