/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_BUG_H
#define MMUN_KCOMPAT_ASM_BUG_H
/* Warnings. */
#include <linux/bug.h>

#endif /* MMUN_KCOMPAT_ASM_BUG_H */
