// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "library.h"
#include "threads.h"

/* -- actors -- */

void actor_begin(struct actor *actor, const char *name)
{
	task_name = name;
	in_gate = &actor->in_gate;
	prctl(PR_SET_NAME, name);
	atomic_store(&actor->tid, syscall(SYS_gettid));
}

void actor_end(struct actor *actor)
{
	atomic_store(&actor->busy, false);
	atomic_store(&actor->tid, 0);
	in_gate = NULL;
}

/* 'R': it runs, or could. */
static char thread_state(int tid)
{
	char path[64], text[256], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 'X';
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 'X';
	text[n] = 0;
	p = strrchr(text, ')');
	return p && p[1] ? p[2] : 'X';
}

/*
 * A thread that is about to go on shows as running; one that waits for ranges in
 * flight looks again each millisecond, and must be found asleep in between.
 */
static bool sleeps(struct actor *actor)
{
	int asleep = 0;

	for (int i = 0; i < 8; i++) {
		asleep += thread_state(atomic_load(&actor->tid)) == 'S';
		poll(NULL, 0, 1);
	}
	return asleep >= 7;
}

bool actor_rests(struct actor *actor)
{
	if (!atomic_load(&actor->tid) || !atomic_load(&actor->busy) ||
	    atomic_load(&actor->in_gate))
		return true;
	return sleeps(actor) && atomic_load(&actor->busy);
}

/* -- helpers -- */

static struct helper {
	struct actor actor;
	pthread_t thread;
	const char *name;
	int go[2], done[2];
} helpers[NR_HELPERS] = { { .name = "S.bg" }, { .name = "S.bg2" } };

static long (*run_line)(const char *line);

static void *helper_main(void *arg)
{
	struct helper *h = arg;
	char line[LINE_MAX_LEN];
	ssize_t n;
	long ret;

	actor_begin(&h->actor, h->name);
	while ((n = read(h->go[0], line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		if (!*line)	/* the end */
			break;
		ret = run_line(line);
		if (write(h->done[1], &ret, sizeof(ret)) != sizeof(ret))
			break;
		atomic_store(&h->actor.busy, false);
	}
	actor_end(&h->actor);
	return NULL;
}

static void helper_start(struct helper *h)
{
	if (pipe2(h->go, O_CLOEXEC | O_DIRECT) ||
	    pipe2(h->done, O_CLOEXEC | O_DIRECT) ||
	    pthread_create(&h->thread, NULL, helper_main, h)) {
		perror("a helper");
		_exit(3);
	}
	while (!atomic_load(&h->actor.tid))
		sched_yield();
}

void helpers_start(long (*run)(const char *line))
{
	run_line = run;
	for (int i = 0; i < NR_HELPERS; i++)
		helper_start(&helpers[i]);
}

long helper_tell(int nr, const char *line)
{
	struct helper *h = &helpers[nr];

	atomic_store(&h->actor.busy, true);
	return write(h->go[1], line, strlen(line)) < 0 ? -errno : 0;
}

long helper_join(int nr)
{
	long ret;

	if (read(helpers[nr].done[0], &ret, sizeof(ret)) != sizeof(ret))
		return -1;
	return ret;
}

void helpers_end(void)
{
	for (int i = 0; i < NR_HELPERS; i++) {
		struct helper *h = &helpers[i];

		if (write(h->go[1], "", 1) != 1)
			perror("a helper");
		pthread_join(h->thread, NULL);
		for (int end = 0; end < 2; end++) {
			close(h->go[end]);
			close(h->done[end]);
		}
	}
}

bool helpers_rest(void)
{
	for (int i = 0; i < NR_HELPERS; i++)
		if (!actor_rests(&helpers[i].actor))
			return false;
	return true;
}
