// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ORDER(srcu-enter), store buffering:
 *
 *	updater				reader
 *	unlinked = round		enter the section
 *	synchronize			unlinked?
 *	freed = round			... not yet: freed?
 *					leave
 *
 * [Forbidden: not unlinked, and then freed inside the section.]
 *
 * The reader's stores of before make its store buffer slow to drain, so that
 * its count is late, as late as hardware will have it.
 */
#include "base/srcu.h"
#include "litmus.h"

static struct mmun_srcu *domain;
static struct {
	_Alignas(64) uint64_t round;
} unlinked, freed, ballast[8];

static void updater(uint64_t round)
{
	for (int i = 0; i < 8; i++)
		mmun_write(&ballast[i].round, round);
	mmun_write(&unlinked.round, round);
	mmun_srcu_synchronize(domain);
	mmun_write(&freed.round, round);
}

static bool reader(uint64_t round)
{
	bool forbidden = false;
	unsigned int bank;

	for (int i = 0; i < 8; i++)
		mmun_write(&ballast[i].round, round);
	bank = mmun_srcu_read_lock(domain);
	if (mmun_read(&unlinked.round) != round)
		for (int i = 0; i < 50 && !forbidden; i++) {
			forbidden = mmun_read(&freed.round) == round;
			mmun_cpu_relax();
		}
	mmun_srcu_read_unlock(domain, bank);
	return forbidden;
}

int main(int argc, char **argv)
{
	domain = mmun_srcu_create();
	if (!domain)
		bail("out of memory");
	return litmus(argc, argv,
		      "srcu-enter: what a section found is not freed in it",
		      NULL, updater, reader);
}
