/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_DELAY_H
#define MMUN_KCOMPAT_LINUX_DELAY_H
/* Sleep for a time. */
#include <linux/jiffies.h>
#include <linux/preempt.h>

static inline void mmun_k_delay(int64_t ns)
{
	struct timespec left = {
		.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC,
	};

	while (mmun_k_nanosleep(&left, &left))
		;
}

static inline void msleep(unsigned int ms)
{
	might_sleep();
	mmun_k_delay(ms * NSEC_PER_MSEC);
}

static inline unsigned long msleep_interruptible(unsigned int ms)
{
	msleep(ms);
	return 0;
}

static inline void usleep_range(unsigned long min_us, unsigned long max_us)
{
	(void)max_us;
	might_sleep();
	mmun_k_delay(min_us * NSEC_PER_USEC);
}

static inline void fsleep(unsigned long us)
{
	usleep_range(us, us);
}

static inline void ssleep(unsigned int seconds)
{
	msleep(seconds * 1000);
}

static inline void ndelay(unsigned long ns)
{
	mmun_k_delay(ns);
}

#define udelay(us) ndelay((us) * 1000UL)
#define mdelay(ms) ndelay((ms) * 1000000UL)

#endif /* MMUN_KCOMPAT_LINUX_DELAY_H */
