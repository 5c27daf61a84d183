// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ORDER(srcu-bank): both banks are waited for.
 *
 * A reader loads idx, and a grace period goes by before it counts itself into
 * that bank, which by then nobody enters any more.  The next grace period must
 * find it there.  No race is needed: each round is certain.
 */
#include "late_reader.h"
#include "threads.h"

#ifdef LITMUS_MUTANT
enum { is_mutant = 1 };
#else
enum { is_mutant = 0 };
#endif

/* Does a grace period complete while a reader is in that came so late? */
static bool missed(struct mmun_srcu *sp, int flips)
{
	unsigned int bank = mmun_read(&sp->idx);
	uint64_t target;
	bool missed;

	for (int i = 0; i < flips; i++)
		mmun_srcu_synchronize(sp);
	enter_late(sp, bank);
	target = mmun_srcu_gp_target(sp);
	missed = mmun_srcu_gp_poll(sp, target);
	mmun_srcu_read_unlock(sp, bank);
	if (!missed && !mmun_srcu_gp_poll(sp, target))
		bail("the grace period does not end");
	return missed;
}

int main(void)
{
	struct mmun_srcu *sp = mmun_srcu_create();

	tap_begin(20);
	if (!sp)
		bail("out of memory");
	for (int flips = 0; flips < 4; flips++)
		ok(missed(sp, flips) == (is_mutant && flips % 2),
		   "srcu-bank: a reader late by %d flips is %s", flips,
		   is_mutant && flips % 2 ? "missed" : "waited for");
	mmun_srcu_free(sp);
	return tap_end();
}
