/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_IO_H
#define MMUN_KCOMPAT_LINUX_IO_H
/* Registers are memory, and their accesses ordered. */
#include <linux/compiler.h>
#include <linux/types.h>

#define MMUN_K_IO(suffix, type)						\
static inline type read##suffix(const volatile void __iomem *addr)	\
{									\
	return __atomic_load_n((const volatile type *)addr,		\
			       __ATOMIC_SEQ_CST);			\
}									\
static inline void write##suffix(type value, volatile void __iomem *addr) \
{									\
	__atomic_store_n((volatile type *)addr, value, __ATOMIC_SEQ_CST); \
}
MMUN_K_IO(b, u8)
MMUN_K_IO(w, u16)
MMUN_K_IO(l, u32)
MMUN_K_IO(q, u64)

#define readl_relaxed(addr) readl(addr)
#define readq_relaxed(addr) readq(addr)
#define writel_relaxed(value, addr) writel(value, addr)
#define writeq_relaxed(value, addr) writeq(value, addr)

#endif /* MMUN_KCOMPAT_LINUX_IO_H */
