/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PFN_H
#define MMUN_KCOMPAT_LINUX_PFN_H
/* Numbers of pages. */
#include <asm/page.h>
#include <linux/mm_types.h>

#endif /* MMUN_KCOMPAT_LINUX_PFN_H */
