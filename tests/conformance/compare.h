/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_COMPARE_H
#define CONFORMANCE_COMPARE_H
/* Two traces of a scenario, command by command and line by line. */
#include "canon.h"
#include "text.h"

enum verdict { EQUAL, LISTED, DIFFERENT };

/*
 * Add what differs, with - before the kernel's lines and + before ours, and, in
 * *rules, the names of the differences that were found as they are listed.
 */
enum verdict compare(struct canon *kernel, struct canon *ours,
		     struct text *diff, char *rules, size_t room);

/* differences.c: how the two may differ in a command. */
struct side {
	struct canon *canon;
	int from, to;		/* the command's events */
};

/*
 * Take what is listed out of the side that has it.  Return: the name of the
 * difference, or NULL: there is none that fits.
 */
const char *apply_difference(struct side *kernel, struct side *ours);
void print_differences(FILE *to);

#endif /* CONFORMANCE_COMPARE_H */
