/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_OBSERVER_H
#define COVERAGE_OBSERVER_H
/*
 * Who watches an operation: a choice of our sources, or a peer.  A peer is loaded
 * at run time, when it is installed.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ops.h"
#include "report.h"

struct observer {
	const char *name;
	const char *column;	/* of the table, four letters */
	const char *what;	/* in words */
	const char *arg;	/* the sources to choose, or the peer's monitor */
	bool ours;
	/* Put into the environment before the process starts. */
	int (*environment)(const struct observer *o);
	/* Return: 0, or -1 with the reason in the report. */
	int (*start)(const struct observer *o, struct report *r);
	/* Somebody caches what is known of this memory. */
	void (*watch)(const struct subject *s, struct report *r);
	/* After the operation: was it told, or could it have been? */
	void (*ask)(const struct subject *s, struct report *r);
};

const struct observer *observer_at(size_t i);
extern const size_t nr_observers;

/* Not in the list: nobody watches; and nobody holds the page either. */
extern const struct observer nobody, nobody_at_all;

extern const struct observer observer_ucm, observer_lf_memhooks,
	observer_lf_uffd;

const struct observer *find_observer(const char *name);

#endif /* COVERAGE_OBSERVER_H */
