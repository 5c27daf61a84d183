/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MUTEX_TYPES_H
#define MMUN_KCOMPAT_LINUX_MUTEX_TYPES_H
/* The type of mutexes. */
#include <linux/mutex.h>

#endif /* MMUN_KCOMPAT_LINUX_MUTEX_TYPES_H */
