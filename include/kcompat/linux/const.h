/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CONST_H
#define MMUN_KCOMPAT_LINUX_CONST_H
/*
 * UL(), BITUL() and their like: of the user interface, and some of the
 * kernel's.
 */
#include_next <linux/const.h>

#ifndef UL
#define UL(x) (x##UL)
#define ULL(x) (x##ULL)
#endif

#endif /* MMUN_KCOMPAT_LINUX_CONST_H */
