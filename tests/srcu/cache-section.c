// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ORDER(cache-section), store buffering:
 *
 *	updater				reader
 *	unlinked = round		word = INSIDE
 *	membarrier			unlinked?
 *	mark the word, wait		... not yet: freed?
 *	freed = round			word = IDLE
 *
 * [Forbidden: not unlinked, and then freed inside the section.]
 */
#include "cache/cache.h"
#include "../cache/registrar.h"
#include "litmus.h"

static struct mmun_regcache *cache;
static struct {
	_Alignas(64) uint64_t round;
} unlinked, freed, ballast[8];

static void updater(uint64_t round)
{
	struct grace grace;

	mmun_write(&unlinked.round, round);
	grace = mmun_cache_begin_grace(cache_of(cache));
	mmun_cache_wait_for_grace(cache_of(cache), &grace);
	mmun_write(&freed.round, round);
}

/* The stores of before make the word late, as late as hardware will have it. */
static bool reader(uint64_t round)
{
	bool forbidden = false;
	unsigned int section;

	for (int i = 0; i < 8; i++)
		mmun_write(&ballast[i].round, round);
	section = mmun_regcache_read_lock(cache);
	if (mmun_read(&unlinked.round) != round)
		for (int i = 0; i < 200 && !forbidden; i++) {
			forbidden = mmun_read(&freed.round) == round;
			mmun_cpu_relax();
		}
	mmun_regcache_read_unlock(cache, section);
	return forbidden;
}

int main(int argc, char **argv)
{
	cache = new_cache(new_mm(), NULL);
	return litmus(argc, argv,
		      "cache-section: what a section found is not freed in it",
		      NULL, updater, reader);
}
