/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_WAIT_H
#define MMUN_KCOMPAT_LINUX_WAIT_H
/*
 * Wait queues.  Whoever wakes walks the queue under its lock, and calls the
 * function of each entry; one takes itself off the queue under the lock too,
 * and so is not touched when it has gone on.
 */
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct wait_queue_entry;
typedef struct wait_queue_entry wait_queue_entry_t;
typedef int (*wait_queue_func_t)(struct wait_queue_entry *entry,
				 unsigned int mode, int flags, void *key);

#define WQ_FLAG_EXCLUSIVE 1

struct wait_queue_entry {
	unsigned int flags;
	void *private;
	wait_queue_func_t func;
	struct list_head entry;
};

typedef struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
} wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INITIALIZER(name)				\
	{								\
		.lock = { .mmun_lock = PTHREAD_MUTEX_INITIALIZER },	\
		.head = LIST_HEAD_INIT((name).head),			\
	}
#define DECLARE_WAIT_QUEUE_HEAD(name) \
	struct wait_queue_head name = __WAIT_QUEUE_HEAD_INITIALIZER(name)
#define DECLARE_WAIT_QUEUE_HEAD_ONSTACK(name) DECLARE_WAIT_QUEUE_HEAD(name)

static inline void init_waitqueue_head(struct wait_queue_head *wq)
{
	spin_lock_init(&wq->lock);
	INIT_LIST_HEAD(&wq->head);
}

static inline int default_wake_function(struct wait_queue_entry *entry,
					unsigned int mode, int flags, void *key)
{
	(void)mode;
	(void)flags;
	(void)key;
	wake_up_process((struct task_struct *)entry->private);
	return 1;
}

static inline int autoremove_wake_function(struct wait_queue_entry *entry,
					   unsigned int mode, int flags,
					   void *key)
{
	int woken = default_wake_function(entry, mode, flags, key);

	list_del_init(&entry->entry);
	return woken;
}

#define DEFINE_WAIT_FUNC(name, function)				\
	struct wait_queue_entry name = {				\
		.private = current,					\
		.func = function,					\
		.entry = LIST_HEAD_INIT((name).entry),			\
	}
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)
#define DECLARE_WAITQUEUE(name, task)					\
	struct wait_queue_entry name = {				\
		.private = task,					\
		.func = default_wake_function,				\
		.entry = LIST_HEAD_INIT((name).entry),			\
	}
#define init_wait(wait) \
	((void)(*(wait) = (struct wait_queue_entry){			\
		.private = current, .func = autoremove_wake_function,	\
		.entry = LIST_HEAD_INIT((wait)->entry) }))

static inline void init_waitqueue_entry(struct wait_queue_entry *entry,
					struct task_struct *task)
{
	entry->flags = 0;
	entry->private = task;
	entry->func = default_wake_function;
	INIT_LIST_HEAD(&entry->entry);
}

static inline void init_waitqueue_func_entry(struct wait_queue_entry *entry,
					     wait_queue_func_t func)
{
	entry->flags = 0;
	entry->private = NULL;
	entry->func = func;
	INIT_LIST_HEAD(&entry->entry);
}

static inline int waitqueue_active(struct wait_queue_head *wq)
{
	return !list_empty(&wq->head);
}

static inline bool wq_has_sleeper(struct wait_queue_head *wq)
{
	smp_mb();
	return waitqueue_active(wq);
}

static inline void __add_wait_queue(struct wait_queue_head *wq,
				    struct wait_queue_entry *entry)
{
	list_add(&entry->entry, &wq->head);
}

static inline void __remove_wait_queue(struct wait_queue_head *wq,
				       struct wait_queue_entry *entry)
{
	(void)wq;
	list_del(&entry->entry);
}

static inline void add_wait_queue(struct wait_queue_head *wq,
				  struct wait_queue_entry *entry)
{
	spin_lock(&wq->lock);
	entry->flags &= ~WQ_FLAG_EXCLUSIVE;
	__add_wait_queue(wq, entry);
	spin_unlock(&wq->lock);
}

static inline void add_wait_queue_exclusive(struct wait_queue_head *wq,
					    struct wait_queue_entry *entry)
{
	spin_lock(&wq->lock);
	entry->flags |= WQ_FLAG_EXCLUSIVE;
	list_add_tail(&entry->entry, &wq->head);
	spin_unlock(&wq->lock);
}

static inline void remove_wait_queue(struct wait_queue_head *wq,
				     struct wait_queue_entry *entry)
{
	spin_lock(&wq->lock);
	__remove_wait_queue(wq, entry);
	spin_unlock(&wq->lock);
}

/*
 * All, and of those that want to be woken alone, @exclusive; zero is all of
 * them.
 */
static inline void mmun_k_wake_locked(struct wait_queue_head *wq, int exclusive,
				      void *key)
{
	struct wait_queue_entry *at, *next;

	list_for_each_entry_safe(at, next, &wq->head, entry) {
		unsigned int flags = at->flags;

		if (at->func(at, TASK_NORMAL, 0, key) &&
		    flags & WQ_FLAG_EXCLUSIVE && !--exclusive)
			break;
	}
}

static inline void mmun_k_wake(struct wait_queue_head *wq, int exclusive,
			       void *key)
{
	spin_lock(&wq->lock);
	mmun_k_wake_locked(wq, exclusive, key);
	spin_unlock(&wq->lock);
}

#define wake_up(wq) mmun_k_wake(wq, 1, NULL)
#define wake_up_nr(wq, n) mmun_k_wake(wq, n, NULL)
#define wake_up_all(wq) mmun_k_wake(wq, 0, NULL)
#define wake_up_interruptible(wq) mmun_k_wake(wq, 1, NULL)
#define wake_up_interruptible_nr(wq, n) mmun_k_wake(wq, n, NULL)
#define wake_up_interruptible_all(wq) mmun_k_wake(wq, 0, NULL)
#define wake_up_interruptible_sync(wq) mmun_k_wake(wq, 1, NULL)
#define wake_up_locked(wq) mmun_k_wake_locked(wq, 1, NULL)
#define wake_up_all_locked(wq) mmun_k_wake_locked(wq, 0, NULL)
#define wake_up_poll(wq, mask) \
	mmun_k_wake(wq, 1, (void *)(unsigned long)(mask))
#define wake_up_interruptible_poll(wq, mask) wake_up_poll(wq, mask)

static inline void mmun_k_prepare(struct wait_queue_head *wq,
				  struct wait_queue_entry *entry,
				  unsigned int state, bool exclusive)
{
	spin_lock(&wq->lock);
	if (exclusive)
		entry->flags |= WQ_FLAG_EXCLUSIVE;
	if (list_empty(&entry->entry)) {
		if (exclusive)
			list_add_tail(&entry->entry, &wq->head);
		else
			list_add(&entry->entry, &wq->head);
	}
	set_current_state(state);
	spin_unlock(&wq->lock);
}

#define prepare_to_wait(wq, entry, state) \
	mmun_k_prepare(wq, entry, state, false)
#define prepare_to_wait_exclusive(wq, entry, state) \
	mmun_k_prepare(wq, entry, state, true)
#define prepare_to_wait_event(wq, entry, state) \
	(mmun_k_prepare(wq, entry, state, false), 0L)

static inline void finish_wait(struct wait_queue_head *wq,
			       struct wait_queue_entry *entry)
{
	__set_current_state(TASK_RUNNING);
	spin_lock(&wq->lock);
	list_del_init(&entry->entry);
	spin_unlock(&wq->lock);
}

/*
 * Until @condition; @before and @after are around the sleep.  The value is what
 * is left of @timeout, at least one if the condition holds, and else zero.
 */
#define MMUN_K_WAIT(wq, condition, exclusive, timeout, before, after)	\
	({								\
		struct wait_queue_head *mmun_k_wq = &(wq);		\
		long mmun_k_left = (timeout);				\
		DEFINE_WAIT(mmun_k_entry);				\
									\
		for (;;) {						\
			mmun_k_prepare(mmun_k_wq, &mmun_k_entry,	\
				       TASK_UNINTERRUPTIBLE, exclusive); \
			if (condition) {				\
				if (!mmun_k_left)			\
					mmun_k_left = 1;		\
				break;					\
			}						\
			if (!mmun_k_left)				\
				break;					\
			before;						\
			mmun_k_left = schedule_timeout(mmun_k_left);	\
			after;						\
		}							\
		finish_wait(mmun_k_wq, &mmun_k_entry);			\
		mmun_k_left;						\
	})
#define MMUN_K_WAIT_UNLESS(wq, condition, exclusive, timeout, before, after) \
	((condition) ? ((timeout) ? (long)(timeout) : 1L) :		\
	 MMUN_K_WAIT(wq, condition, exclusive, timeout, before, after))

#define wait_event(wq, condition)					\
	do {								\
		might_sleep();						\
		(void)MMUN_K_WAIT_UNLESS(wq, condition, false,		\
					 MAX_SCHEDULE_TIMEOUT, , );	\
	} while (0)
#define wait_event_timeout(wq, condition, timeout)			\
	({								\
		might_sleep();						\
		MMUN_K_WAIT_UNLESS(wq, condition, false, timeout, , );	\
	})
#define MMUN_K_WAIT_ZERO(wq, condition, exclusive)			\
	({								\
		might_sleep();						\
		(void)MMUN_K_WAIT_UNLESS(wq, condition, exclusive,	\
					 MAX_SCHEDULE_TIMEOUT, , );	\
		0;							\
	})
#define wait_event_interruptible(wq, condition) \
	MMUN_K_WAIT_ZERO(wq, condition, false)
#define wait_event_killable(wq, condition) \
	MMUN_K_WAIT_ZERO(wq, condition, false)
#define wait_event_freezable(wq, condition) \
	MMUN_K_WAIT_ZERO(wq, condition, false)
#define wait_event_idle(wq, condition) wait_event(wq, condition)
#define io_wait_event(wq, condition) wait_event(wq, condition)
#define wait_event_interruptible_exclusive(wq, condition) \
	MMUN_K_WAIT_ZERO(wq, condition, true)
#define wait_event_killable_exclusive(wq, condition) \
	MMUN_K_WAIT_ZERO(wq, condition, true)
#define wait_event_interruptible_timeout(wq, condition, timeout) \
	wait_event_timeout(wq, condition, timeout)
#define wait_event_killable_timeout(wq, condition, timeout) \
	wait_event_timeout(wq, condition, timeout)
#define wait_event_idle_timeout(wq, condition, timeout) \
	wait_event_timeout(wq, condition, timeout)
#define wait_event_cmd(wq, condition, cmd1, cmd2)			\
	((void)MMUN_K_WAIT_UNLESS(wq, condition, false,			\
				  MAX_SCHEDULE_TIMEOUT, cmd1, cmd2))
#define wait_event_lock_irq(wq, condition, lock)			\
	wait_event_cmd(wq, condition, spin_unlock(&(lock)), spin_lock(&(lock)))
#define wait_event_interruptible_lock_irq(wq, condition, lock) \
	({ wait_event_lock_irq(wq, condition, lock); 0; })
#define wait_event_lock_irq_cmd(wq, condition, lock, cmd)		\
	wait_event_cmd(wq, condition, spin_unlock(&(lock)); cmd,	\
		       spin_lock(&(lock)))

#endif /* MMUN_KCOMPAT_LINUX_WAIT_H */
