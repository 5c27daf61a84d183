/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_HASH_H
#define MMUN_KCOMPAT_LINUX_HASH_H
/* Multiplicative hashes. */
#include <linux/types.h>

#define GOLDEN_RATIO_32 0x61c88647U
#define GOLDEN_RATIO_64 0x61c8864680b583ebULL

static inline u32 hash_32(u32 value, unsigned int bits)
{
	return value * GOLDEN_RATIO_32 >> (32 - bits);
}

static inline u32 hash_64(u64 value, unsigned int bits)
{
	return value * GOLDEN_RATIO_64 >> (64 - bits);
}

static inline u32 hash_long(unsigned long value, unsigned int bits)
{
	return hash_64(value, bits);
}

static inline u32 hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_64((unsigned long)ptr, bits);
}

static inline u32 hash32_ptr(const void *ptr)
{
	return (unsigned long)ptr ^ (u64)(unsigned long)ptr >> 32;
}

#endif /* MMUN_KCOMPAT_LINUX_HASH_H */
