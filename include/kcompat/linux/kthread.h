/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_KTHREAD_H
#define MMUN_KCOMPAT_LINUX_KTHREAD_H
/* Threads of the kernel. */
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

static inline void *mmun_k_kthread(void *arg)
{
	struct task_struct *task = (struct task_struct *)arg;

	mmun_k_task_adopt(task);
	/* Until wake_up_process(), or kthread_stop(). */
	while (mmun_k_event_read(&task->mmun_woken) == task->mmun_seen)
		mmun_k_event_wait(&task->mmun_woken, task->mmun_seen,
				  MMUN_K_FOREVER);
	if (READ_ONCE(task->mmun_stop))
		task->mmun_result = -EINTR;
	else
		task->mmun_result = task->mmun_run(task->mmun_data);
	return NULL;
}

/* A second reference is that of kthread_stop(). */
static inline struct task_struct *
mmun_k_kthread_create(int (*run)(void *data), void *data, const char *fmt, ...)
{
	struct task_struct *task = mmun_k_task_alloc();
	char name[TASK_COMM_LEN];
	va_list args;

	va_start(args, fmt);
	mmun_k_vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	mmun_k_task_name(task, name);
	task->flags = PF_KTHREAD;
	task->mmun_run = run;
	task->mmun_data = data;
	task->mmun_seen = mmun_k_event_read(&task->mmun_woken);
	get_task_struct(task);
	if (!pthread_create(&task->mmun_thread, NULL, mmun_k_kthread, task))
		return task;
	put_task_struct(task);
	put_task_struct(task);
	return (struct task_struct *)ERR_PTR(-ENOMEM);
}

#define kthread_create(run, data, ...) \
	mmun_k_kthread_create(run, data, __VA_ARGS__)
#define kthread_create_on_node(run, data, node, ...) \
	mmun_k_kthread_create(run, data, __VA_ARGS__)
#define kthread_run(run, data, ...)					\
	({								\
		struct task_struct *mmun_k_task =			\
			mmun_k_kthread_create(run, data, __VA_ARGS__);	\
									\
		if (!IS_ERR(mmun_k_task))				\
			wake_up_process(mmun_k_task);			\
		mmun_k_task;						\
	})

static inline bool kthread_should_stop(void)
{
	return READ_ONCE(current->mmun_stop);
}

static inline int kthread_stop(struct task_struct *task)
{
	int result;

	__atomic_store_n(&task->mmun_stop, true, __ATOMIC_SEQ_CST);
	wake_up_process(task);
	pthread_join(task->mmun_thread, NULL);
	result = task->mmun_result;
	put_task_struct(task);
	return result;
}

static inline void kthread_use_mm(struct mm_struct *mm)
{
	struct task_struct *task = current;

	WARN_ON(!(task->flags & PF_KTHREAD) || task->mm);
	mmgrab(mm);
	task_lock(task);
	task->mm = mm;
	task->active_mm = mm;
	task_unlock(task);
}

static inline void kthread_unuse_mm(struct mm_struct *mm)
{
	struct task_struct *task = current;

	task_lock(task);
	task->mm = NULL;
	task->active_mm = NULL;
	task_unlock(task);
	mmdrop(mm);
}

#define kthread_should_park() false
#define use_mm(mm) kthread_use_mm(mm)
#define unuse_mm(mm) kthread_unuse_mm(mm)

#endif /* MMUN_KCOMPAT_LINUX_KTHREAD_H */
