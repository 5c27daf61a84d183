/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RCUPDATE_WAIT_H
#define MMUN_KCOMPAT_LINUX_RCUPDATE_WAIT_H
/* RCU. */
#include <linux/rcupdate.h>
#include <linux/completion.h>

#endif /* MMUN_KCOMPAT_LINUX_RCUPDATE_WAIT_H */
