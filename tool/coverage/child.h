/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_CHILD_H
#define COVERAGE_CHILD_H
/* One operation under one observer, in a process of its own. */

#include <stdbool.h>
#include <stddef.h>

#define PROBE_ROW (-1)	/* start the observer, and no more */

struct order {
	int row;
	const char *observer;
	int fd;			/* of all reports */
	size_t slot;		/* of this one */
	bool unprivileged;
};

/* Return: an exit status. */
int child_run(const struct order *order);
/* In the program that was executed instead: is the page gone? */
int child_is_gone(int fd, size_t slot, const char *victim);

#endif /* COVERAGE_CHILD_H */
