/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_FILE_H
#define MMUN_KCOMPAT_LINUX_FILE_H
/* Open files, as far as linux/fs.h. */
#include <linux/fs.h>

#endif /* MMUN_KCOMPAT_LINUX_FILE_H */
