/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_STRING_H
#define MMUN_KCOMPAT_LINUX_STRING_H
/* Strings and memory: the C library's, and what it lacks. */
#if __has_include_next(<linux/string.h>)
#include_next <linux/string.h>
#endif
#include <string.h>
#include <linux/err.h>
#include <linux/types.h>

static inline ssize_t mmun_k_strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size);

	if (!size)
		return -E2BIG;
	if (len == size) {
		memcpy(to, from, size - 1);
		to[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, from, len + 1);
	return len;
}

/* The size may be left out for an array. */
#define MMUN_K_STRSCPY(to, from, size, ...) mmun_k_strscpy(to, from, size)
#define strscpy(to, ...) \
	MMUN_K_STRSCPY_(to, __VA_ARGS__, sizeof(to))
#define MMUN_K_STRSCPY_(to, from, size, ...) mmun_k_strscpy(to, from, size)
#define strscpy_pad(to, from, size) \
	({ memset(to, 0, size); mmun_k_strscpy(to, from, size); })
#undef strlcpy
#define strlcpy(to, from, size) \
	({ mmun_k_strscpy(to, from, size); strlen(from); })

static inline void *memchr_inv(const void *from, int byte, size_t len)
{
	const unsigned char *p = from;

	for (; len--; p++)
		if (*p != (unsigned char)byte)
			return (void *)p;
	return NULL;
}

static inline void memzero_explicit(void *to, size_t len)
{
	memset(to, 0, len);
	barrier();
}

static inline bool sysfs_streq(const char *a, const char *b)
{
	size_t n = strcspn(a, "\n");

	return n == strcspn(b, "\n") && !strncmp(a, b, n);
}

#define memset_after(obj, value, member)				\
	memset((char *)(obj) + offsetofend(typeof(*(obj)), member), value, \
	       sizeof(*(obj)) - offsetofend(typeof(*(obj)), member))
#define memset_startat(obj, value, member)				\
	memset((char *)(obj) + offsetof(typeof(*(obj)), member), value,	\
	       sizeof(*(obj)) - offsetof(typeof(*(obj)), member))
#include <linux/stddef.h>

#endif /* MMUN_KCOMPAT_LINUX_STRING_H */
