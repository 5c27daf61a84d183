/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_ERR_H
#define MMUN_KCOMPAT_LINUX_ERR_H
/* Error pointers: the library's. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/errno.h>
#include <mmunotify/err.h>

#define IS_ERR_VALUE(x) \
	unlikely((unsigned long)(void *)(x) >= (unsigned long)-MAX_ERRNO)

static inline void *__must_check ERR_CAST(const void *ptr)
{
	return (void *)ptr;
}

static inline int __must_check PTR_ERR_OR_ZERO(const void *ptr)
{
	return IS_ERR(ptr) ? PTR_ERR(ptr) : 0;
}

#endif /* MMUN_KCOMPAT_LINUX_ERR_H */
