/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_CACHEFLUSH_H
#define MMUN_KCOMPAT_ASM_CACHEFLUSH_H
/* Nothing is to be flushed. */
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_ASM_CACHEFLUSH_H */
