/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_KTIME_H
#define MMUN_KCOMPAT_LINUX_KTIME_H
/* Times in nanoseconds. */
#include <linux/jiffies.h>

typedef s64 ktime_t;

#define ktime_get() ((ktime_t)mmun_k_now())
#define ktime_get_ns() ((u64)mmun_k_now())
#define ktime_get_raw() ktime_get()
#define ktime_get_raw_ns() ktime_get_ns()
#define ktime_get_boottime() ktime_get()
#define ktime_add(a, b) ((a) + (b))
#define ktime_sub(a, b) ((a) - (b))
#define ktime_add_ns(a, n) ((a) + (s64)(n))
#define ktime_add_us(a, n) ((a) + (s64)(n) * 1000)
#define ktime_add_ms(a, n) ((a) + (s64)(n) * 1000000)
#define ktime_compare(a, b) ((a) < (b) ? -1 : (a) > (b))
#define ktime_after(a, b) ((a) > (b))
#define ktime_before(a, b) ((a) < (b))
#define ktime_to_ns(t) ((s64)(t))
#define ktime_to_us(t) ((s64)(t) / 1000)
#define ktime_to_ms(t) ((s64)(t) / 1000000)
#define ktime_us_delta(a, b) ktime_to_us((a) - (b))
#define ktime_ms_delta(a, b) ktime_to_ms((a) - (b))
#define ns_to_ktime(n) ((ktime_t)(n))
#define us_to_ktime(n) ((ktime_t)(n) * 1000)
#define ms_to_ktime(n) ((ktime_t)(n) * 1000000)

#endif /* MMUN_KCOMPAT_LINUX_KTIME_H */
