/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PAGEMAP_H
#define MMUN_KCOMPAT_LINUX_PAGEMAP_H
/* Pages of files; here, pages. */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_LINUX_PAGEMAP_H */
