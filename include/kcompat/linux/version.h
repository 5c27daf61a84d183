/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_VERSION_H
#define MMUN_KCOMPAT_LINUX_VERSION_H
/* The version whose interface this is nearest to. */
#undef LINUX_VERSION_CODE
#undef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) \
	(((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#ifdef MMUN_KCOMPAT_VERSION
#define LINUX_VERSION_CODE MMUN_KCOMPAT_VERSION
#else
#define LINUX_VERSION_CODE KERNEL_VERSION(6, 12, 0)
#endif

#endif /* MMUN_KCOMPAT_LINUX_VERSION_H */
