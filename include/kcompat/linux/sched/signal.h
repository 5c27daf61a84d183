/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SCHED_SIGNAL_H
#define MMUN_KCOMPAT_LINUX_SCHED_SIGNAL_H
/* Nobody is killed. */
#include <linux/sched.h>

#define signal_pending(task) ((void)(task), 0)
#define fatal_signal_pending(task) ((void)(task), 0)
#define signal_pending_state(state, task) ((void)(task), 0)
#define thread_group_leader(task) ((task)->pid == (task)->tgid)
#define same_thread_group(a, b) ((a)->tgid == (b)->tgid)
#ifndef RLIMIT_MEMLOCK
#define RLIMIT_MEMLOCK 8
#endif
#define rlimit(limit) ULONG_MAX

#endif /* MMUN_KCOMPAT_LINUX_SCHED_SIGNAL_H */
