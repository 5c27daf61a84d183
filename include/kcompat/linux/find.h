/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_FIND_H
#define MMUN_KCOMPAT_LINUX_FIND_H
/* Bits that are set, or clear, in an array of longs. */
#include <linux/bitops.h>

static inline unsigned long mmun_k_find_bit(const unsigned long *addr,
					    unsigned long size,
					    unsigned long from, bool set)
{
	while (from < size && test_bit(from, addr) != set)
		from++;
	return from < size ? from : size;
}

#define find_first_bit(addr, size) mmun_k_find_bit(addr, size, 0, true)
#define find_first_zero_bit(addr, size) mmun_k_find_bit(addr, size, 0, false)
#define find_next_bit(addr, size, from) \
	mmun_k_find_bit(addr, size, from, true)
#define find_next_zero_bit(addr, size, from) \
	mmun_k_find_bit(addr, size, from, false)

#define for_each_set_bit(bit, addr, size)			\
	for ((bit) = find_first_bit(addr, size); (bit) < (size); \
	     (bit) = find_next_bit(addr, size, (bit) + 1))
#define for_each_clear_bit(bit, addr, size)			\
	for ((bit) = find_first_zero_bit(addr, size); (bit) < (size); \
	     (bit) = find_next_zero_bit(addr, size, (bit) + 1))

#endif /* MMUN_KCOMPAT_LINUX_FIND_H */
