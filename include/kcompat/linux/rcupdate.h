/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RCUPDATE_H
#define MMUN_KCOMPAT_LINUX_RCUPDATE_H
/* RCU: one domain of linux/srcu.h, whose sections nest and must not sleep. */
#include <linux/preempt.h>
#include <linux/srcu.h>
#include <linux/lockdep.h>
#include <asm/barrier.h>

MMUN_K_SHARED struct srcu_struct mmun_k_rcu = MMUN_K_SRCU_INIT;

static inline void rcu_read_lock(void)
{
	if (!mmun_k_thread.rcu_depth++)
		mmun_k_thread.rcu_index = srcu_read_lock(&mmun_k_rcu);
	preempt_disable();
}

static inline void rcu_read_unlock(void)
{
	preempt_enable();
	if (WARN_ONCE(!mmun_k_thread.rcu_depth, "rcu_read_unlock() alone\n"))
		return;
	if (!--mmun_k_thread.rcu_depth)
		srcu_read_unlock(&mmun_k_rcu, mmun_k_thread.rcu_index);
}

static inline int rcu_read_lock_held(void)
{
	return mmun_k_thread.rcu_depth > 0;
}

static inline void synchronize_rcu(void)
{
	if (rcu_read_lock_held())
		mmun_k_bug(__FILE__, __LINE__, __func__,
			   "waits for its own read section");
	synchronize_srcu(&mmun_k_rcu);
}

#define rcu_read_lock_bh() rcu_read_lock()
#define rcu_read_unlock_bh() rcu_read_unlock()
#define rcu_read_lock_sched() rcu_read_lock()
#define rcu_read_unlock_sched() rcu_read_unlock()
#define rcu_read_lock_any_held() rcu_read_lock_held()
#define rcu_read_lock_bh_held() rcu_read_lock_held()
#define rcu_read_lock_sched_held() rcu_read_lock_held()
#define rcu_lockdep_assert(c, s) RCU_LOCKDEP_WARN(!(c), s)
#define RCU_LOCKDEP_WARN(c, s) ((void)WARN_ONCE(c, "%s\n", s))
#define synchronize_rcu_expedited() synchronize_rcu()
#define synchronize_sched() synchronize_rcu()
#define synchronize_net() synchronize_rcu()
#define rcu_head_init(head) ((void)(head))
#define init_rcu_head(head) ((void)(head))
#define destroy_rcu_head(head) ((void)(head))

static inline void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	call_srcu(&mmun_k_rcu, head, func);
}

#define call_rcu_hurry(head, func) call_rcu(head, func)

static inline void rcu_barrier(void)
{
	srcu_barrier(&mmun_k_rcu);
}

static inline unsigned long get_state_synchronize_rcu(void)
{
	return get_state_synchronize_srcu(&mmun_k_rcu);
}

static inline unsigned long start_poll_synchronize_rcu(void)
{
	return start_poll_synchronize_srcu(&mmun_k_rcu);
}

static inline bool poll_state_synchronize_rcu(unsigned long cookie)
{
	return poll_state_synchronize_srcu(&mmun_k_rcu, cookie);
}

static inline void cond_synchronize_rcu(unsigned long cookie)
{
	if (!poll_state_synchronize_rcu(cookie))
		synchronize_rcu();
}

/* With the name of the head in the object; or without, and then it waits. */
#define MMUN_K_KFREE_RCU(p, member, ...)				\
	do {								\
		typeof(p) mmun_k_p = (p);				\
									\
		BUILD_BUG_ON(offsetof(typeof(*(p)), member) >= 4096);	\
		if (mmun_k_p)						\
			call_rcu(&mmun_k_p->member, (rcu_callback_t)	\
				 offsetof(typeof(*(p)), member));	\
	} while (0)
#define kfree_rcu(p, member) MMUN_K_KFREE_RCU(p, member)
#define kvfree_rcu(p, member) MMUN_K_KFREE_RCU(p, member)
#define kfree_rcu_mightsleep(p)						\
	do {								\
		typeof(p) mmun_k_p = (p);				\
									\
		synchronize_rcu();					\
		mmun_k_free((void *)mmun_k_p);				\
	} while (0)
#define kvfree_rcu_mightsleep(p) kfree_rcu_mightsleep(p)

#define rcu_access_pointer(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define rcu_dereference_raw(p) __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_dereference_check(p, c)					\
	({								\
		RCU_LOCKDEP_WARN(!(rcu_read_lock_held() || (c)),	\
				 "rcu_dereference() of " #p		\
				 " outside of a read section");		\
		rcu_dereference_raw(p);					\
	})
#define rcu_dereference(p) rcu_dereference_check(p, 0)
#define rcu_dereference_bh(p) rcu_dereference(p)
#define rcu_dereference_sched(p) rcu_dereference(p)
#define rcu_dereference_protected(p, c)					\
	({								\
		RCU_LOCKDEP_WARN(!(c), "unprotected " #p);		\
		rcu_access_pointer(p);					\
	})
#define rcu_pointer_handoff(p) (p)
#define unrcu_pointer(p) (p)
#define rcu_sleep_check() ((void)0)
#define init_rcu_head_on_stack(head) ((void)(head))
#define destroy_rcu_head_on_stack(head) ((void)(head))
#define rcu_assign_pointer(p, v) \
	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v) WRITE_ONCE(p, v)
#define RCU_POINTER_INITIALIZER(p, v) .p = (v)
#define rcu_replace_pointer(p, v, c)					\
	({								\
		RCU_LOCKDEP_WARN(!(c), "unprotected " #p);		\
		__atomic_exchange_n(&(p), (v), __ATOMIC_SEQ_CST);	\
	})

DEFINE_LOCK_GUARD_0(rcu, rcu_read_lock(), rcu_read_unlock())

#endif /* MMUN_KCOMPAT_LINUX_RCUPDATE_H */
