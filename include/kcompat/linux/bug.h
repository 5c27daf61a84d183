/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_BUG_H
#define MMUN_KCOMPAT_LINUX_BUG_H
/*
 * WARN_ON() and BUG_ON().  A test asks mmun_kcompat_warnings() how many
 * warnings there were; a bug ends the program.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/printk.h>

MMUN_K_SHARED unsigned int mmun_k_warnings;

static inline void mmun_k_warn(const char *file, int line, const char *function,
			       const char *fmt, ...)
{
	va_list args;

	__atomic_fetch_add(&mmun_k_warnings, 1, __ATOMIC_SEQ_CST);
	mmun_k_printk("WARNING: %s:%d %s()\n", file, line, function);
	va_start(args, fmt);
	if (*fmt)
		vprintk(fmt, args);
	va_end(args);
}

static inline void __noreturn mmun_k_bug(const char *file, int line,
					 const char *function, const char *what)
{
	mmun_k_printk("BUG: %s:%d %s(): %s\n", file, line, function, what);
	mmun_k_abort();
}

#define BUG() mmun_k_bug(__FILE__, __LINE__, __func__, "BUG")
#define BUG_ON(condition)						\
	do {								\
		if (unlikely(condition))				\
			mmun_k_bug(__FILE__, __LINE__, __func__,	\
				   #condition);				\
	} while (0)

#define WARN(condition, ...)						\
	({								\
		bool mmun_k_true = !!(condition);			\
									\
		if (unlikely(mmun_k_true))				\
			mmun_k_warn(__FILE__, __LINE__, __func__,	\
				    __VA_ARGS__);			\
		unlikely(mmun_k_true);					\
	})
#define WARN_ON(condition) WARN(condition, "%s\n", #condition)
#define WARN_ONCE(condition, ...)					\
	({								\
		static int mmun_k_warned;				\
		bool mmun_k_true = !!(condition);			\
									\
		if (unlikely(mmun_k_true) &&				\
		    !__atomic_exchange_n(&mmun_k_warned, 1,		\
					 __ATOMIC_RELAXED))		\
			mmun_k_warn(__FILE__, __LINE__, __func__,	\
				    __VA_ARGS__);			\
		unlikely(mmun_k_true);					\
	})
#define WARN_ON_ONCE(condition) WARN_ONCE(condition, "%s\n", #condition)
#define WARN_TAINT(condition, taint, ...) WARN(condition, __VA_ARGS__)

#endif /* MMUN_KCOMPAT_LINUX_BUG_H */
