/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RATELIMIT_H
#define MMUN_KCOMPAT_LINUX_RATELIMIT_H
/* Nothing is limited. */
#include <linux/printk.h>

struct ratelimit_state {
	int interval;
};

#define DEFINE_RATELIMIT_STATE(name, interval, burst) \
	struct ratelimit_state name = { 0 }
#define __ratelimit(state) ((void)(state), 1)

#endif /* MMUN_KCOMPAT_LINUX_RATELIMIT_H */
