/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_BITOPS_H
#define MMUN_KCOMPAT_LINUX_BITOPS_H
/* Bits in arrays of longs, and the first and last of them. */
#include <strings.h>		/* ffs() */
#include <linux/bits.h>
#include <linux/typecheck.h>
#include <asm/barrier.h>

#define MMUN_K_BIT_PTR(nr, addr) \
	((unsigned long *)(addr) + BIT_WORD((unsigned long)(nr)))

static inline void set_bit(long nr, volatile unsigned long *addr)
{
	__atomic_fetch_or(MMUN_K_BIT_PTR(nr, addr), BIT_MASK(nr),
			  __ATOMIC_RELAXED);
}

static inline void clear_bit(long nr, volatile unsigned long *addr)
{
	__atomic_fetch_and(MMUN_K_BIT_PTR(nr, addr), ~BIT_MASK(nr),
			   __ATOMIC_RELAXED);
}

static inline void clear_bit_unlock(long nr, volatile unsigned long *addr)
{
	__atomic_fetch_and(MMUN_K_BIT_PTR(nr, addr), ~BIT_MASK(nr),
			   __ATOMIC_RELEASE);
}

static inline void change_bit(long nr, volatile unsigned long *addr)
{
	__atomic_fetch_xor(MMUN_K_BIT_PTR(nr, addr), BIT_MASK(nr),
			   __ATOMIC_RELAXED);
}

static inline bool test_bit(long nr, const volatile unsigned long *addr)
{
	return __atomic_load_n(MMUN_K_BIT_PTR(nr, addr), __ATOMIC_RELAXED) &
	       BIT_MASK(nr);
}

static inline bool test_bit_acquire(long nr, const volatile unsigned long *addr)
{
	return __atomic_load_n(MMUN_K_BIT_PTR(nr, addr), __ATOMIC_ACQUIRE) &
	       BIT_MASK(nr);
}

static inline bool test_and_set_bit(long nr, volatile unsigned long *addr)
{
	return __atomic_fetch_or(MMUN_K_BIT_PTR(nr, addr), BIT_MASK(nr),
				 __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

static inline bool test_and_set_bit_lock(long nr, volatile unsigned long *addr)
{
	return __atomic_fetch_or(MMUN_K_BIT_PTR(nr, addr), BIT_MASK(nr),
				 __ATOMIC_ACQUIRE) & BIT_MASK(nr);
}

static inline bool test_and_clear_bit(long nr, volatile unsigned long *addr)
{
	return __atomic_fetch_and(MMUN_K_BIT_PTR(nr, addr), ~BIT_MASK(nr),
				  __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

static inline bool test_and_change_bit(long nr, volatile unsigned long *addr)
{
	return __atomic_fetch_xor(MMUN_K_BIT_PTR(nr, addr), BIT_MASK(nr),
				  __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

static inline void __set_bit(long nr, volatile unsigned long *addr)
{
	*MMUN_K_BIT_PTR(nr, addr) |= BIT_MASK(nr);
}

static inline void __clear_bit(long nr, volatile unsigned long *addr)
{
	*MMUN_K_BIT_PTR(nr, addr) &= ~BIT_MASK(nr);
}

static inline bool __test_and_set_bit(long nr, volatile unsigned long *addr)
{
	bool was = *MMUN_K_BIT_PTR(nr, addr) & BIT_MASK(nr);

	__set_bit(nr, addr);
	return was;
}

static inline bool __test_and_clear_bit(long nr, volatile unsigned long *addr)
{
	bool was = *MMUN_K_BIT_PTR(nr, addr) & BIT_MASK(nr);

	__clear_bit(nr, addr);
	return was;
}

#define assign_bit(nr, addr, value) \
	((value) ? set_bit(nr, addr) : clear_bit(nr, addr))
#define __assign_bit(nr, addr, value) \
	((value) ? __set_bit(nr, addr) : __clear_bit(nr, addr))

/* The number of the lowest bit that is set; of nothing, undefined. */
static inline unsigned long __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline unsigned long __fls(unsigned long x)
{
	return BITS_PER_LONG - 1 - __builtin_clzl(x);
}

#define ffz(x) __ffs(~(x))

static inline u32 rol32(u32 x, unsigned int by)
{
	return x << (by & 31) | x >> (-by & 31);
}

static inline u32 ror32(u32 x, unsigned int by)
{
	return x >> (by & 31) | x << (-by & 31);
}

static inline u64 rol64(u64 x, unsigned int by)
{
	return x << (by & 63) | x >> (-by & 63);
}

static inline u64 ror64(u64 x, unsigned int by)
{
	return x >> (by & 63) | x << (-by & 63);
}

/* The same, counted from one; zero of nothing. */
static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline int fls_long(unsigned long x)
{
	return fls64(x);
}

static inline unsigned int hweight32(u32 x)
{
	return __builtin_popcount(x);
}

static inline unsigned int hweight64(u64 x)
{
	return __builtin_popcountll(x);
}

#define hweight_long(x) hweight64(x)
#define hweight8(x) hweight32((u8)(x))
#define hweight16(x) hweight32((u16)(x))

static inline int get_count_order(unsigned int count)
{
	return count ? fls(count - 1) : -1;
}

static inline int get_order_long(unsigned long count)
{
	return count ? fls_long(count - 1) : -1;
}

#include <linux/find.h>

#endif /* MMUN_KCOMPAT_LINUX_BITOPS_H */
