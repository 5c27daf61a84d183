// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* No protection at all: the floor. */
static void attach(void)
{
}

static void detach(void)
{
}

static inline unsigned int enter(void)
{
	return 0;
}

static inline void leave(unsigned int token)
{
	(void)token;
}

static void wait_for_readers(void)
{
}

#include "reader_loops.h"

const struct reader reader_none = READER("none");
