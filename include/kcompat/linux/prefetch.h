/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PREFETCH_H
#define MMUN_KCOMPAT_LINUX_PREFETCH_H
/* Hints. */
#define prefetch(p) __builtin_prefetch(p)
#define prefetchw(p) __builtin_prefetch(p, 1)

#endif /* MMUN_KCOMPAT_LINUX_PREFETCH_H */
