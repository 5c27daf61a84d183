/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SRCU_H
#define MMUN_KCOMPAT_LINUX_SRCU_H
/*
 * Read sections that may sleep.
 *
 * A domain counts its readers in two counters, of which new readers take the
 * one that ->index names.  A grace period waits until each of them has been
 * zero once, and lets new readers go to the other meanwhile.
 *
 * Why that is enough: all accesses to a counter, the look of a grace period
 * too, are read-modify-write, hence in one order, and each sees what came
 * before the earlier ones.  A reader whose count comes before the look is
 * waited for; one whose count comes after it sees all that was written before
 * the grace period.  It doesn't matter which counter a reader takes, however
 * late.
 */
#include <sched.h>
#include <pthread.h>
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/preempt.h>
#include <linux/types.h>
#include <mmun/event.h>

struct srcu_struct {
	unsigned long mmun_readers[2];
	unsigned int mmun_index;
	pthread_mutex_t mmun_gp;	/* one grace period at a time */
	unsigned long mmun_begun, mmun_over;	/* grace periods, ever */
	/* Callbacks, under mmun_k_callbacks. */
	struct rcu_head *mmun_first, **mmun_last;
	unsigned long mmun_queued, mmun_done;
	bool mmun_polled;		/* a grace period is asked for */
	bool mmun_thread;
};

#define MMUN_K_SRCU_INIT { .mmun_gp = PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_SRCU(name) struct srcu_struct name = MMUN_K_SRCU_INIT
#define DEFINE_STATIC_SRCU(name) static DEFINE_SRCU(name)

/*
 * Whoever leaves the last section of a counter touches the domain no more, for
 * it may be gone: these are one for all.
 */
MMUN_K_SHARED struct mmun_k_event mmun_k_left;
MMUN_K_SHARED unsigned int mmun_k_waiting;
MMUN_K_SHARED pthread_mutex_t mmun_k_callbacks = PTHREAD_MUTEX_INITIALIZER;
MMUN_K_SHARED struct mmun_k_event mmun_k_called;

static inline int init_srcu_struct(struct srcu_struct *ssp)
{
	*ssp = (struct srcu_struct)MMUN_K_SRCU_INIT;
	return 0;
}

static inline int srcu_read_lock(struct srcu_struct *ssp)
{
	int index = __atomic_load_n(&ssp->mmun_index, __ATOMIC_RELAXED);

	__atomic_fetch_add(&ssp->mmun_readers[index], 1, __ATOMIC_SEQ_CST);
	return index;
}

static inline void srcu_read_unlock(struct srcu_struct *ssp, int index)
{
	unsigned long were = __atomic_fetch_sub(&ssp->mmun_readers[index], 1,
						__ATOMIC_SEQ_CST);

	WARN_ONCE(!were, "srcu_read_unlock() without a section\n");
	if (were == 1 && __atomic_load_n(&mmun_k_waiting, __ATOMIC_SEQ_CST))
		mmun_k_event_tell(&mmun_k_left);
}

#define srcu_read_lock_notrace(ssp) srcu_read_lock(ssp)
#define srcu_read_unlock_notrace(ssp, index) srcu_read_unlock(ssp, index)
#define srcu_read_lock_nmisafe(ssp) srcu_read_lock(ssp)
#define srcu_read_unlock_nmisafe(ssp, index) srcu_read_unlock(ssp, index)
#define srcu_down_read(ssp) srcu_read_lock(ssp)
#define srcu_up_read(ssp, index) srcu_read_unlock(ssp, index)
#define srcu_read_lock_held(ssp) ((void)(ssp), 1)

static inline void mmun_k_await_readers(unsigned long *readers)
{
	uint32_t seen;

	__atomic_fetch_add(&mmun_k_waiting, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		seen = mmun_k_event_read(&mmun_k_left);
		if (!__atomic_fetch_add(readers, 0, __ATOMIC_SEQ_CST))
			break;
		mmun_k_event_wait(&mmun_k_left, seen, MMUN_K_FOREVER);
	}
	__atomic_fetch_sub(&mmun_k_waiting, 1, __ATOMIC_SEQ_CST);
}

static inline void synchronize_srcu(struct srcu_struct *ssp)
{
	unsigned int index;

	might_sleep();
	pthread_mutex_lock(&ssp->mmun_gp);
	/* From here on it looks; pairs with get_state_synchronize_srcu(). */
	__atomic_fetch_add(&ssp->mmun_begun, 1, __ATOMIC_SEQ_CST);
	index = __atomic_load_n(&ssp->mmun_index, __ATOMIC_RELAXED);
	/* Those who have come late to the counter that nobody takes. */
	mmun_k_await_readers(&ssp->mmun_readers[!index]);
	__atomic_store_n(&ssp->mmun_index, !index, __ATOMIC_SEQ_CST);
	mmun_k_await_readers(&ssp->mmun_readers[index]);
	/* Pairs with poll_state_synchronize_srcu(). */
	__atomic_fetch_add(&ssp->mmun_over, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&ssp->mmun_gp);
}

#define synchronize_srcu_expedited(ssp) synchronize_srcu(ssp)

/* A thread of the domain, while it has callbacks, or a grace period is asked for. */
static inline void *mmun_k_srcu_thread(void *arg)
{
	struct srcu_struct *ssp = arg;
	struct rcu_head *head, *next;

	pthread_mutex_lock(&mmun_k_callbacks);
	while (ssp->mmun_first || ssp->mmun_polled) {
		head = ssp->mmun_first;
		ssp->mmun_first = NULL;
		ssp->mmun_polled = false;
		pthread_mutex_unlock(&mmun_k_callbacks);
		synchronize_srcu(ssp);
		for (; head; head = next) {
			next = head->next;
			/*
			 * Less than a page: where the head is, for kfree_rcu().
			 */
			if ((unsigned long)head->func < 4096)
				mmun_k_free((char *)head -
					    (unsigned long)head->func);
			else
				head->func(head);
			__atomic_fetch_add(&ssp->mmun_done, 1,
					   __ATOMIC_SEQ_CST);
			mmun_k_event_tell(&mmun_k_called);
		}
		pthread_mutex_lock(&mmun_k_callbacks);
	}
	ssp->mmun_thread = false;
	pthread_mutex_unlock(&mmun_k_callbacks);
	mmun_k_event_tell(&mmun_k_called);
	return NULL;
}

static inline void mmun_k_start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, run, arg);

	if (err)
		mmun_k_bug(__FILE__, __LINE__, __func__, "no thread");
	pthread_detach(thread);
}

/* Under mmun_k_callbacks. */
static inline void mmun_k_want_srcu_thread(struct srcu_struct *ssp)
{
	if (ssp->mmun_thread)
		return;
	ssp->mmun_thread = true;
	mmun_k_start_thread(mmun_k_srcu_thread, ssp);
}

static inline void call_srcu(struct srcu_struct *ssp, struct rcu_head *head,
			     rcu_callback_t func)
{
	head->next = NULL;
	head->func = func;
	pthread_mutex_lock(&mmun_k_callbacks);
	if (ssp->mmun_first)
		*ssp->mmun_last = head;
	else
		ssp->mmun_first = head;
	ssp->mmun_last = &head->next;
	ssp->mmun_queued++;
	mmun_k_want_srcu_thread(ssp);
	pthread_mutex_unlock(&mmun_k_callbacks);
}

/*
 * The grace period after those that have begun.  In one order with their beginning:
 * what the caller has done before comes before that one's look at the readers.
 */
static inline unsigned long
get_state_synchronize_srcu(struct srcu_struct *ssp)
{
	return __atomic_fetch_add(&ssp->mmun_begun, 0, __ATOMIC_SEQ_CST) + 1;
}

static inline unsigned long
start_poll_synchronize_srcu(struct srcu_struct *ssp)
{
	unsigned long cookie = get_state_synchronize_srcu(ssp);

	pthread_mutex_lock(&mmun_k_callbacks);
	ssp->mmun_polled = true;
	mmun_k_want_srcu_thread(ssp);
	pthread_mutex_unlock(&mmun_k_callbacks);
	return cookie;
}

/* Is it over?  Then what its readers did comes before what the caller does. */
static inline bool poll_state_synchronize_srcu(struct srcu_struct *ssp,
					       unsigned long cookie)
{
	return (long)(__atomic_load_n(&ssp->mmun_over, __ATOMIC_ACQUIRE) -
		      cookie) >= 0;
}

/* Until the callbacks that were queued before have returned. */
static inline void srcu_barrier(struct srcu_struct *ssp)
{
	unsigned long queued;
	uint32_t seen;

	might_sleep();
	pthread_mutex_lock(&mmun_k_callbacks);
	queued = ssp->mmun_queued;
	pthread_mutex_unlock(&mmun_k_callbacks);
	for (;;) {
		seen = mmun_k_event_read(&mmun_k_called);
		if ((long)(__atomic_load_n(&ssp->mmun_done, __ATOMIC_SEQ_CST) -
			   queued) >= 0)
			return;
		mmun_k_event_wait(&mmun_k_called, seen, MMUN_K_FOREVER);
	}
}

static inline void cleanup_srcu_struct(struct srcu_struct *ssp)
{
	bool busy;
	uint32_t seen;

	WARN_ON(__atomic_load_n(&ssp->mmun_readers[0], __ATOMIC_SEQ_CST) ||
		__atomic_load_n(&ssp->mmun_readers[1], __ATOMIC_SEQ_CST));
	for (;;) {
		seen = mmun_k_event_read(&mmun_k_called);
		pthread_mutex_lock(&mmun_k_callbacks);
		busy = ssp->mmun_thread;
		pthread_mutex_unlock(&mmun_k_callbacks);
		if (!busy)
			break;
		mmun_k_event_wait(&mmun_k_called, seen, MMUN_K_FOREVER);
	}
	pthread_mutex_destroy(&ssp->mmun_gp);
}

#define srcu_dereference_check(p, ssp, c) \
	__atomic_load_n(&(p), __ATOMIC_CONSUME)
#define srcu_dereference(p, ssp) srcu_dereference_check(p, ssp, 0)
#define srcu_dereference_notrace(p, ssp) srcu_dereference_check(p, ssp, 0)

DEFINE_LOCK_GUARD_1(srcu, struct srcu_struct,
		    _T->idx = srcu_read_lock(_T->lock),
		    srcu_read_unlock(_T->lock, _T->idx), int idx)

#endif /* MMUN_KCOMPAT_LINUX_SRCU_H */
