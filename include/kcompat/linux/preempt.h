/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PREEMPT_H
#define MMUN_KCOMPAT_LINUX_PREEMPT_H
/*
 * Where a thread must not sleep: it counts the spinlocks that it holds and the
 * read sections of RCU that it is in, and might_sleep() warns there.
 */
#include <linux/bug.h>
#include <mmun/thread.h>

#define preempt_disable() ((void)mmun_k_thread.atomic++)
#define preempt_enable() ((void)mmun_k_thread.atomic--)
#define preempt_enable_no_resched() preempt_enable()
#define preempt_count() (mmun_k_thread.atomic)
#define in_atomic() (preempt_count() != 0)
#define preemptible() (!in_atomic())
#define in_interrupt() 0
#define in_irq() 0
#define in_hardirq() 0
#define in_softirq() 0
#define in_serving_softirq() 0
#define in_task() 1
#define in_nmi() 0
#define irqs_disabled() 0
#define local_irq_disable() preempt_disable()
#define local_irq_enable() preempt_enable()
#define local_irq_save(flags) ((flags) = 0, preempt_disable())
#define local_irq_restore(flags) ((void)(flags), preempt_enable())
#define local_bh_disable() preempt_disable()
#define local_bh_enable() preempt_enable()
#define migrate_disable() ((void)0)
#define migrate_enable() ((void)0)

#define might_sleep() \
	((void)WARN_ONCE(in_atomic(), "sleeps in atomic context\n"))
#define might_sleep_if(cond) do { if (cond) might_sleep(); } while (0)
#define might_fault() might_sleep()
#define cant_sleep() ((void)0)
#define non_block_start() ((void)0)
#define non_block_end() ((void)0)

#endif /* MMUN_KCOMPAT_LINUX_PREEMPT_H */
