/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PAGE_REF_H
#define MMUN_KCOMPAT_LINUX_PAGE_REF_H
/* Pages. */
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_LINUX_PAGE_REF_H */
