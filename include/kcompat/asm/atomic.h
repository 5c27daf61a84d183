/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_ATOMIC_H
#define MMUN_KCOMPAT_ASM_ATOMIC_H
/* Atomic counters. */
#include <linux/atomic.h>

#endif /* MMUN_KCOMPAT_ASM_ATOMIC_H */
