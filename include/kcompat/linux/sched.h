/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SCHED_H
#define MMUN_KCOMPAT_LINUX_SCHED_H
/*
 * Threads, and how they sleep.
 *
 * A thread that is going to sleep says so by set_current_state(), looks once
 * more whether it must, and calls schedule(), which returns at once if somebody
 * has woken it meanwhile.
 *
 * A task is made at a thread's first look at current, and used again when it is
 * over: whoever wakes one that has ended wakes another for nothing.
 */
#if __has_include_next(<linux/sched.h>)
#include_next <linux/sched.h>
#endif
#include <pthread.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <mmun/event.h>

#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_WAKEKILL 0x100
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_IDLE 0x402
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_COMM_LEN 16
#define MAX_SCHEDULE_TIMEOUT LONG_MAX
#define PF_EXITING 0x4
#define PF_KTHREAD 0x200000

struct task_struct {
	struct mm_struct *mm;
	struct mm_struct *active_mm;
	struct task_struct *group_leader;
	pid_t pid;
	pid_t tgid;
	unsigned int flags;
	char comm[TASK_COMM_LEN];
	unsigned int __state;
	spinlock_t alloc_lock;

	atomic_t mmun_usage;
	struct task_struct *mmun_next;		/* of those to be used again */
	struct mmun_k_event mmun_woken;
	uint32_t mmun_seen;
	struct mm_struct *mmun_borrowed;	/* kthread_use_mm() */

	/* Of kthreads (linux/kthread.h). */
	int (*mmun_run)(void *data);
	void *mmun_data;
	pthread_t mmun_thread;
	int mmun_result;
	bool mmun_stop;
};

MMUN_K_SHARED pthread_mutex_t mmun_k_tasks_lock = PTHREAD_MUTEX_INITIALIZER;
MMUN_K_SHARED struct task_struct *mmun_k_free_tasks;
MMUN_K_SHARED pthread_key_t mmun_k_task_key;
MMUN_K_SHARED pthread_once_t mmun_k_task_once = PTHREAD_ONCE_INIT;

static inline struct task_struct *get_task_struct(struct task_struct *task)
{
	atomic_inc(&task->mmun_usage);
	return task;
}

static inline void put_task_struct(struct task_struct *task)
{
	if (!atomic_dec_and_test(&task->mmun_usage))
		return;
	pthread_mutex_lock(&mmun_k_tasks_lock);
	task->mmun_next = mmun_k_free_tasks;
	mmun_k_free_tasks = task;
	pthread_mutex_unlock(&mmun_k_tasks_lock);
}

/* What others still hold of it has no mm. */
static inline void mmun_k_task_exit(void *arg)
{
	struct task_struct *task = (struct task_struct *)arg;

	spin_lock(&task->alloc_lock);
	task->mm = NULL;
	spin_unlock(&task->alloc_lock);
	mmun_k_thread.task = NULL;
	put_task_struct(task);
}

static inline void mmun_k_task_make_key(void)
{
	pthread_key_create(&mmun_k_task_key, mmun_k_task_exit);
}

/* With one reference. */
static inline struct task_struct *mmun_k_task_alloc(void)
{
	struct task_struct *task;

	pthread_mutex_lock(&mmun_k_tasks_lock);
	task = mmun_k_free_tasks;
	if (task)
		mmun_k_free_tasks = task->mmun_next;
	pthread_mutex_unlock(&mmun_k_tasks_lock);
	if (!task) {
		task = (struct task_struct *)mmun_k_calloc(1, sizeof(*task));
		if (!task)
			mmun_k_bug(__FILE__, __LINE__, __func__, "no memory");
		spin_lock_init(&task->alloc_lock);
	}
	task->mm = NULL;
	task->active_mm = NULL;
	task->group_leader = task;
	task->flags = 0;
	task->mmun_borrowed = NULL;
	task->mmun_stop = false;
	WRITE_ONCE(task->__state, TASK_RUNNING);
	atomic_set(&task->mmun_usage, 1);
	return task;
}

static inline void mmun_k_task_name(struct task_struct *task, const char *name)
{
	unsigned int i;

	for (i = 0; name[i] && i < TASK_COMM_LEN - 1; i++)
		task->comm[i] = name[i];
	task->comm[i] = '\0';
}

/* The thread's reference goes with it. */
static inline void mmun_k_task_adopt(struct task_struct *task)
{
	pthread_once(&mmun_k_task_once, mmun_k_task_make_key);
	pthread_setspecific(mmun_k_task_key, task);
	task->pid = mmun_k_syscall(SYS_gettid);
	task->tgid = mmun_k_getpid();
	mmun_k_thread.task = task;
}

static inline struct task_struct *mmun_k_current(void)
{
	struct task_struct *task = mmun_k_thread.task;

	if (likely(task))
		return task;
	task = mmun_k_task_alloc();
	task->mm = mm_self();
	task->active_mm = task->mm;
	mmun_k_task_name(task, "user");
	mmun_k_task_adopt(task);
	return task;
}

/* A thread of the kernel, which has no memory of users. */
static inline void mmun_k_become_kthread(const char *name)
{
	struct task_struct *task = mmun_k_current();

	task->mm = NULL;
	task->active_mm = NULL;
	task->flags |= PF_KTHREAD;
	mmun_k_task_name(task, name);
}

#define current mmun_k_current()

static inline struct mm_struct *mmun_k_current_mm(void)
{
	return current->mm;
}

static inline void task_lock(struct task_struct *task)
{
	spin_lock(&task->alloc_lock);
}

static inline void task_unlock(struct task_struct *task)
{
	spin_unlock(&task->alloc_lock);
}

static inline pid_t task_pid_nr(struct task_struct *task)
{
	return task->pid;
}

static inline pid_t task_tgid_nr(struct task_struct *task)
{
	return task->tgid;
}

#define task_pid_vnr(task) task_pid_nr(task)
#define task_tgid_vnr(task) task_tgid_nr(task)
#define get_task_comm(to, task) \
	((char *)__builtin_memcpy(to, (task)->comm, TASK_COMM_LEN))

/* -- sleep and wake -- */

static inline void set_current_state(unsigned int state)
{
	struct task_struct *task = current;

	WRITE_ONCE(task->__state, state);
	task->mmun_seen = mmun_k_event_read(&task->mmun_woken);
}

#define __set_current_state(state) set_current_state(state)

static inline int wake_up_process(struct task_struct *task)
{
	int slept = READ_ONCE(task->__state) != TASK_RUNNING;

	mmun_k_event_tell(&task->mmun_woken);
	return slept;
}

#define wake_up_state(task, state) wake_up_process(task)

static inline void mmun_k_sleep_until(int64_t until)
{
	struct task_struct *task = current;

	might_sleep();
	if (READ_ONCE(task->__state) == TASK_RUNNING) {
		cpu_relax();
		return;
	}
	while (mmun_k_event_read(&task->mmun_woken) == task->mmun_seen &&
	       (until == MMUN_K_FOREVER || mmun_k_now() < until))
		mmun_k_event_wait(&task->mmun_woken, task->mmun_seen, until);
	WRITE_ONCE(task->__state, TASK_RUNNING);
}

static inline void schedule(void)
{
	mmun_k_sleep_until(MMUN_K_FOREVER);
}

/* Return: what is left, in jiffies. */
static inline long schedule_timeout(long timeout)
{
	unsigned long end = jiffies + timeout;

	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout;
	}
	mmun_k_sleep_until(mmun_k_jiffies_to_ns(end));
	timeout = end - jiffies;
	return timeout > 0 ? timeout : 0;
}

static inline long schedule_timeout_uninterruptible(long timeout)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

#define schedule_timeout_interruptible(timeout) \
	schedule_timeout_uninterruptible(timeout)
#define schedule_timeout_killable(timeout) \
	schedule_timeout_uninterruptible(timeout)
#define io_schedule() schedule()
#define yield() cpu_relax()
#define cond_resched() ({ might_sleep(); cpu_relax(); 0; })
#define need_resched() 0
#define cond_resched_lock(lock) ((void)(lock), 0)

#include <linux/pid.h>
#include <linux/sched/signal.h>

#endif /* MMUN_KCOMPAT_LINUX_SCHED_H */
