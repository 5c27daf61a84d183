// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting until nothing happens any more, without sleeping for longer than that
 * takes.  Who is still at a limit then is left alone: the trace will show it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "mnoracle.h"

#define LIMIT_MS 250
/* A task that sleeps for so long, and is not woken, sleeps for good. */
#define STILL_MS 3

static atomic_t nr_at_gates = ATOMIC_INIT(0);
static DECLARE_COMPLETION(hang_gate);

void gate_enter(void)
{
	atomic_inc(&nr_at_gates);
}

void gate_leave(void)
{
	atomic_dec(&nr_at_gates);
}

void hang_reset(void)
{
	reinit_completion(&hang_gate);
}

/* "hang": a task that cannot be killed, until "unhang" */
static long do_hang(struct args *args)
{
	tr("= hang (uninterruptible)");
	gate_enter();
	wait_for_completion(&hang_gate);
	gate_leave();
	tr("= hang released");
	return 0;
}

static long do_unhang(struct args *args)
{
	complete_all(&hang_gate);
	return 0;
}

/* Without this only a timer or an interrupt lets a task go on by itself. */
static bool scenario_blocks(void)
{
	return atomic_read(&nr_at_gates) || ranges_open();
}

static void nap(void)
{
	usleep_range(50, 100);
}

static unsigned long deadline(struct args *args, int i)
{
	unsigned long ms = LIMIT_MS;

	args_number(args, i, &ms);
	return jiffies + msecs_to_jiffies(ms);
}

static bool asleep(struct task_struct *task)
{
	return task_state_of(task) & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE) &&
	       !READ_ONCE(task->on_rq) && !READ_ONCE(task->on_cpu);
}

/* In the kernel, where a helper waits that has nothing to do, a read is waited
 * for interruptibly; what a notifier waits for, never is.
 */
static bool idle(struct task_struct *task)
{
	return asleep(task) && task_state_of(task) & TASK_INTERRUPTIBLE;
}

static unsigned long switches(struct task_struct *task)
{
	return READ_ONCE(task->nvcsw) + READ_ONCE(task->nivcsw);
}

/* Asleep, and not woken for a while. */
static bool still(struct task_struct *task)
{
	unsigned long before = switches(task);
	unsigned long until = jiffies + msecs_to_jiffies(STILL_MS);

	do {
		if (!asleep(task) || switches(task) != before)
			return false;
		nap();
	} while (time_before(jiffies, until));
	return true;
}

static bool at_rest(struct task_struct *task)
{
	return task->exit_state || idle(task) ||
	       (scenario_blocks() && still(task));
}

/* quiet TID [MS]: wait until the thread has done its command, or is blocked */
static long do_quiet(struct args *args)
{
	unsigned long until = deadline(args, 2), tid;
	struct task_struct *task;
	struct pid *pid;

	if (args_number(args, 1, &tid))
		return -EINVAL;
	pid = find_get_pid(tid);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return -ESRCH;
	while (!at_rest(task) && time_before(jiffies, until))
		nap();
	put_task_struct(task);
	return 0;
}

/*
 * idle [MS]: wait until each free_notifier has been called that is to come.  To
 * synchronize only hastens it: it does not wait for callbacks, and with a reader
 * at a gate it would not return.
 */
static long do_idle(struct args *args)
{
	unsigned long until = deadline(args, 1);

	if (frees_pending() && !atomic_read(&nr_at_gates))
		mmu_notifier_synchronize();
	while (frees_pending() && time_before(jiffies, until))
		nap();
	return 0;
}

const struct command quiet_commands[] = {
	{ "hang", 0, do_hang },
	{ "unhang", 0, do_unhang },
	{ "quiet", 1, do_quiet },
	{ "idle", 0, do_idle },
	{ }
};
