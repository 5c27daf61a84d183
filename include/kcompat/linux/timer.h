/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_TIMER_H
#define MMUN_KCOMPAT_LINUX_TIMER_H
/* Functions that are called at a time, by one thread. */
#include <pthread.h>
#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/srcu.h>

struct timer_list {
	struct list_head entry;
	unsigned long expires;
	void (*function)(struct timer_list *timer);
	u32 flags;
	bool mmun_pending;
	bool mmun_over;			/* timer_shutdown() */
};

#define TIMER_DEFERRABLE 0
#define TIMER_IRQSAFE 0

MMUN_K_SHARED pthread_mutex_t mmun_k_timers_lock = PTHREAD_MUTEX_INITIALIZER;
MMUN_K_SHARED struct list_head mmun_k_timers = LIST_HEAD_INIT(mmun_k_timers);
MMUN_K_SHARED struct timer_list *mmun_k_timer_running;
MMUN_K_SHARED bool mmun_k_timers_started;
MMUN_K_SHARED struct mmun_k_event mmun_k_timers_changed;

static inline void *mmun_k_timers_thread(void *arg)
{
	void (*function)(struct timer_list *timer);
	struct timer_list *timer, *first;
	int64_t until;
	uint32_t seen;

	(void)arg;
	mmun_k_become_kthread("timers");
	pthread_mutex_lock(&mmun_k_timers_lock);
	for (;;) {
		first = NULL;
		list_for_each_entry(timer, &mmun_k_timers, entry)
			if (!first || time_before(timer->expires,
						  first->expires))
				first = timer;
		if (first && time_after_eq(jiffies, first->expires)) {
			list_del_init(&first->entry);
			first->mmun_pending = false;
			mmun_k_timer_running = first;
			function = first->function;
			pthread_mutex_unlock(&mmun_k_timers_lock);
			function(first);
			pthread_mutex_lock(&mmun_k_timers_lock);
			mmun_k_timer_running = NULL;
			mmun_k_event_tell(&mmun_k_timers_changed);
			continue;
		}
		until = first ? mmun_k_jiffies_to_ns(first->expires) :
				MMUN_K_FOREVER;
		seen = mmun_k_event_read(&mmun_k_timers_changed);
		pthread_mutex_unlock(&mmun_k_timers_lock);
		mmun_k_event_wait(&mmun_k_timers_changed, seen, until);
		pthread_mutex_lock(&mmun_k_timers_lock);
	}
	return NULL;
}

static inline void mmun_k_timer_setup(struct timer_list *timer,
				      void (*function)(struct timer_list *))
{
	*timer = (struct timer_list){ .function = function };
	INIT_LIST_HEAD(&timer->entry);
}

#define timer_setup(timer, function, flags) mmun_k_timer_setup(timer, function)
#define timer_setup_on_stack(timer, function, flags) \
	mmun_k_timer_setup(timer, function)
#define destroy_timer_on_stack(timer) ((void)(timer))
#define DEFINE_TIMER(name, fn)						\
	struct timer_list name = {					\
		.entry = LIST_HEAD_INIT((name).entry), .function = fn	\
	}
#define from_timer(var, timer, member) \
	container_of(timer, typeof(*var), member)
#define timer_container_of(var, timer, member) \
	container_of(timer, typeof(*var), member)

/* Was it pending? */
static inline int mod_timer(struct timer_list *timer, unsigned long expires)
{
	int was;

	pthread_mutex_lock(&mmun_k_timers_lock);
	was = timer->mmun_pending;
	if (!timer->mmun_over) {
		if (!mmun_k_timers_started) {
			mmun_k_timers_started = true;
			mmun_k_start_thread(mmun_k_timers_thread, NULL);
		}
		timer->expires = expires;
		if (!was)
			list_add_tail(&timer->entry, &mmun_k_timers);
		timer->mmun_pending = true;
		mmun_k_event_tell(&mmun_k_timers_changed);
	}
	pthread_mutex_unlock(&mmun_k_timers_lock);
	return was;
}

static inline void add_timer(struct timer_list *timer)
{
	mod_timer(timer, timer->expires);
}

static inline int timer_pending(struct timer_list *timer)
{
	int pending;

	pthread_mutex_lock(&mmun_k_timers_lock);
	pending = timer->mmun_pending;
	pthread_mutex_unlock(&mmun_k_timers_lock);
	return pending;
}

static inline int mmun_k_timer_delete(struct timer_list *timer, bool sync,
				      bool over)
{
	uint32_t seen;
	int was;

	pthread_mutex_lock(&mmun_k_timers_lock);
	was = timer->mmun_pending;
	timer->mmun_over |= over;
	for (;;) {
		if (timer->mmun_pending) {
			list_del_init(&timer->entry);
			timer->mmun_pending = false;
		}
		if (!sync || mmun_k_timer_running != timer)
			break;
		seen = mmun_k_event_read(&mmun_k_timers_changed);
		pthread_mutex_unlock(&mmun_k_timers_lock);
		mmun_k_event_wait(&mmun_k_timers_changed, seen, MMUN_K_FOREVER);
		pthread_mutex_lock(&mmun_k_timers_lock);
	}
	pthread_mutex_unlock(&mmun_k_timers_lock);
	return was;
}

#define del_timer(timer) mmun_k_timer_delete(timer, false, false)
#define del_timer_sync(timer) mmun_k_timer_delete(timer, true, false)
/* The C library has declared a timer_delete() of its own. */
#define timer_delete(timer) mmun_k_timer_delete(timer, false, false)
#define timer_delete_sync(timer) mmun_k_timer_delete(timer, true, false)
#define timer_shutdown(timer) mmun_k_timer_delete(timer, false, true)
#define timer_shutdown_sync(timer) mmun_k_timer_delete(timer, true, true)

#endif /* MMUN_KCOMPAT_LINUX_TIMER_H */
