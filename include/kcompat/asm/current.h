/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_CURRENT_H
#define MMUN_KCOMPAT_ASM_CURRENT_H
/* The calling thread's task. */
#include <linux/sched.h>

#endif /* MMUN_KCOMPAT_ASM_CURRENT_H */
