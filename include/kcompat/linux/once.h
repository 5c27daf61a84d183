/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_ONCE_H
#define MMUN_KCOMPAT_LINUX_ONCE_H
/* Something that is done once. */
#include <linux/printk.h>

#define DO_ONCE(fn, ...) MMUN_K_ONCE(fn(__VA_ARGS__))

#endif /* MMUN_KCOMPAT_LINUX_ONCE_H */
