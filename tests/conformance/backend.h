/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_BACKEND_H
#define CONFORMANCE_BACKEND_H
/*
 * Whom a scenario is run against.  Commands about memory are made by the runner
 * itself (memory.c); all others are the back end's.
 *
 *	library		this library, in the subject's process (library.c)
 *	kernel		a module of a real kernel, by /dev/mnoracle (kernel.c)
 */
#include <stdbool.h>

/* A kernel's version; what it decides is listed in README.md. */
struct version {
	unsigned int major, minor;
};

static inline bool since(struct version v, unsigned int major,
			 unsigned int minor)
{
	return v.major > major || (v.major == major && v.minor >= minor);
}

struct backend {
	const char *name;
	/*
	 * The objects live in the subject: it serves the parent's commands, too,
	 * and nothing is waited for by sleeping.
	 */
	bool in_subject;
	/* Return: 0 or a negative errno. */
	long (*command)(const char *line);
	/* Call @line with each line of trace that is new. */
	void (*drain)(void (*line)(void *arg, char *text), void *arg);
};

extern const struct backend library_backend, kernel_backend;

#endif /* CONFORMANCE_BACKEND_H */
