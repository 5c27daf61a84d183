/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_WORKQUEUE_H
#define MMUN_KCOMPAT_LINUX_WORKQUEUE_H
/*
 * Work queues, with threads of their own.
 *
 * All of them are under one lock.  Each item gets a number when it is queued,
 * so that who flushes knows what was queued before: waits compare numbers and
 * addresses, and do not look into an item, which may free itself while it runs.
 * No item runs in two threads at once.
 */
#include <pthread.h>
#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/types.h>

struct work_struct;
struct workqueue_struct;
typedef void (*work_func_t)(struct work_struct *work);

enum mmun_k_work_state {
	MMUN_K_WORK_IDLE,
	MMUN_K_WORK_QUEUED,
	MMUN_K_WORK_DELAYED,
};

struct work_struct {
	struct list_head entry;		/* of a queue, or of the delayed ones */
	work_func_t func;
	struct workqueue_struct *mmun_wq;
	u64 mmun_number;
	enum mmun_k_work_state mmun_state;
	int mmun_disabled;
};

struct delayed_work {
	struct work_struct work;
	unsigned long mmun_at;
};

struct rcu_work {
	struct work_struct work;
	struct rcu_head rcu;
	struct workqueue_struct *wq;
};

struct workqueue_struct {
	struct list_head mmun_entry;	/* of all */
	struct list_head mmun_queue;
	int mmun_queued;
	int mmun_threads;
	int mmun_idle;			/* of these will look at the queue */
	int mmun_max_threads;
	bool mmun_listed;
	bool mmun_stop;
	char mmun_name[TASK_COMM_LEN];
};

struct mmun_k_worker {
	struct list_head entry;
	struct workqueue_struct *wq;
	struct work_struct *work;	/* what it is doing */
	work_func_t func;
	u64 number;
};

struct mmun_k_cancel {
	struct list_head entry;
	struct work_struct *work;
};

MMUN_K_SHARED pthread_mutex_t mmun_k_work_lock = PTHREAD_MUTEX_INITIALIZER;
MMUN_K_SHARED struct mmun_k_event mmun_k_work_changed;
MMUN_K_SHARED u64 mmun_k_work_number;
MMUN_K_SHARED struct list_head mmun_k_wqs = LIST_HEAD_INIT(mmun_k_wqs);
MMUN_K_SHARED struct list_head mmun_k_workers = LIST_HEAD_INIT(mmun_k_workers);
MMUN_K_SHARED struct list_head mmun_k_delayed = LIST_HEAD_INIT(mmun_k_delayed);
MMUN_K_SHARED struct list_head mmun_k_cancels = LIST_HEAD_INIT(mmun_k_cancels);
MMUN_K_SHARED bool mmun_k_delayed_started;
MMUN_K_SHARED __thread struct mmun_k_worker *mmun_k_worker;

#define MMUN_K_MAX_THREADS 256

MMUN_K_SHARED struct workqueue_struct mmun_k_system_wq = {
	.mmun_queue = LIST_HEAD_INIT(mmun_k_system_wq.mmun_queue),
	.mmun_max_threads = MMUN_K_MAX_THREADS,
	.mmun_name = "events",
};

#define system_wq (&mmun_k_system_wq)
#define system_highpri_wq system_wq
#define system_long_wq system_wq
#define system_unbound_wq system_wq
#define system_freezable_wq system_wq
#define system_percpu_wq system_wq
#define system_dfl_wq system_wq

#define WQ_UNBOUND 2u
#define WQ_FREEZABLE 4u
#define WQ_MEM_RECLAIM 8u
#define WQ_HIGHPRI 16u
#define WQ_CPU_INTENSIVE 32u
#define WQ_SYSFS 64u
#define WQ_POWER_EFFICIENT 128u
#define WQ_PERCPU 256u
#define WORK_CPU_UNBOUND 0
#define WORK_BUSY_PENDING 1
#define WORK_BUSY_RUNNING 2

#define __WORK_INITIALIZER(n, f) \
	{ .entry = LIST_HEAD_INIT((n).entry), .func = (f) }
#define DECLARE_WORK(n, f) struct work_struct n = __WORK_INITIALIZER(n, f)
#define DECLARE_DELAYED_WORK(n, f) \
	struct delayed_work n = { .work = __WORK_INITIALIZER((n).work, f) }
#define INIT_WORK(w, f)							\
	do {								\
		struct work_struct *mmun_k_w = (w);			\
									\
		*mmun_k_w = (struct work_struct){ .func = (f) };	\
		INIT_LIST_HEAD(&mmun_k_w->entry);			\
	} while (0)
#define INIT_DELAYED_WORK(d, f) INIT_WORK(&(d)->work, f)
#define INIT_RCU_WORK(r, f) INIT_WORK(&(r)->work, f)
#define INIT_WORK_ONSTACK(w, f) INIT_WORK(w, f)
#define INIT_DELAYED_WORK_ONSTACK(d, f) INIT_DELAYED_WORK(d, f)
#define INIT_DEFERRABLE_WORK(d, f) INIT_DELAYED_WORK(d, f)
#define destroy_work_on_stack(w) ((void)(w))
#define destroy_delayed_work_on_stack(d) ((void)(d))

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

static inline struct rcu_work *to_rcu_work(struct work_struct *work)
{
	return container_of(work, struct rcu_work, work);
}

/* -- under the lock -- */

static inline bool mmun_k_work_runs(struct work_struct *work, work_func_t func)
{
	struct mmun_k_worker *worker;

	list_for_each_entry(worker, &mmun_k_workers, entry)
		if (worker->work == work && (!func || worker->func == func))
			return true;
	return false;
}

static inline bool mmun_k_work_canceled(struct work_struct *work)
{
	struct mmun_k_cancel *cancel;

	list_for_each_entry(cancel, &mmun_k_cancels, entry)
		if (cancel->work == work)
			return true;
	return work->mmun_disabled;
}

static inline void mmun_k_work_tell(void)
{
	mmun_k_event_tell(&mmun_k_work_changed);
}

/* Releases the lock while it waits for anything to change, or for @until. */
static inline void mmun_k_work_wait(int64_t until)
{
	uint32_t seen = mmun_k_event_read(&mmun_k_work_changed);

	pthread_mutex_unlock(&mmun_k_work_lock);
	mmun_k_event_wait(&mmun_k_work_changed, seen, until);
	pthread_mutex_lock(&mmun_k_work_lock);
}

static inline struct work_struct *
mmun_k_work_pick(struct workqueue_struct *wq)
{
	struct work_struct *work;

	list_for_each_entry(work, &wq->mmun_queue, entry)
		if (!mmun_k_work_runs(work, work->func))
			return work;
	return NULL;
}

static inline void *mmun_k_work_thread(void *arg)
{
	struct workqueue_struct *wq = (struct workqueue_struct *)arg;
	struct mmun_k_worker me = { .wq = wq };
	struct work_struct *work;

	mmun_k_become_kthread(wq->mmun_name);
	mmun_k_worker = &me;
	pthread_mutex_lock(&mmun_k_work_lock);
	wq->mmun_idle--;
	list_add(&me.entry, &mmun_k_workers);
	for (;;) {
		work = mmun_k_work_pick(wq);
		if (!work) {
			if (wq->mmun_stop)
				break;
			wq->mmun_idle++;
			mmun_k_work_wait(MMUN_K_FOREVER);
			wq->mmun_idle--;
			continue;
		}
		list_del_init(&work->entry);
		wq->mmun_queued--;
		me.work = work;
		me.func = work->func;
		me.number = work->mmun_number;
		work->mmun_state = MMUN_K_WORK_IDLE;
		pthread_mutex_unlock(&mmun_k_work_lock);
		me.func(work);
		WARN_ONCE(in_atomic(),
			  "a work item returns in atomic context\n");
		pthread_mutex_lock(&mmun_k_work_lock);
		me.work = NULL;
		mmun_k_work_tell();
	}
	list_del(&me.entry);
	wq->mmun_threads--;
	mmun_k_work_tell();
	pthread_mutex_unlock(&mmun_k_work_lock);
	return NULL;
}

static inline void mmun_k_work_enqueue(struct workqueue_struct *wq,
				       struct work_struct *work)
{
	if (!wq->mmun_listed)
		list_add(&wq->mmun_entry, &mmun_k_wqs);
	wq->mmun_listed = true;
	work->mmun_wq = wq;
	work->mmun_state = MMUN_K_WORK_QUEUED;
	work->mmun_number = ++mmun_k_work_number;
	list_add_tail(&work->entry, &wq->mmun_queue);
	wq->mmun_queued++;
	if (wq->mmun_queued > wq->mmun_idle &&
	    wq->mmun_threads < wq->mmun_max_threads) {
		wq->mmun_threads++;
		wq->mmun_idle++;
		mmun_k_start_thread(mmun_k_work_thread, wq);
	}
	mmun_k_work_tell();
}

/* Off the queue, or off the delayed ones. */
static inline bool mmun_k_work_dequeue(struct work_struct *work)
{
	if (work->mmun_state == MMUN_K_WORK_IDLE)
		return false;
	if (work->mmun_state == MMUN_K_WORK_QUEUED)
		work->mmun_wq->mmun_queued--;
	list_del_init(&work->entry);
	work->mmun_state = MMUN_K_WORK_IDLE;
	mmun_k_work_tell();
	return true;
}

static inline void *mmun_k_delayed_thread(void *arg)
{
	struct delayed_work *dwork, *first;

	(void)arg;
	mmun_k_become_kthread("delayed");
	pthread_mutex_lock(&mmun_k_work_lock);
	for (;;) {
		first = NULL;
		list_for_each_entry(dwork, &mmun_k_delayed, work.entry)
			if (!first || time_before(dwork->mmun_at,
						  first->mmun_at))
				first = dwork;
		if (first && time_after_eq(jiffies, first->mmun_at)) {
			list_del_init(&first->work.entry);
			mmun_k_work_enqueue(first->work.mmun_wq, &first->work);
			continue;
		}
		mmun_k_work_wait(first ? mmun_k_jiffies_to_ns(first->mmun_at) :
					 MMUN_K_FOREVER);
	}
	return NULL;
}

static inline void mmun_k_work_delay(struct workqueue_struct *wq,
				     struct delayed_work *dwork,
				     unsigned long delay)
{
	if (!delay) {
		mmun_k_work_enqueue(wq, &dwork->work);
		return;
	}
	if (!mmun_k_delayed_started)
		mmun_k_start_thread(mmun_k_delayed_thread, NULL);
	mmun_k_delayed_started = true;
	dwork->mmun_at = jiffies + delay;
	dwork->work.mmun_wq = wq;
	dwork->work.mmun_state = MMUN_K_WORK_DELAYED;
	list_add_tail(&dwork->work.entry, &mmun_k_delayed);
	mmun_k_work_tell();
}

/* Is anything of what was queued up to @number still to be done? */
static inline bool mmun_k_work_unfinished(struct work_struct *work,
					  struct workqueue_struct *of,
					  u64 number)
{
	struct workqueue_struct *wq;
	struct mmun_k_worker *worker;
	struct work_struct *at;

	list_for_each_entry(worker, &mmun_k_workers, entry)
		if (worker->work && worker->number <= number &&
		    (work ? worker->work == work : worker->wq == of))
			return true;
	list_for_each_entry(wq, &mmun_k_wqs, mmun_entry) {
		if (of && wq != of)
			continue;
		list_for_each_entry(at, &wq->mmun_queue, entry)
			if ((!work || at == work) && at->mmun_number <= number)
				return true;
	}
	return false;
}

/* -- the calls -- */

static inline bool queue_work(struct workqueue_struct *wq,
			      struct work_struct *work)
{
	bool queued;

	pthread_mutex_lock(&mmun_k_work_lock);
	queued = work->mmun_state == MMUN_K_WORK_IDLE &&
		 !mmun_k_work_canceled(work);
	if (queued)
		mmun_k_work_enqueue(wq, work);
	pthread_mutex_unlock(&mmun_k_work_lock);
	return queued;
}

static inline bool queue_delayed_work(struct workqueue_struct *wq,
				      struct delayed_work *dwork,
				      unsigned long delay)
{
	bool queued;

	pthread_mutex_lock(&mmun_k_work_lock);
	queued = dwork->work.mmun_state == MMUN_K_WORK_IDLE &&
		 !mmun_k_work_canceled(&dwork->work);
	if (queued)
		mmun_k_work_delay(wq, dwork, delay);
	pthread_mutex_unlock(&mmun_k_work_lock);
	return queued;
}

/* Was it pending? */
static inline bool mod_delayed_work(struct workqueue_struct *wq,
				    struct delayed_work *dwork,
				    unsigned long delay)
{
	bool was = false;

	pthread_mutex_lock(&mmun_k_work_lock);
	if (!mmun_k_work_canceled(&dwork->work)) {
		was = mmun_k_work_dequeue(&dwork->work);
		mmun_k_work_delay(wq, dwork, delay);
	}
	pthread_mutex_unlock(&mmun_k_work_lock);
	return was;
}

#define queue_work_on(cpu, wq, work) queue_work(wq, work)
#define queue_work_node(node, wq, work) queue_work(wq, work)
#define queue_delayed_work_on(cpu, wq, d, delay) \
	queue_delayed_work(wq, d, delay)
#define mod_delayed_work_on(cpu, wq, d, delay) mod_delayed_work(wq, d, delay)
#define schedule_work(work) queue_work(system_wq, work)
#define schedule_work_on(cpu, work) queue_work(system_wq, work)
#define schedule_delayed_work(d, delay) queue_delayed_work(system_wq, d, delay)
#define schedule_delayed_work_on(cpu, d, delay) \
	queue_delayed_work(system_wq, d, delay)

static inline void mmun_k_rcu_work(struct rcu_head *head)
{
	struct rcu_work *rwork = container_of(head, struct rcu_work, rcu);

	queue_work(rwork->wq, &rwork->work);
}

static inline bool queue_rcu_work(struct workqueue_struct *wq,
				  struct rcu_work *rwork)
{
	rwork->wq = wq;
	call_rcu(&rwork->rcu, mmun_k_rcu_work);
	return true;
}

static inline bool work_pending(struct work_struct *work)
{
	bool pending;

	pthread_mutex_lock(&mmun_k_work_lock);
	pending = work->mmun_state != MMUN_K_WORK_IDLE;
	pthread_mutex_unlock(&mmun_k_work_lock);
	return pending;
}

#define delayed_work_pending(d) work_pending(&(d)->work)

static inline unsigned int work_busy(struct work_struct *work)
{
	unsigned int busy;

	pthread_mutex_lock(&mmun_k_work_lock);
	busy = (work->mmun_state != MMUN_K_WORK_IDLE ? WORK_BUSY_PENDING : 0) |
	       (mmun_k_work_runs(work, NULL) ? WORK_BUSY_RUNNING : 0);
	pthread_mutex_unlock(&mmun_k_work_lock);
	return busy;
}

static inline struct work_struct *current_work(void)
{
	return mmun_k_worker ? mmun_k_worker->work : NULL;
}

/* Did it have to wait? */
static inline bool flush_work(struct work_struct *work)
{
	bool waited = false;
	u64 number;

	might_sleep();
	if (WARN_ON(current_work() == work))
		return false;
	pthread_mutex_lock(&mmun_k_work_lock);
	/* If it runs again by then, that is not waited for. */
	number = mmun_k_work_number;
	while (mmun_k_work_unfinished(work, NULL, number)) {
		waited = true;
		mmun_k_work_wait(MMUN_K_FOREVER);
	}
	pthread_mutex_unlock(&mmun_k_work_lock);
	return waited;
}

static inline bool flush_delayed_work(struct delayed_work *dwork)
{
	pthread_mutex_lock(&mmun_k_work_lock);
	if (dwork->work.mmun_state == MMUN_K_WORK_DELAYED) {
		list_del_init(&dwork->work.entry);
		mmun_k_work_enqueue(dwork->work.mmun_wq, &dwork->work);
	}
	pthread_mutex_unlock(&mmun_k_work_lock);
	return flush_work(&dwork->work);
}

static inline bool flush_rcu_work(struct rcu_work *rwork)
{
	rcu_barrier();
	return flush_work(&rwork->work);
}

static inline void flush_workqueue(struct workqueue_struct *wq)
{
	u64 number;

	might_sleep();
	if (WARN_ON(mmun_k_worker && mmun_k_worker->wq == wq))
		return;
	pthread_mutex_lock(&mmun_k_work_lock);
	number = mmun_k_work_number;
	while (mmun_k_work_unfinished(NULL, wq, number))
		mmun_k_work_wait(MMUN_K_FOREVER);
	pthread_mutex_unlock(&mmun_k_work_lock);
}

static inline void drain_workqueue(struct workqueue_struct *wq)
{
	pthread_mutex_lock(&mmun_k_work_lock);
	while (mmun_k_work_unfinished(NULL, wq, U64_MAX))
		mmun_k_work_wait(MMUN_K_FOREVER);
	pthread_mutex_unlock(&mmun_k_work_lock);
}

#define flush_scheduled_work() flush_workqueue(system_wq)

static inline bool cancel_work(struct work_struct *work)
{
	bool was;

	pthread_mutex_lock(&mmun_k_work_lock);
	was = mmun_k_work_dequeue(work);
	pthread_mutex_unlock(&mmun_k_work_lock);
	return was;
}

/* Meanwhile it cannot be queued, be it by itself. */
static inline bool mmun_k_work_cancel_sync(struct work_struct *work,
					   int disable)
{
	struct mmun_k_cancel cancel = { .work = work };
	bool was;

	might_sleep();
	pthread_mutex_lock(&mmun_k_work_lock);
	work->mmun_disabled += disable;
	list_add(&cancel.entry, &mmun_k_cancels);
	was = mmun_k_work_dequeue(work);
	if (!WARN_ON(current_work() == work))
		while (mmun_k_work_runs(work, NULL))
			mmun_k_work_wait(MMUN_K_FOREVER);
	list_del(&cancel.entry);
	pthread_mutex_unlock(&mmun_k_work_lock);
	return was;
}

#define cancel_work_sync(work) mmun_k_work_cancel_sync(work, 0)
#define cancel_delayed_work(d) cancel_work(&(d)->work)
#define cancel_delayed_work_sync(d) cancel_work_sync(&(d)->work)
#define disable_work_sync(work) mmun_k_work_cancel_sync(work, 1)
#define disable_delayed_work_sync(d) disable_work_sync(&(d)->work)

static inline bool enable_work(struct work_struct *work)
{
	bool enabled;

	pthread_mutex_lock(&mmun_k_work_lock);
	enabled = !--work->mmun_disabled;
	pthread_mutex_unlock(&mmun_k_work_lock);
	return enabled;
}

#define enable_delayed_work(d) enable_work(&(d)->work)

static inline struct workqueue_struct *
mmun_k_wq_alloc(int max_threads, const char *fmt, ...)
{
	struct workqueue_struct *wq =
		(struct workqueue_struct *)kzalloc(sizeof(*wq), GFP_KERNEL);
	va_list args;

	if (!wq)
		return NULL;
	INIT_LIST_HEAD(&wq->mmun_queue);
	wq->mmun_max_threads = max_threads > 0 ? max_threads :
						 MMUN_K_MAX_THREADS;
	va_start(args, fmt);
	mmun_k_vsnprintf(wq->mmun_name, sizeof(wq->mmun_name), fmt, args);
	va_end(args);
	return wq;
}

#define alloc_workqueue(fmt, flags, max_active, ...) \
	mmun_k_wq_alloc(max_active, fmt, ##__VA_ARGS__)
#define alloc_ordered_workqueue(fmt, flags, ...) \
	mmun_k_wq_alloc(1, fmt, ##__VA_ARGS__)
#define create_workqueue(name) mmun_k_wq_alloc(0, "%s", name)
#define create_singlethread_workqueue(name) mmun_k_wq_alloc(1, "%s", name)
#define create_freezable_workqueue(name) mmun_k_wq_alloc(1, "%s", name)

static inline void destroy_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	drain_workqueue(wq);
	pthread_mutex_lock(&mmun_k_work_lock);
	wq->mmun_stop = true;
	mmun_k_work_tell();
	while (wq->mmun_threads)
		mmun_k_work_wait(MMUN_K_FOREVER);
	if (wq->mmun_listed)
		list_del(&wq->mmun_entry);
	pthread_mutex_unlock(&mmun_k_work_lock);
	kfree(wq);
}

#endif /* MMUN_KCOMPAT_LINUX_WORKQUEUE_H */
