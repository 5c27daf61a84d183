/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CDEV_H
#define MMUN_KCOMPAT_LINUX_CDEV_H
/* Character devices, as far as linux/fs.h. */
#include <linux/device.h>
#include <linux/fs.h>

#endif /* MMUN_KCOMPAT_LINUX_CDEV_H */
