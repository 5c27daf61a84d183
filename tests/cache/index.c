// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the cache keeps beside its tree, after random registrations and deaths: the
 * index leads to what is listed and to nothing else, and its counts are true.  And the
 * hash of lookups in line, which is a multiplication by what a search has found.
 *
 *	cache-index [-s seed]
 */
#include <time.h>
#include <unistd.h>

#include "cache/cache.h"
#include "../srcu/threads.h"
#include "registrar.h"

enum { ROUNDS = 40, STEPS = 250, HELD = 16 };

static struct mm_struct *mm;
static struct mmun_regcache *cache;
static struct mmun_regcache_region *held[HELD];
static uint64_t seed;

static uint64_t below(uint64_t limit)
{
	return (next_random(&seed) >> 11) % limit;
}

/* -- what must be so -- */

struct sum {
	uint64_t listed, of_level[NR_LEVELS];
};

static void add_up(struct region *r, void *arg)
{
	struct sum *sum = arg;
	unsigned long granules = (r->pub->end - r->pub->start) / GRANULE;
	unsigned int level = 0;

	if (!r->listed)
		return;
	while (granules >> 2 * (level + 1))
		level++;
	sum->listed++;
	sum->of_level[level]++;
}

static bool are_counts_true(struct cache *c)
{
	struct sum sum = { 0 };
	bool all = true;

	mmun_cache_for_each_region(c, add_up, &sum);
	for (unsigned int level = 0; level < NR_LEVELS; level++)
		all &= sum.of_level[level] == c->nr_of_level[level] &&
		       !sum.of_level[level] == !(c->levels & 1U << level);
	return all && sum.listed == c->stats.regions;
}

static bool is_index_true(struct cache *c)
{
	uint64_t taken = 0;

	for (uint64_t i = 0; i < 1ULL << c->index->bits; i++) {
		uint64_t slot = c->index->slots[i];

		if (slot == mmun_cache_empty_slot())
			continue;
		if (!region_of((void *)(slot & ~63ULL))->listed)
			return false;
		taken++;
	}
	return taken == c->taken;
}

/* -- what happens -- */

/* A page, or some, or very many; near each other, or at either end of it all. */
static void choose(unsigned long *addr, size_t *len)
{
	const unsigned long top = -(unsigned long)GRANULE;

	*len = 1 + below(1ULL << (12 + below(below(4) ? 8 : 50)));
	switch (below(8)) {
	case 0:
		*addr = below(1 << 22);
		break;
	case 1:
		*addr = top - *len - below(1 << 20);
		break;
	default:
		*addr = 0x7f0000000000 + below(1ULL << (22 + below(10)));
	}
	if (*addr > top || *len > top - *addr)
		*len = 1;
}

static void step(void)
{
	struct mmun_regcache_region **place = &held[below(HELD)];
	unsigned long addr;
	size_t len;

	choose(&addr, &len);
	switch (below(8)) {
	case 0:
		invalidate(mm, addr, addr + GRANULE);
		break;
	case 1:
		mmun_regcache_reclaim(cache);
		break;
	case 2:
		mmun_regcache_put(*place);
		*place = must_find(cache, addr, len, 1 + below(3));
		break;
	default:
		touch(cache, addr, len, 1 + below(3));
	}
}

static void churn(const char *name, const struct mmun_regcache_attr *attr)
{
	bool counts = true, index = true;
	uint64_t most = 0;

	atomic_store(&nr_reg, 0);
	atomic_store(&nr_dereg, 0);
	mm = new_mm();
	cache = new_cache(mm, attr);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < STEPS; i++)
			step();
		if (cache_of(cache)->stats.regions > most)
			most = cache_of(cache)->stats.regions;
		if (round % 8 == 7)
			mmun_regcache_flush(cache, 0, -1UL);
		counts &= are_counts_true(cache_of(cache));
		index &= is_index_true(cache_of(cache));
	}
	ok(counts, "%s: the counts of regions are true, of up to %llu", name,
	   (unsigned long long)most);
	ok(index, "%s: the index leads to all that it counts, and to no others", name);
	for (int i = 0; i < HELD; i++) {
		mmun_regcache_put(held[i]);
		held[i] = NULL;
	}
	mmun_regcache_destroy(cache);
	ok(!registered_now() && !nr_wrong, "%s: each registration was undone once", name);
	mmput(mm);
}

/* -- the hash -- */

enum { KEYS = 1000, BITS = 12 };

/* How many of a thousand keys find their place taken? */
static unsigned int taken_places(unsigned long step)
{
	bool taken[1 << BITS] = { false };
	unsigned int n = 0;

	for (unsigned long i = 0; i < KEYS; i++) {
		uint64_t hash = MMUN_REGCACHE_HASH(0x7f0000000 + i * step);

		n += taken[hash >> (64 - BITS)];
		taken[hash >> (64 - BITS)] = true;
	}
	return n;
}

static void progressions(void)
{
	/* By chance 113 of them would. */
	unsigned int worst = 0, sum = 0, steps = 0;

	for (unsigned int shift = 0; shift <= 12; shift++)
		for (unsigned long odd = 1; odd <= 17; odd += 2, steps++) {
			unsigned int n = taken_places(odd << shift);

			sum += n;
			if (odd <= 3 && n > worst)
				worst = n;
		}
	ok(worst <= 120, "keys at steps of 2^n and 3 * 2^n meet seldom: %u of %d", worst,
	   KEYS);
	ok(sum / steps < 113, "at others, less often than by chance on average: %u",
	   sum / steps);
}

int main(int argc, char **argv)
{
	const struct mmun_regcache_attr merging = { .flags = MMUN_REGCACHE_MERGE };
	const struct mmun_regcache_attr few = { .max_regions = 100 };

	tap_begin(60);
	seed = argc == 3 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) | 1;
	diag("seed %llu", (unsigned long long)seed);
	churn("beside each other", NULL);
	churn("merged", &merging);
	churn("few", &few);
	progressions();
	return tap_end();
}
