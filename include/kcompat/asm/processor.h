/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_ASM_PROCESSOR_H
#define MMUN_KCOMPAT_ASM_PROCESSOR_H
/* What a thread does while it turns in a loop: let others run. */
int mmun_k_sched_yield(void) __asm__("sched_yield");

#define cpu_relax() ((void)mmun_k_sched_yield())
#define cpu_relax_lowlatency() cpu_relax()
#define cpu_has_feature(x) 0

#endif /* MMUN_KCOMPAT_ASM_PROCESSOR_H */
