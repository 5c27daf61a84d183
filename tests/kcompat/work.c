// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Work queues: what is waited for, and what is not done twice. */
#include <mmun_kcompat.h>
#include <linux/completion.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "waits.h"

static struct workqueue_struct *wq;
static DECLARE_COMPLETION(entered);
static DECLARE_COMPLETION(gate);
static int runs, inside, overlaps;

/* Stands in the gate. */
static void stand(struct work_struct *work)
{
	if (__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST))
		__atomic_fetch_add(&overlaps, 1, __ATOMIC_SEQ_CST);
	complete(&entered);
	wait_for_completion(&gate);
	__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
	runs++;
}

static DECLARE_WORK(standing, stand);

static void flush(void *work)
{
	flush_work(work);
}

static void cancel(void *work)
{
	cancel_work_sync(work);
}

static void flush_queue(void *arg)
{
	flush_workqueue(arg);
}

static void test_flush(void)
{
	struct job job, all;

	ok(!flush_work(&standing), "an idle item is not waited for");
	ok(queue_work(wq, &standing), "it is queued");
	wait_for_completion(&entered);
	ok(work_busy(&standing) == WORK_BUSY_RUNNING, "it runs");
	start_job(&job, flush, &standing);
	start_job(&all, flush_queue, wq);
	ok(job_waits(&job) && job_waits(&all), "who flushes waits");
	ok(queue_work(wq, &standing), "it can be queued while it runs");
	ok(!queue_work(wq, &standing), "but once");
	complete(&gate);
	finish_job(&job);
	finish_job(&all);
	ok(true, "what is queued later is not waited for");
	wait_for_completion(&entered);
	complete(&gate);
	flush_work(&standing);
	ok(runs == 2 && !overlaps, "it ran twice, and not beside itself");
}

static void test_cancel(void)
{
	struct job job;

	runs = 0;
	queue_work(wq, &standing);
	wait_for_completion(&entered);
	queue_work(wq, &standing);
	start_job(&job, cancel, &standing);
	ok(job_waits(&job), "who cancels waits for what runs");
	ok(!queue_work(wq, &standing), "meanwhile it is not queued");
	complete(&gate);
	finish_job(&job);
	ok(runs == 1 && !work_pending(&standing), "and does not run again");
	ok(!cancel_work_sync(&standing), "there is nothing left to cancel");
	disable_work_sync(&standing);
	ok(!queue_work(wq, &standing), "what is disabled is not queued");
	enable_work(&standing);
}

static void again(struct work_struct *work)
{
	__atomic_fetch_add(&runs, 1, __ATOMIC_RELAXED);
	queue_work(wq, work);
}

static void test_restless(void)
{
	struct work_struct restless;

	INIT_WORK_ONSTACK(&restless, again);
	queue_work(wq, &restless);
	flush_work(&restless);
	ok(true, "an item that queues itself can be flushed");
	cancel_work_sync(&restless);
	ok(!work_busy(&restless), "and canceled");
}

/* -- one waits for the other -- */

static void wait_gate(struct work_struct *work)
{
	wait_for_completion(&gate);
}

static void open_gate(struct work_struct *work)
{
	complete(&gate);
}

static void test_concurrency(void)
{
	struct work_struct first, second;

	INIT_WORK(&first, wait_gate);
	INIT_WORK(&second, open_gate);
	queue_work(wq, &first);
	queue_work(wq, &second);
	flush_work(&first);
	flush_work(&second);
	ok(true, "items of a queue run side by side");
}

#define ITEMS 50

static int sequence[ITEMS], next;

struct numbered {
	struct work_struct work;
	int number;
};

static void note(struct work_struct *work)
{
	struct numbered *n = container_of(work, struct numbered, work);

	sequence[next++] = n->number;
	kfree(n);
}

static void test_ordered(void)
{
	struct workqueue_struct *ordered = alloc_ordered_workqueue("one-%d", 0,
								    1);
	bool in_order = true;

	for (int i = 0; i < ITEMS; i++) {
		struct numbered *n = kmalloc(sizeof(*n), GFP_KERNEL);

		n->number = i;
		INIT_WORK(&n->work, note);
		queue_work(ordered, &n->work);
	}
	destroy_workqueue(ordered);
	for (int i = 0; i < ITEMS; i++)
		in_order &= sequence[i] == i;
	ok(next == ITEMS && in_order,
	   "an ordered queue does one after the other, all before it is gone");
}

/* -- later -- */

static int fired;

static void fire(struct work_struct *work)
{
	if (to_delayed_work(work)->work.func != fire)
		bail("another work");
	WRITE_ONCE(fired, fired + 1);
	complete(&entered);
}

static void test_delayed(void)
{
	static DECLARE_DELAYED_WORK(later, fire);
	unsigned long start = jiffies;

	ok(queue_delayed_work(wq, &later, 20), "for later");
	ok(!queue_delayed_work(wq, &later, 0), "it is pending");
	wait_for_completion(&entered);
	ok(jiffies - start >= 20, "and comes when it is time");
	cancel_delayed_work_sync(&later);
	schedule_delayed_work(&later, 1000 * HZ);
	ok(cancel_delayed_work_sync(&later) && fired == 1, "unless canceled");
	schedule_delayed_work(&later, 1000 * HZ);
	ok(mod_delayed_work(system_wq, &later, 0), "or made earlier");
	wait_for_completion(&entered);
	schedule_delayed_work(&later, 1000 * HZ);
	flush_delayed_work(&later);
	ok(fired == 3, "or flushed");
	wait_for_completion(&entered);
}

static void on_rcu(struct work_struct *work)
{
	complete(&entered);
}

static void test_rcu_work(void)
{
	static struct rcu_work work;

	INIT_RCU_WORK(&work, on_rcu);
	rcu_read_lock();
	queue_rcu_work(wq, &work);
	ok(!try_wait_for_completion(&entered), "after a grace period");
	rcu_read_unlock();
	wait_for_completion(&entered);
	flush_rcu_work(&work);
	ok(true, "it runs");
}

static int ticks;

static void tick(struct timer_list *timer)
{
	ticks++;
	complete(&entered);
}

static void test_timer(void)
{
	static DEFINE_TIMER(timer, tick);
	unsigned long start = jiffies;

	ok(!mod_timer(&timer, start + 20) && timer_pending(&timer), "a timer");
	wait_for_completion(&entered);
	ok(jiffies - start >= 20 && !timer_pending(&timer), "goes off");
	mod_timer(&timer, jiffies + 1000 * HZ);
	ok(del_timer_sync(&timer) && ticks == 1, "unless deleted");
}

static void no_mm(struct work_struct *work)
{
	ok(!current->mm && current->flags & PF_KTHREAD,
	   "a worker has no memory of users");
	ok(!get_task_mm(current), "nor is any found");
}

static void atomic_end(struct work_struct *work)
{
	preempt_disable();
}

int main(void)
{
	static DECLARE_WORK(look, no_mm);
	static DECLARE_WORK(leave, atomic_end);

	tap_begin(100);
	wq = alloc_workqueue("test", WQ_UNBOUND, 0);
	test_flush();
	test_cancel();
	test_restless();
	test_concurrency();
	test_ordered();
	test_delayed();
	test_rcu_work();
	test_timer();
	schedule_work(&look);
	flush_work(&look);
	ok(!mmun_kcompat_warnings(), "no warning that was not expected");
	queue_work(wq, &leave);
	destroy_workqueue(wq);
	ok(mmun_kcompat_warnings() == 1,
	   "who returns in atomic context is told");
	return tap_end();
}
