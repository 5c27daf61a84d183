/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_TRACE_H
#define CONFORMANCE_TRACE_H
/*
 * What the callbacks of a subject have said, in memory that it shares with the
 * runner: nothing is lost when it dies.
 */
#include <stdbool.h>
#include <stddef.h>

/* Who speaks: "S", "S.bg"; NULL in a thread of the library's own. */
extern __thread const char *task_name;

/* New and empty.  Return: a descriptor for the subject. */
int trace_create(void);
/* In the subject, and in the runner. */
void trace_map(int fd);
/* Say nothing until it is false again. */
void trace_mute(bool mute);
/* How many lines there have been. */
unsigned int trace_lines(void);

/*
 * Write a line.  Context: any callback; nothing is allocated, no lock is waited
 * for that is held for longer than a line takes.
 */
__attribute__((format(printf, 1, 2))) void tr(const char *fmt, ...);

/* Call @line with each line that is new since.  Context: the runner. */
void trace_drain(void (*line)(void *arg, char *text), void *arg);

#endif /* CONFORMANCE_TRACE_H */
