// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>

#include "base/srcu.h"

/* At a fixed address, as liburcu's state, and as the domain of mm_self(). */
static MMUN_SRCU_STATIC(domain);

/* A thread needs nothing; the first one makes the domain. */
static void attach(void)
{
	if (!domain.srcu.nslots)
		mmun_srcu_init_static(&domain.srcu);
}

static void detach(void)
{
}

static inline unsigned int enter(void)
{
	return mmun_srcu_read_lock(&domain.srcu);
}

static inline void leave(unsigned int token)
{
	mmun_srcu_read_unlock(&domain.srcu, token);
}

static void wait_for_readers(void)
{
	mmun_srcu_synchronize(&domain.srcu);
}

#include "reader_loops.h"

const struct reader reader_mmunotify = READER("mmunotify");
