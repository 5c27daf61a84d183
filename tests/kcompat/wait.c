// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Wait queues, completions, threads of the kernel. */
#include <mmun_kcompat.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/rcuwait.h>
#include <linux/wait.h>

#include "waits.h"

static DECLARE_WAIT_QUEUE_HEAD(wq);
static int condition, through;

static void wait_plain(void *arg)
{
	wait_event(wq, READ_ONCE(condition));
	__atomic_fetch_add(&through, 1, __ATOMIC_SEQ_CST);
}

static void wait_exclusive(void *arg)
{
	wait_event_interruptible_exclusive(wq, READ_ONCE(condition));
	__atomic_fetch_add(&through, 1, __ATOMIC_SEQ_CST);
}

static void test_wait_event(void)
{
	struct job job[3];

	condition = 0;
	start_job(&job[0], wait_plain, NULL);
	ok(job_waits(&job[0]), "who waits for a condition waits");
	wake_up(&wq);
	ok(job_waits(&job[0]), "also when it is woken for nothing");
	ok(waitqueue_active(&wq), "it is on the queue");
	WRITE_ONCE(condition, 1);
	wake_up(&wq);
	finish_job(&job[0]);
	ok(!waitqueue_active(&wq), "and off it when it goes on");

	through = 0;
	WRITE_ONCE(condition, 0);
	start_job(&job[0], wait_exclusive, NULL);
	start_job(&job[1], wait_exclusive, NULL);
	start_job(&job[2], wait_plain, NULL);
	ok(job_waits(&job[0]) && job_waits(&job[1]) && job_waits(&job[2]),
	   "three wait");
	WRITE_ONCE(condition, 1);
	wake_up(&wq);
	while (__atomic_load_n(&through, __ATOMIC_SEQ_CST) < 2)
		sched_yield();
	ok(job_waits(&job[0]) || job_waits(&job[1]),
	   "of those that are exclusive, one is woken");
	wake_up_all(&wq);
	for (int i = 0; i < 3; i++)
		finish_job(&job[i]);
}

static void test_timeout(void)
{
	unsigned long start = jiffies;

	ok(!wait_event_timeout(wq, false, 20) && jiffies - start >= 20,
	   "a wait ends when it is time, with nothing");
	ok(wait_event_timeout(wq, true, 20) == 20,
	   "or at once, with all of it");
	ok(wait_event_timeout(wq, true, 0) == 1, "and never with nothing then");
	ok(!wait_event_interruptible(wq, true), "nobody interrupts");
}

/* Many who hand a token around: a wakeup that is lost stops them. */
#define RUNNERS 4
#define LAPS 1000

static int token;

static void *runner(void *arg)
{
	int me = (long)arg;

	for (int i = 0; i < LAPS; i++) {
		wait_event(wq, READ_ONCE(token) % RUNNERS == me);
		WRITE_ONCE(token, me + i * RUNNERS + 1);
		wake_up_all(&wq);
	}
	return NULL;
}

static void test_relay(void)
{
	pthread_t thread[RUNNERS];

	for (long i = 0; i < RUNNERS; i++)
		spawn(&thread[i], runner, (void *)i);
	for (int i = 0; i < RUNNERS; i++)
		pthread_join(thread[i], NULL);
	ok(token == RUNNERS * LAPS, "no wakeup is lost");
}

static void wait_by_hand(void *arg)
{
	DEFINE_WAIT(wait);

	for (;;) {
		prepare_to_wait(&wq, &wait, TASK_INTERRUPTIBLE);
		if (READ_ONCE(condition))
			break;
		schedule();
	}
	finish_wait(&wq, &wait);
}

static int woken_with;

static int wake_function(struct wait_queue_entry *entry, unsigned int mode,
			 int flags, void *key)
{
	woken_with = (long)key;
	return 0;
}

static void test_by_hand(void)
{
	struct wait_queue_entry entry;
	struct job job;

	WRITE_ONCE(condition, 0);
	start_job(&job, wait_by_hand, NULL);
	ok(job_waits(&job), "a wait by hand waits");
	WRITE_ONCE(condition, 1);
	wake_up_interruptible(&wq);
	finish_job(&job);
	init_waitqueue_func_entry(&entry, wake_function);
	add_wait_queue(&wq, &entry);
	wake_up_poll(&wq, 5);
	remove_wait_queue(&wq, &entry);
	ok(woken_with == 5, "an entry's function is called, with the key");
	ok(!schedule_timeout_uninterruptible(2), "a sleep ends by itself");
}

/* -- completions -- */

static DECLARE_COMPLETION(done);

static void wait_done(void *arg)
{
	wait_for_completion(&done);
	__atomic_fetch_add(&through, 1, __ATOMIC_SEQ_CST);
}

static void complete_it(void *arg)
{
	complete(arg);
}

static void test_completion(void)
{
	struct job job[2];
	unsigned long start = jiffies;

	ok(!wait_for_completion_timeout(&done, 20) && jiffies - start >= 20,
	   "what is not done is waited for");
	complete(&done);
	ok(completion_done(&done) &&
		   wait_for_completion_timeout(&done, 20) == 20,
	   "what was done is not");
	ok(!try_wait_for_completion(&done), "once");
	through = 0;
	start_job(&job[0], wait_done, NULL);
	start_job(&job[1], wait_done, NULL);
	ok(job_waits(&job[0]) && job_waits(&job[1]), "two wait");
	complete(&done);
	while (!__atomic_load_n(&through, __ATOMIC_SEQ_CST))
		sched_yield();
	ok(job_waits(&job[0]) || job_waits(&job[1]), "one goes on");
	complete_all(&done);
	for (int i = 0; i < 2; i++)
		finish_job(&job[i]);
	wait_for_completion(&done);
	ok(completion_done(&done), "done for all, it stays so");
	reinit_completion(&done);
	ok(!completion_done(&done), "until it begins again");
	for (int i = 0; i < 200; i++) {
		DECLARE_COMPLETION_ONSTACK(short_lived);

		start_job(&job[0], complete_it, &short_lived);
		wait_for_completion(&short_lived);
		finish_job(&job[0]);
	}
	ok(true, "one may be on the stack");
}

/* -- threads -- */

static int turns;

static int serve(void *data)
{
	complete(data);
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		turns++;
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 7;
}

static int borrow(void *data)
{
	complete(&done);
	kthread_use_mm(data);
	if (current->mm != data)
		bail("no mm");
	kthread_unuse_mm(data);
	while (!kthread_should_stop())
		cond_resched();
	return !current->mm;
}

static void test_kthread(void)
{
	struct mm_struct *mm = mm_alloc();
	struct task_struct *task;

	reinit_completion(&done);
	task = kthread_run(serve, &done, "server/%d", 1);
	wait_for_completion(&done);
	wake_up_process(task);
	ok(!strcmp(task->comm, "server/1") && kthread_stop(task) == 7,
	   "a thread runs until it is stopped, and tells how it ended");
	task = kthread_create(serve, &done, "never");
	ok(kthread_stop(task) == -EINTR, "one that was not woken does not run");
	task = kthread_run(borrow, mm, "borrower");
	wait_for_completion(&done);
	ok(kthread_stop(task) == 1, "it may borrow an mm");
	ok(mmun_mm_count(mm) == 1, "and gives it back");
	mmput(mm);
}

static struct rcuwait sleeper;

static void sleep_alone(void *arg)
{
	rcuwait_wait_event(&sleeper, READ_ONCE(condition),
			   TASK_UNINTERRUPTIBLE);
}

static void test_rcuwait(void)
{
	struct job job;

	rcuwait_init(&sleeper);
	WRITE_ONCE(condition, 0);
	start_job(&job, sleep_alone, NULL);
	ok(job_waits(&job), "a single one waits");
	WRITE_ONCE(condition, 1);
	rcuwait_wake_up(&sleeper);
	finish_job(&job);
	ok(!rcuwait_active(&sleeper) && !rcuwait_wake_up(&sleeper),
	   "and is woken");
}

static void test_mm(void)
{
	struct mm_struct *mm;

	ok(current->mm == mm_self() && current->pid == my_tid() &&
		   current->tgid == getpid(), "a thread is this process's");
	mm = get_task_mm(current);
	ok(mm == mm_self(), "its mm can be got");
	mmput(mm);
	mm = mm_alloc();
	mmun_kcompat_use_mm(mm);
	ok(current->mm == mm, "or another's");
	mmgrab(mm);
	mmput(mm);
	ok(!get_task_mm(current), "but not one that is over");
	mmun_kcompat_use_mm(NULL);
	ok(!get_task_mm(current), "nor nobody's");
	mmdrop(mm);
}

int main(void)
{
	tap_begin(100);
	test_mm();
	test_wait_event();
	test_timeout();
	test_relay();
	test_by_hand();
	test_completion();
	test_kthread();
	test_rcuwait();
	ok(!mmun_kcompat_warnings(), "no warning that was not expected");
	return tap_end();
}
