/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_COMPAT_H
#define MMUN_KCOMPAT_LINUX_COMPAT_H
/* All programs have the same width. */
#include <linux/types.h>
#include <linux/uaccess.h>

#endif /* MMUN_KCOMPAT_LINUX_COMPAT_H */
