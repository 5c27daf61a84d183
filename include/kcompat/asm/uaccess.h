/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_UACCESS_H
#define MMUN_KCOMPAT_ASM_UACCESS_H
/* The user's memory. */
#include <linux/uaccess.h>

#endif /* MMUN_KCOMPAT_ASM_UACCESS_H */
