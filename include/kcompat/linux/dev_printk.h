/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_DEV_PRINTK_H
#define MMUN_KCOMPAT_LINUX_DEV_PRINTK_H
/* Messages about a device. */
#include <linux/bug.h>
#include <linux/printk.h>

struct device;
static inline const char *dev_name(const struct device *dev);

#define dev_printk(level, dev, fmt, ...) \
	printk(level "%s: " pr_fmt(fmt), dev_name(dev), ##__VA_ARGS__)
#define dev_emerg(dev, fmt, ...) dev_printk("", dev, fmt, ##__VA_ARGS__)
#define dev_alert dev_emerg
#define dev_crit dev_emerg
#define dev_err dev_emerg
#define dev_warn dev_emerg
#define dev_notice dev_emerg
#define dev_info dev_emerg
#ifdef DEBUG
#define dev_dbg dev_emerg
#else
#define dev_dbg(dev, fmt, ...)						\
	do {								\
		if (0)							\
			dev_printk("", dev, fmt, ##__VA_ARGS__);	\
	} while (0)
#endif
#define dev_vdbg dev_dbg
#define dev_err_once(dev, ...) MMUN_K_ONCE(dev_err(dev, __VA_ARGS__))
#define dev_warn_once(dev, ...) MMUN_K_ONCE(dev_warn(dev, __VA_ARGS__))
#define dev_info_once(dev, ...) MMUN_K_ONCE(dev_info(dev, __VA_ARGS__))
#define dev_err_ratelimited dev_err
#define dev_warn_ratelimited dev_warn
#define dev_info_ratelimited dev_info
#define dev_dbg_ratelimited dev_dbg
#define dev_WARN(dev, ...) WARN(1, __VA_ARGS__)
#define dev_WARN_ONCE(dev, condition, ...) WARN_ONCE(condition, __VA_ARGS__)

#include <linux/device.h>

#endif /* MMUN_KCOMPAT_LINUX_DEV_PRINTK_H */
