/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RCULIST_NULLS_H
#define MMUN_KCOMPAT_LINUX_RCULIST_NULLS_H
/* Lists of RCU; those that end in numbers are not there. */
#include <linux/rculist.h>

#endif /* MMUN_KCOMPAT_LINUX_RCULIST_NULLS_H */
