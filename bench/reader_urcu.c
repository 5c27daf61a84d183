// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compiled once per flavour of liburcu, with its read side inlined. */
#define _LGPL_SOURCE

#if defined(FLAVOUR_MEMB)
#include <urcu/urcu-memb.h>
#define URCU(name) urcu_memb_##name
#define READER_NAME reader_urcu_memb
#define TITLE "urcu-memb"
#elif defined(FLAVOUR_BP)
#include <urcu/urcu-bp.h>
#define URCU(name) urcu_bp_##name
#define READER_NAME reader_urcu_bp
#define TITLE "urcu-bp"
#elif defined(FLAVOUR_QSBR)
#include <urcu/urcu-qsbr.h>
#define URCU(name) urcu_qsbr_##name
#define READER_NAME reader_urcu_qsbr
#define TITLE "urcu-qsbr"
#endif

static void attach(void)
{
	URCU(register_thread)();
	/* The bulletproof flavour registers at the first read section. */
	URCU(read_lock)();
	URCU(read_unlock)();
}

static void detach(void)
{
	URCU(unregister_thread)();
}

static inline unsigned int enter(void)
{
	URCU(read_lock)();
	return 0;
}

static inline void leave(unsigned int token)
{
	(void)token;
	URCU(read_unlock)();
#ifdef FLAVOUR_QSBR
	/* Its sections cost nothing because this has to follow them. */
	URCU(quiescent_state)();
#endif
}

static void wait_for_readers(void)
{
	URCU(synchronize_rcu)();
}

#include "reader_loops.h"

const struct reader READER_NAME = READER(TITLE);
