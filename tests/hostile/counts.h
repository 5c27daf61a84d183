/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COUNTS_H
#define COUNTS_H
/*
 * What all listeners of a run have counted, in a file that each of them maps: no
 * descriptor, memory or orderly end is needed to tell.
 */
#include <stdatomic.h>

struct counts {
	atomic_long processes;	/* that listened */
	atomic_long starts;
	atomic_long ends;
	atomic_long lonely;	/* ends without a start in their thread */
};

#endif /* COUNTS_H */
