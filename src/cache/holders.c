// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cache/holders.h"

static uint64_t *count_on(const struct region *r, uint32_t cpu)
{
	return counts_of(r) + cpu * COUNTS_PER_PAGE;
}

static uint64_t count_everywhere(const struct region *r)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < cache_of_region(r)->srcu->ncpus; cpu++)
		sum += mmun_read(count_on(r, cpu));
	return sum;
}

/* Pages that no CPU has written to stay unwritten. */
static void forget_counts(struct region *r)
{
	for (uint32_t cpu = 0; cpu < cache_of_region(r)->srcu->ncpus; cpu++)
		if (mmun_read(count_on(r, cpu)))
			mmun_write(count_on(r, cpu), 0);
}

/* ORDER(cache-counts): after the grace period; pairs with hold_region_here(). */
void mmun_cache_sum_up(struct region *r)
{
	uint64_t more = count_everywhere(r) - REF_BIAS;

	forget_counts(r);
	if (!((mmun_fetch_add(&r->refs, more) + more) & REF_HOLDERS))
		mmun_cache_ready(r);
}

bool mmun_cache_is_held(const struct region *r)
{
	uint64_t refs = mmun_read(&r->refs) + count_everywhere(r) - REF_BIAS;

	return refs & REF_HOLDERS;
}

static void add_gets(struct region *r, void *sum)
{
	*(uint64_t *)sum += REF_GETS(mmun_read(&r->refs) + count_everywhere(r));
}

uint64_t mmun_cache_count_gets(struct cache *c)
{
	uint64_t gets = 0;

	mmun_cache_for_each_region(c, add_gets, &gets);
	return gets;
}
