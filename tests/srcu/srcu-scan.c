// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ORDER(srcu-scan): a scan sums the unlocks before the locks.
 *
 * One reader stays in its section.  Others, late, come and go in the same bank
 * on another CPU while the bank is scanned.  Summed the other way round, one
 * that came and went between the two sums makes up for the one that stays.
 *
 * [Forbidden: the grace period completes while he is in.]
 */
#include "late_reader.h"
#include "litmus.h"

static struct mmun_srcu *domain;
static unsigned int bank;
static uint64_t target;

static void begin_grace_period(uint64_t round)
{
	(void)round;
	bank = mmun_srcu_read_lock(domain);
	target = mmun_srcu_gp_target(domain);
	mmun_srcu_gp_poll(domain, target);	/* as far as the last scan */
}

static void come_and_go(uint64_t round)
{
	uint64_t rng = round + 1;

	for (int i = 0; i < 20; i++) {
		enter_late(domain, bank);
		mmun_srcu_read_unlock(domain, bank);
		litmus_skew(&rng);
	}
}

static bool scan(uint64_t round)
{
	bool forbidden = false;

	(void)round;
	for (int i = 0; i < 20 && !forbidden; i++)
		forbidden = mmun_srcu_gp_poll(domain, target);
	mmun_srcu_read_unlock(domain, bank);
	return forbidden;
}

int main(int argc, char **argv)
{
	domain = mmun_srcu_create();
	if (!domain)
		bail("out of memory");
	return litmus(argc, argv,
		      "srcu-scan: readers passing through hide none that stays",
		      begin_grace_period, come_and_go, scan);
}
