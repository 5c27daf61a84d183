/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PRINTK_H
#define MMUN_KCOMPAT_LINUX_PRINTK_H
/*
 * Messages go to the standard error output, with one write(2): nothing is
 * allocated or locked, as callbacks inside munmap() need it.
 *
 * Formats are not checked: the kernel's has conversions of its own (%pS, %pUb),
 * of which only the %p is understood here, and its u64 is not the C library's
 * uint64_t.
 */
#include <linux/cache.h>
#include <linux/kern_levels.h>
#include <linux/types.h>
#include <mmun/shared.h>

static inline int vprintk(const char *fmt, va_list args)
{
	char line[512];
	int len = mmun_k_vsnprintf(line, sizeof(line), fmt, args);

	if (len < 0)
		return len;
	if (len >= (int)sizeof(line)) {
		len = sizeof(line);
		line[len - 1] = '\n';
	}
	return mmun_k_write(2, line, len);
}

static inline int mmun_k_printk(const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vprintk(fmt, args);
	va_end(args);
	return len;
}

static inline int mmun_k_no_printk(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

#define printk(...) mmun_k_printk(__VA_ARGS__)
#define no_printk(...) ({ if (0) mmun_k_no_printk(__VA_ARGS__); 0; })

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_emerg(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert pr_emerg
#define pr_crit pr_emerg
#define pr_err pr_emerg
#define pr_warn pr_emerg
#define pr_warning pr_emerg
#define pr_notice pr_emerg
#define pr_info pr_emerg
#define pr_cont(fmt, ...) printk(fmt, ##__VA_ARGS__)
#ifdef DEBUG
#define pr_debug pr_emerg
#define pr_devel pr_emerg
#else
#define pr_debug(fmt, ...) no_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_devel pr_debug
#endif

#define MMUN_K_ONCE(call)						\
	({								\
		static int mmun_k_done;					\
									\
		if (!__atomic_exchange_n(&mmun_k_done, 1,		\
					 __ATOMIC_RELAXED))		\
			call;						\
	})
#define printk_once(fmt, ...) MMUN_K_ONCE(printk(fmt, ##__VA_ARGS__))
#define pr_err_once(fmt, ...) MMUN_K_ONCE(pr_err(fmt, ##__VA_ARGS__))
#define pr_warn_once(fmt, ...) MMUN_K_ONCE(pr_warn(fmt, ##__VA_ARGS__))
#define pr_notice_once(fmt, ...) MMUN_K_ONCE(pr_notice(fmt, ##__VA_ARGS__))
#define pr_info_once(fmt, ...) MMUN_K_ONCE(pr_info(fmt, ##__VA_ARGS__))
#define printk_ratelimited printk
#define pr_err_ratelimited pr_err
#define pr_warn_ratelimited pr_warn
#define pr_notice_ratelimited pr_notice
#define pr_info_ratelimited pr_info
#define pr_debug_ratelimited pr_debug
#define printk_ratelimit() 1
#define dump_stack() ((void)0)

#endif /* MMUN_KCOMPAT_LINUX_PRINTK_H */
