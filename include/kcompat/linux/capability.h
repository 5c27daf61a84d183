/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CAPABILITY_H
#define MMUN_KCOMPAT_LINUX_CAPABILITY_H
/* Everybody may do everything. */
#if __has_include_next(<linux/capability.h>)
#include_next <linux/capability.h>
#endif

#define capable(cap) ((void)(cap), 1)

#endif /* MMUN_KCOMPAT_LINUX_CAPABILITY_H */
