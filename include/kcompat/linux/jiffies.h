/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_JIFFIES_H
#define MMUN_KCOMPAT_LINUX_JIFFIES_H
/* The clock, in milliseconds. */
#include <linux/types.h>
#include <mmun/event.h>

#undef HZ
#define HZ 1000
#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_USEC 1000L
#define USEC_PER_SEC 1000000L
#define USEC_PER_MSEC 1000L
#define MSEC_PER_SEC 1000L
#define MAX_JIFFY_OFFSET ((~0UL >> 1) - 1)

static inline u64 get_jiffies_64(void)
{
	return mmun_k_now() / NSEC_PER_MSEC;
}

static inline int64_t mmun_k_jiffies_to_ns(unsigned long at)
{
	return (int64_t)at * NSEC_PER_MSEC;
}

#define jiffies ((unsigned long)get_jiffies_64())
#define jiffies_64 get_jiffies_64()
#define msecs_to_jiffies(ms) ((unsigned long)(ms))
#define usecs_to_jiffies(us) (((unsigned long)(us) + 999) / 1000)
#define nsecs_to_jiffies(ns) ((unsigned long)((ns) / NSEC_PER_MSEC))
#define secs_to_jiffies(s) ((unsigned long)(s) * HZ)
#define jiffies_to_msecs(j) ((unsigned int)(j))
#define jiffies_to_usecs(j) ((unsigned int)(j) * 1000)
#define jiffies_to_nsecs(j) ((u64)(j) * NSEC_PER_MSEC)
#define round_jiffies(j) (j)
#define round_jiffies_relative(j) (j)

#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b) time_after_eq(b, a)
#define time_in_range(a, b, c) (time_after_eq(a, b) && time_before_eq(a, c))
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a) time_before(jiffies, a)
#define time_after64(a, b) ((s64)((b) - (a)) < 0)
#define time_before64(a, b) time_after64(b, a)

#endif /* MMUN_KCOMPAT_LINUX_JIFFIES_H */
