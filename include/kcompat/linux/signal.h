/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SIGNAL_H
#define MMUN_KCOMPAT_LINUX_SIGNAL_H
/* Who is signalled; not the user interface's header of this name. */
#include <linux/sched/signal.h>

#endif /* MMUN_KCOMPAT_LINUX_SIGNAL_H */
