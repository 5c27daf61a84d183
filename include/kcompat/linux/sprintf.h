/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SPRINTF_H
#define MMUN_KCOMPAT_LINUX_SPRINTF_H
/* Formatting into memory, with the C library's conversions. */
#include <linux/types.h>
#include <mmun/shared.h>

int snprintf(char *to, size_t size, const char *fmt, ...);
int sprintf(char *to, const char *fmt, ...);
int sscanf(const char *from, const char *fmt, ...);
int vsnprintf(char *to, size_t size, const char *fmt, va_list args);

static inline int scnprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = mmun_k_vsnprintf(to, size, fmt, args);
	va_end(args);
	if (len < 0 || !size)
		return 0;
	return (size_t)len < size ? len : (int)size - 1;
}

#endif /* MMUN_KCOMPAT_LINUX_SPRINTF_H */
