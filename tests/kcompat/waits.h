/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef WAITS_H
#define WAITS_H
/* A thread that runs one function, and whether it waits there. */
#include <linux/compiler.h>

#include "../srcu/threads.h"

struct job {
	void (*run)(void *arg);
	void *arg;
	pthread_t thread;
	int tid;
	int done;
};

static inline void *job_main(void *arg)
{
	struct job *job = arg;

	WRITE_ONCE(job->tid, my_tid());
	job->run(job->arg);
	__atomic_store_n(&job->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static inline void start_job(struct job *job, void (*run)(void *), void *arg)
{
	*job = (struct job){ .run = run, .arg = arg };
	spawn(&job->thread, job_main, job);
}

static inline void finish_job(struct job *job)
{
	pthread_join(job->thread, NULL);
}

static inline bool job_is_done(struct job *job)
{
	return __atomic_load_n(&job->done, __ATOMIC_ACQUIRE);
}

/*
 * Give the job every chance to get where it must not get: until it is done, or
 * seen asleep many times in a row.  Return: does it wait?
 */
static inline bool job_waits(struct job *job)
{
	int seen = 0, tid;

	for (int i = 0; i < 100000 && seen < 50 && !job_is_done(job); i++) {
		tid = READ_ONCE(job->tid);
		seen = tid && is_asleep(tid) ? seen + 1 : 0;
		sched_yield();
	}
	return !job_is_done(job);
}

#endif /* WAITS_H */
