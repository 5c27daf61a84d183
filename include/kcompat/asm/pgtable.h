/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_PGTABLE_H
#define MMUN_KCOMPAT_ASM_PGTABLE_H
/* Sizes of pages. */
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_ASM_PGTABLE_H */
