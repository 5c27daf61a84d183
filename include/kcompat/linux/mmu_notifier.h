/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MMU_NOTIFIER_H
#define MMUN_KCOMPAT_LINUX_MMU_NOTIFIER_H
/* MMU notifiers: the library's; and what drivers count on to come with them. */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/mm_types.h>
#include <linux/mmap_lock.h>
#include <linux/srcu.h>
#include <linux/interval_tree.h>
#include <mmun/notifier.h>

/*
 * Before Linux 5.4: @func is called with @head when every callback that is
 * running has returned.
 */
struct mmun_k_call {
	struct rcu_head *head;
	rcu_callback_t func;
};

static inline void *mmun_k_call_srcu_thread(void *arg)
{
	struct mmun_k_call call = *(struct mmun_k_call *)arg;

	mmun_k_free(arg);
	mmu_notifier_synchronize();
	call.func(call.head);
	return NULL;
}

static inline void mmu_notifier_call_srcu(struct rcu_head *head,
					  rcu_callback_t func)
{
	struct mmun_k_call *call =
		(struct mmun_k_call *)mmun_k_malloc(sizeof(*call));

	BUG_ON(!call);
	call->head = head;
	call->func = func;
	mmun_k_start_thread(mmun_k_call_srcu_thread, call);
}

#endif /* MMUN_KCOMPAT_LINUX_MMU_NOTIFIER_H */
