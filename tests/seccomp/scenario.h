/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SCENARIO_H
#define SCENARIO_H
/*
 * Each case is a process of its own, forked from one that has no filter, and
 * takes in whom they leave behind: each heir must end, when nobody is left that
 * has the filter, or this waits for ever.
 */
#include <sys/prctl.h>

#include "seccomp.h"

/* In memory of all processes: what they count, and tell each other. */
static struct shared {
	atomic_long count[64];
	atomic_int stop;
} *shared;

/* In a case: what must hold, or it ends there. */
#define NEED(holds)                                                            \
	do {                                                                   \
		if (!(holds)) {                                                \
			diag("line %d: %s", __LINE__, #holds);                 \
			return 1;                                              \
		}                                                              \
	} while (0)

#define IS_MISSING 77

/* Start in a case, with the recorder. */
static inline void begin_with(const char *sources)
{
	int err = try_to_start(sources);

	if (err) {
		diag("start: %s, seccomp: %s", strerror(-err),
		     seccomp_source()->state);
		_exit(98);
	}
	record();
}

static inline void begin(void)
{
	begin_with("entries,seccomp");
}

static inline pid_t spawn_case(int (*body)(void))
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid < 0)
		bail("fork: %s", strerror(errno));	/* to be killed is not -1 */
	if (pid)
		return pid;
	alarm(20);
	_exit(body());
}

/* Who was left behind.  Return: how many; -1 if one did not end well. */
static inline int reap_left_behind(int expected_status)
{
	int status, n = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, 0)) > 0) {
		if (status && status != expected_status << 8) {
			diag("%d left behind ended with %#x", pid, status);
			return -1;
		}
		n++;
	}
	return n;
}

/* @left: how many it leaves behind, the heir included; -1: any number. */
static inline bool case_ends(pid_t pid, int status, int left)
{
	int got = reap(pid), others = reap_left_behind(0);

	if (got != status)
		diag("status %d instead of %d", got, status);
	if (others < 0 || (left >= 0 && others != left))
		diag("%d left behind instead of %d", others, left);
	return got == status && others >= 0 && (left < 0 || others == left);
}

static inline bool case_is_right(int (*body)(void))
{
	return case_ends(spawn_case(body), 0, 1);
}

static inline int can_start(void)
{
	int err = try_to_start("entries,seccomp");

	if (err && seccomp_source()->error && is_missing(seccomp_source()))
		return IS_MISSING;
	return err != 0;
}

static inline void wait_for_count(int i, long at_least)
{
	while (atomic_load(&shared->count[i]) < at_least)
		sched_yield();
}

static inline void set_up_cases(unsigned int limit_s)
{
	int status;

	tap_begin(limit_s);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		bail("no subreaper");
	shared = (struct shared *)raw(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	status = reap(spawn_case(can_start));
	if (status == IS_MISSING) {
		skip("the source seccomp", "this kernel, or its policy");
		exit(tap_end());
	}
	reap_left_behind(0);
}

#endif /* SCENARIO_H */
