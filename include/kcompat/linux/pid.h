/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_PID_H
#define MMUN_KCOMPAT_LINUX_PID_H
/* A struct pid is the task that it is of; each is the leader of its group. */
#include <linux/sched.h>

struct pid;

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_PGID,
	PIDTYPE_SID,
};

static inline struct pid *get_task_pid(struct task_struct *task,
				       enum pid_type type)
{
	(void)type;
	return (struct pid *)get_task_struct(task);
}

static inline struct pid *get_pid(struct pid *pid)
{
	if (pid)
		get_task_struct((struct task_struct *)pid);
	return pid;
}

static inline void put_pid(struct pid *pid)
{
	if (pid)
		put_task_struct((struct task_struct *)pid);
}

/* Also when it has ended; then it has no mm. */
static inline struct task_struct *get_pid_task(struct pid *pid,
					       enum pid_type type)
{
	(void)type;
	return (struct task_struct *)get_pid(pid);
}

#define pid_task(pid, type) ((struct task_struct *)(pid))
#define task_pid(task) ((struct pid *)(task))
#define task_tgid(task) ((struct pid *)(task))
#define pid_nr(pid) task_pid_nr((struct task_struct *)(pid))
#define pid_vnr(pid) pid_nr(pid)

#endif /* MMUN_KCOMPAT_LINUX_PID_H */
