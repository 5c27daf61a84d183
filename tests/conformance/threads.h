/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_THREADS_H
#define CONFORMANCE_THREADS_H
/* The helper threads of S, and when they have come to rest. */
#include <stdatomic.h>
#include <stdbool.h>

/* A thread that is waited for until it has nothing to do, or waits itself. */
struct actor {
	atomic_int tid;		/* 0: there is none */
	atomic_bool busy;
	atomic_bool in_gate;
};

void actor_begin(struct actor *actor, const char *name);
void actor_end(struct actor *actor);
/* Does it wait, for what does not come by itself?  Context: another thread. */
bool actor_rests(struct actor *actor);

/* "bg:", "bg2:" */
#define NR_HELPERS 2

void helpers_start(long (*run)(const char *line));
/* Return: 0, or a negative errno. */
long helper_tell(int nr, const char *line);
/* Until it has done what it was told.  Return: its result. */
long helper_join(int nr);
/* They end, when what they do is done. */
void helpers_end(void);
bool helpers_rest(void);

#endif /* CONFORMANCE_THREADS_H */
