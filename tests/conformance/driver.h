/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_DRIVER_H
#define CONFORMANCE_DRIVER_H
/* Runs a scenario against the library, in a fresh process. */
#include "scenario.h"
#include "text.h"
#include "version.h"

/*
 * Add its trace:
 *
 *	== NAME
 *	  > COMMAND  => RESULT (what it means)
 *	    SEQ TASK EVENT
 *	== end
 */
void run_scenario(const struct scenario *sc, struct version version,
		  struct text *trace);

/* What the subject is started with. */
int subject_from_args(int argc, char **argv);

#endif /* CONFORMANCE_DRIVER_H */
