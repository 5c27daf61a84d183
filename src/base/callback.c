// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Deferred callbacks: queued by anybody without memory or lock, run by one
 * worker thread after a grace period of their domain, in order.
 *
 *   call: push on sp->incoming; if the domain is not active yet, push it on
 *	   worker.incoming and wake the worker.
 *   worker: in turn for each active domain, take what came in as one batch,
 *	   wait for a grace period without blocking on it (another domain's may
 *	   be done sooner), run some of the batch.
 *
 * The worker holds a reference on each active domain, since a callback may drop
 * everybody else's.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/mutants.h"
#include "base/srcu.h"
#include "base/thread.h"
#include "base/syscall.h"

static struct {
	struct mmun_lock lock;		/* for starting and stopping it */
	uint32_t running;
	uint32_t wanted;		/* by everything that may be queued yet ... */
	uint32_t counted;		/* ... if anybody counts */
	uint32_t wake;			/* a futex: changes when there is work */
	struct mmun_srcu *incoming;	/* domains that became active */
	struct mmun_srcu *active;	/* the worker's own list */
	uint32_t generation;		/* of this process, by fork() */
} worker;

static __thread bool on_worker __attribute__((tls_model("initial-exec")));

bool mmun_srcu_on_worker(void)
{
	return on_worker;
}

/* -- queueing -- */

static void activate(struct mmun_srcu *sp)
{
	struct mmun_srcu *head = mmun_read(&worker.incoming);

	mmun_srcu_ref(sp);
	do {
		mmun_write(&sp->next_active, head);
	} while (!mmun_cas(&worker.incoming, &head, sp));
	mmun_fetch_add(&worker.wake, 1);
	mmun_futex_wake(&worker.wake);
}

void mmun_srcu_call(struct mmun_srcu *sp, struct mmun_srcu_head *head,
		    void (*func)(struct mmun_srcu_head *head))
{
	struct mmun_srcu_head *first = mmun_read(&sp->incoming);
	/*
	 * Once it is pushed it may be run, with others that somebody else pushed
	 * meanwhile, and the last of them frees the domain: not while we are in.
	 */
	unsigned int bank = mmun_srcu_read_lock(sp);

	head->func = func;
	/* Counted before it can be run: a barrier never counts less than ran. */
	mmun_fetch_add(&sp->called, 1);
	do {
		mmun_write(&head->next, first);
	} while (!mmun_cas(&sp->incoming, &first, head));
	if (!mmun_xchg(&sp->active, 1))
		activate(sp);
	mmun_srcu_read_unlock(sp, bank);
}

/* -- the worker -- */

static struct mmun_srcu_head *oldest_first(struct mmun_srcu_head *newest)
{
	struct mmun_srcu_head *list = NULL, *next;

	for (; newest; newest = next) {
		next = newest->next;
		newest->next = list;
		list = newest;
	}
	return list;
}

enum turn {
	TURN_IDLE,	/* nothing is queued */
	TURN_WAITING,	/* for readers */
	TURN_MORE,	/* some callbacks have run */
};

/* A domain that is never done must not keep the others waiting. */
#define TURN_CALLBACKS 32

static void run_some(struct mmun_srcu *sp)
{
	struct mmun_srcu_head *head;

	for (int i = 0; i < TURN_CALLBACKS && (head = sp->waiting); i++) {
		sp->waiting = head->next;
		head->func(head);
		mmun_fetch_add(&sp->done, 1);
		/* Pairs with the count in mmun_srcu_barrier(). */
		if (mmun_load_ordered(&sp->barrier_waiters))
			mmun_futex_wake(&sp->done);
	}
}

static bool take_batch(struct mmun_srcu *sp)
{
	sp->waiting = oldest_first(mmun_xchg(&sp->incoming, NULL));
	if (sp->waiting)
		sp->waiting_seq = mmun_srcu_gp_target(sp);
	return sp->waiting;
}

static enum turn serve(struct mmun_srcu *sp)
{
	if (!sp->waiting && !take_batch(sp))
		return TURN_IDLE;
	if (!mmun_srcu_gp_poll(sp, sp->waiting_seq) && !MMUN_BREAK(FREE_EARLY))
		return TURN_WAITING;
	run_some(sp);
	return TURN_MORE;
}

/*
 * Nothing is queued: off the list, unless somebody has queued just now.
 *
 *   worker			call
 *   active = 0			push
 *   incoming? -> serve again	active = 1; was 0 -> activate
 */
static bool retire(struct mmun_srcu *sp)
{
	mmun_xchg(&sp->active, 0);
	if (mmun_load_ordered(&sp->incoming) && !mmun_xchg(&sp->active, 1))
		return false;
	return true;
}

/* Return: what the busiest of them reported. */
static enum turn serve_all(void)
{
	struct mmun_srcu **link = &worker.active, *sp;
	enum turn turn, most = TURN_IDLE;

	while ((sp = *link)) {
		turn = serve(sp);
		if (turn > most)
			most = turn;
		if (turn != TURN_IDLE) {
			link = &sp->next_active;
			continue;
		}
		/* Once retired, anybody may activate it and use the link. */
		*link = sp->next_active;
		if (retire(sp)) {
			mmun_srcu_unref(sp);
		} else {
			sp->next_active = *link;
			*link = sp;
		}
	}
	return most;
}

static void adopt_incoming(void)
{
	struct mmun_srcu *sp = mmun_xchg(&worker.incoming, NULL), *next;

	for (; sp; sp = next) {
		next = sp->next_active;
		sp->next_active = worker.active;
		worker.active = sp;
	}
}

/*
 * Nobody has wanted it for as long as it lingers: it goes.  Return: did it?
 *
 *   leave			want
 *   running = 0		wanted++
 *   wanted? -> running = 1	running? else start, under the lock
 */
static bool leave(void)
{
	bool left;

	mmun_lock(&worker.lock);
	mmun_xchg(&worker.running, 0);
	left = !mmun_load_ordered(&worker.wanted);
	if (!left)
		mmun_store_release(&worker.running, 1);
	mmun_unlock(&worker.lock);
	return left;
}

#define LINGER_NS 100000000
#define PAUSE_MIN_NS 10000
#define PAUSE_MAX_NS 1000000

/*
 * While readers are in, look again soon; the longer, the less often.  A thread
 * of a library must not keep a process alive whose own threads have ended: it
 * stays only while there may be something to free.
 */
static void *work(void *unused)
{
	uint32_t generation = worker.generation;
	uint64_t pause_ns = 0;

	on_worker = true;
	prctl(PR_SET_NAME, "mmunotify");
	while (generation == worker.generation) {
		uint32_t wake = mmun_load_acquire(&worker.wake);
		bool idle = mmun_read(&worker.counted) &&
			    !mmun_load_acquire(&worker.wanted);
		enum turn turn;

		adopt_incoming();
		turn = serve_all();
		if (turn == TURN_MORE) {
			pause_ns = 0;
			continue;
		}
		if (turn == TURN_WAITING) {
			pause_ns = pause_ns ? pause_ns * 2 : PAUSE_MIN_NS;
			if (pause_ns > PAUSE_MAX_NS)
				pause_ns = PAUSE_MAX_NS;
		} else {
			if (idle && pause_ns == LINGER_NS && leave())
				break;
			pause_ns = idle ? LINGER_NS : 0;
		}
		if (!mmun_read(&worker.incoming))
			mmun_futex_wait(&worker.wake, wake, pause_ns);
	}
	return unused;
}

/* The termination signals come to it if to its creator, should he be gone. */
static int create_worker(pthread_t *ret_thread, const struct mmun_sigmask *creator)
{
	const uint64_t termination = 1ULL << (SIGTERM - 1) | 1ULL << (SIGINT - 1) |
				     1ULL << (SIGHUP - 1) | 1ULL << (SIGQUIT - 1);

	return mmun_start_thread(ret_thread, work, NULL,
				 termination & ~creator->bits);
}

int mmun_srcu_start_worker(void)
{
	struct mmun_sigmask saved;
	pthread_t thread;
	int err = 0;

	/* On the worker, or on who stands in for it, it runs. */
	if (mmun_load_ordered(&worker.running) || on_worker)
		return 0;
	mmun_lock_save(&worker.lock, &saved);
	if (!worker.running) {
		err = create_worker(&thread, &saved);
		if (!err) {
			pthread_detach(thread);
			mmun_store_release(&worker.running, 1);
		}
	}
	mmun_unlock_restore(&worker.lock, &saved);
	return err;
}

int mmun_srcu_want_worker(void)
{
	int err;

	mmun_write(&worker.counted, 1);
	mmun_fetch_add(&worker.wanted, 1);
	err = mmun_srcu_start_worker();
	if (err)
		mmun_fetch_sub(&worker.wanted, 1);
	return err;
}

void mmun_srcu_unwant_worker(void)
{
	if (mmun_fetch_sub(&worker.wanted, 1) != 1)
		return;
	mmun_fetch_add(&worker.wake, 1);
	mmun_futex_wake(&worker.wake);
}

/* No thread is to be had: this one does a round of its work. */
static void stand_in(void)
{
	mmun_lock(&worker.lock);
	if (!worker.running) {
		on_worker = true;
		adopt_incoming();
		serve_all();
		on_worker = false;
	}
	mmun_unlock(&worker.lock);
}

void mmun_srcu_barrier(struct mmun_srcu *sp)
{
	uint32_t target = mmun_load_acquire(&sp->called), done;

	mmun_fetch_add(&sp->barrier_waiters, 1);
	while ((int32_t)((done = mmun_load_acquire(&sp->done)) - target) < 0) {
		/* In a child the worker may have to be started, and fail to. */
		if (mmun_srcu_start_worker()) {
			stand_in();
			mmun_futex_wait(&sp->done, done, PAUSE_MIN_NS);
		} else {
			mmun_futex_wait(&sp->done, done, 0);
		}
	}
	mmun_fetch_sub(&sp->barrier_waiters, 1);
}

static void requeue(struct mmun_srcu *sp)
{
	uint32_t pending = 0;

	for (struct mmun_srcu_head *head = sp->waiting; head; head = head->next)
		pending++;
	for (struct mmun_srcu_head *head = sp->incoming; head; head = head->next)
		pending++;
	sp->done = sp->called - pending;
	sp->waiting_seq = sp->gp_seq + 1;
	sp->barrier_waiters = 0;
	sp->active = pending != 0;
	if (!pending)
		return;
	mmun_srcu_ref(sp);
	sp->next_active = worker.active;
	worker.active = sp;
}

/*
 * The child has the queues and no worker.  Who was active is found anew, since
 * the parent's threads may have been between two steps of it; a reference of
 * theirs may stay behind.  The callback that was running at that moment is lost
 * with its thread, and counts as done.
 */
void mmun_srcu_callbacks_fork_child(void)
{
	worker.lock.word = 0;
	worker.running = 0;
	worker.incoming = NULL;
	worker.active = NULL;
	worker.generation++;
	mmun_srcu_fork_each(requeue);
}
