/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PGTABLE_H
#define MMUN_KCOMPAT_LINUX_PGTABLE_H
/* Sizes of pages; tables of them are not there. */
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_LINUX_PGTABLE_H */
