/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_SRCU_THREADS_H
#define TESTS_SRCU_THREADS_H
/* Threads of tests: where they run, and whether they have gone to sleep. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tap.h"

static inline void spawn(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	int err = pthread_create(thread, NULL, fn, arg);

	if (err)
		bail("pthread_create: %s", strerror(err));
}

static inline const cpu_set_t *allowed_cpus(void)
{
	static cpu_set_t allowed;
	static atomic_int known;

	if (!atomic_load(&known)) {
		sched_getaffinity(0, sizeof(allowed), &allowed);
		atomic_store(&known, 1);
	}
	return &allowed;
}

/*
 * Run on the n-th CPU that the process may use.  The first call is made while
 * no other thread runs.  Return: is there one?
 */
static inline bool pin(int n)
{
	cpu_set_t one;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed_cpus()) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return !sched_setaffinity(0, sizeof(one), &one);
	}
	return false;
}

static inline void unpin(void)
{
	sched_setaffinity(0, sizeof(cpu_set_t), allowed_cpus());
}

static inline int my_tid(void)
{
	return syscall(SYS_gettid);
}

/* Does this thread of ours sleep right now? */
static inline bool is_asleep(int tid)
{
	char path[64], text[256], *state;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	state = strrchr(text, ')');
	return state && state[1] && state[2] == 'S';
}

/* xorshift64*; never zero. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

#endif /* TESTS_SRCU_THREADS_H */
