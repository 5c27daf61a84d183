/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_SUBJECT_H
#define CONFORMANCE_SUBJECT_H
/*
 * The subject S: a fresh process.  The runner starts it by exec, and tells it what
 * to do, a command per message.
 */
#include "version.h"

/* Where S's notifiers are registered; see subject.c. */
enum placement {
	ON_SELF,	/* on mm_self() */
	ON_SOFTWARE,	/* on a software mm, which mm_self()'s events are passed on to */
};

struct subject_args {
	int s_fd;			/* commands of S */
	int parent_fd;			/* ... of the parent */
	int trace_fd;
	enum placement placement;
	bool bridged;			/* the parent has memory commands */
	struct version version;		/* of the kernel that is compared with */
};

struct reply {
	enum { REPLY_RESULT, REPLY_READY, REPLY_DEAD } kind;
	long result;
};

/* To the parent's side, beside its commands. */
#define SAY_REST "\001rest"	/* until nothing moves any more */
#define SAY_FINISH "\001finish"	/* the scenario is over */

int subject_main(const struct subject_args *args);

#endif /* CONFORMANCE_SUBJECT_H */
