/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SMP_H
#define MMUN_KCOMPAT_LINUX_SMP_H
/* One processor, by number. */
#include <linux/preempt.h>

#define smp_processor_id() 0
#define raw_smp_processor_id() 0
#define get_cpu() ({ preempt_disable(); 0; })
#define put_cpu() preempt_enable()
#define num_online_cpus() 1U
#define num_possible_cpus() 1U

#endif /* MMUN_KCOMPAT_LINUX_SMP_H */
