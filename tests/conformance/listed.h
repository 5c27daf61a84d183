/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_LISTED_H
#define CONFORMANCE_LISTED_H
/*
 * The list of the shipped scenarios that differ, a line each:
 *
 *	NAME DIFFERENCE[,DIFFERENCE]... [FROM-VERSION] [BEFORE-VERSION]
 *
 * "secondary-tlb TLB - 6.6": before 6.6.
 */
#include "text.h"
#include "version.h"

struct listed {
	struct text text;
};

/* Return: 0, or -1 with a message written. */
int listed_read(struct listed *listed, const char *path);
/* By which differences it differs, "" by none. */
const char *listed_rules(const struct listed *listed, const char *name,
			 struct version version);

#endif /* CONFORMANCE_LISTED_H */
