/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MEMORY_H
#define MMUN_KCOMPAT_LINUX_MEMORY_H
/* Memory. */
#include <linux/mm.h>

#endif /* MMUN_KCOMPAT_LINUX_MEMORY_H */
