/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RCUWAIT_H
#define MMUN_KCOMPAT_LINUX_RCUWAIT_H
/* One task that waits, and is found under RCU. */
#include <linux/rcupdate.h>
#include <linux/sched.h>

struct rcuwait {
	struct task_struct *task;
};

#define __RCUWAIT_INITIALIZER(name) { .task = NULL }

static inline void rcuwait_init(struct rcuwait *w)
{
	w->task = NULL;
}

static inline int rcuwait_active(struct rcuwait *w)
{
	return rcu_access_pointer(w->task) != NULL;
}

static inline int rcuwait_wake_up(struct rcuwait *w)
{
	struct task_struct *task;
	int woken = 0;

	rcu_read_lock();
	smp_mb();
	task = rcu_dereference(w->task);
	if (task)
		woken = wake_up_process(task);
	rcu_read_unlock();
	return woken;
}

static inline void prepare_to_rcuwait(struct rcuwait *w)
{
	rcu_assign_pointer(w->task, current);
}

static inline void finish_rcuwait(struct rcuwait *w)
{
	rcu_assign_pointer(w->task, NULL);
	__set_current_state(TASK_RUNNING);
}

#define rcuwait_wait_event(w, condition, state)				\
	({								\
		prepare_to_rcuwait(w);					\
		for (;;) {						\
			set_current_state(state);			\
			smp_mb();					\
			if (condition)					\
				break;					\
			schedule();					\
		}							\
		finish_rcuwait(w);					\
		0;							\
	})

#endif /* MMUN_KCOMPAT_LINUX_RCUWAIT_H */
