// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "runner.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define LIMIT_S 10	/* for what takes a few milliseconds */
#define MAX_AT_ONCE 8

struct slot {
	struct job *job;	/* NULL: free */
	pid_t pid;
	time_t deadline;
};

static struct slot slots[MAX_AT_ONCE];
static struct pollfd ends[MAX_AT_ONCE];	/* of their processes */

int runner_open(struct runner *r, size_t room)
{
	size_t size = room * sizeof(*r->reports);

	r->room = room;
	r->jobs = calloc(room, sizeof(*r->jobs));
	/* Inherited by the children. */
	r->fd = memfd_create("mmunotify-coverage-reports", 0);
	if (!r->jobs || r->fd < 0 || ftruncate(r->fd, size))
		return -ENOMEM;
	r->reports = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	return r->reports == MAP_FAILED ? -ENOMEM : 0;
}

struct report *runner_add(struct runner *r, int row, const struct observer *o)
{
	struct job *job = &r->jobs[r->nr_jobs];

	if (r->nr_jobs == r->room)
		abort();
	*job = (struct job){ row, o, &r->reports[r->nr_jobs] };
	r->nr_jobs++;
	return job->report;
}

/* -- in the child, before it is one -- */

static void silence(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

__attribute__((noreturn))
static void become(const struct runner *r, const struct job *job)
{
	const struct observer *o = job->observer;
	struct rlimit no_core = { 0, 0 };
	char row[16], fd[16], slot[24];
	char *argv[] = { "mmunotify", "coverage", "--run", row, (char *)o->name,
			 fd, slot, r->unprivileged ? "--unprivileged" : NULL,
			 NULL };

	snprintf(row, sizeof(row), "%d", job->row);
	snprintf(fd, sizeof(fd), "%d", r->fd);
	snprintf(slot, sizeof(slot), "%zu", (size_t)(job->report - r->reports));
	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	if (!r->verbose)
		silence();
	if (o->environment)
		o->environment(o);
	execv("/proc/self/exe", argv);
	_exit(127);
}

/* -- in the parent -- */

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void launch(const struct runner *r, struct job *job, size_t i)
{
	pid_t pid = fork();

	if (!pid)
		become(r, job);
	ends[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (pid < 0) {
		snprintf(job->report->reason, sizeof(job->report->reason), "fork: %m");
		return;
	}
	setpgid(pid, pid);
	ends[i].fd = raw_call(SYS_pidfd_open, pid, 0);
	slots[i] = (struct slot){ job, pid, now() + LIMIT_S };
}

/* With it go those that it has left behind. */
static void reap(size_t i)
{
	struct report *r = slots[i].job->report;
	int status = 0;

	kill(-slots[i].pid, SIGKILL);
	waitpid(slots[i].pid, &status, 0);
	close(ends[i].fd);
	ends[i].fd = -1;
	slots[i].job = NULL;
	if (WIFSIGNALED(status) && !r->hung)
		r->signal = WTERMSIG(status);
}

static void wait_for_some(size_t nr_slots)
{
	poll(ends, nr_slots, 1000);
	for (size_t i = 0; i < nr_slots; i++) {
		if (!slots[i].job)
			continue;
		if (ends[i].revents) {
			reap(i);
		} else if (now() > slots[i].deadline) {
			slots[i].job->report->hung = 1;
			reap(i);
		}
	}
}

static size_t count_busy(size_t nr_slots)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_slots; i++)
		n += slots[i].job != NULL;
	return n;
}

void runner_run(struct runner *r, size_t first)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t nr_slots = cpus < 1 ? 1 : cpus > MAX_AT_ONCE ? MAX_AT_ONCE : cpus;
	size_t next = first;

	for (size_t i = 0; i < nr_slots; i++)
		ends[i].fd = -1;
	while (next < r->nr_jobs || count_busy(nr_slots)) {
		for (size_t i = 0; i < nr_slots && next < r->nr_jobs; i++)
			if (!slots[i].job)
				launch(r, &r->jobs[next++], i);
		wait_for_some(nr_slots);
	}
}
