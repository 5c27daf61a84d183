/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CACHE_H
#define MMUN_KCOMPAT_LINUX_CACHE_H
/* Lines of the cache. */
#include <linux/compiler.h>

#define SMP_CACHE_BYTES 64
#define L1_CACHE_BYTES 64
#define ____cacheline_aligned __aligned(64)
#define ____cacheline_aligned_in_smp __aligned(64)
#define __cacheline_aligned __aligned(64)
#define __cacheline_aligned_in_smp __aligned(64)
#define __read_mostly
#define cache_line_size() 64

#endif /* MMUN_KCOMPAT_LINUX_CACHE_H */
