// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cache/holders.h"

static uint64_t *count_on(const struct region *r, uint32_t cpu)
{
	return counts_of_pub(r->pub) + cpu * COUNTS_PER_PAGE;
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

/*
 * ORDER(cache-counts): after the grace period; nobody writes what is read here.
 */
void mmun_cache_sum_up(struct region *r)
{
	uint64_t counts = count_everywhere(r) - REF_BIAS + REF_ONE;
	uint64_t refs = mmun_read(&r->refs);

	forget_counts(r);
	while (!mmun_cas(&r->refs, &refs, (refs + counts) & REF_HOLDERS))
		;
	mmun_fetch_add(&r->gets, (refs + counts) >> COUNT_GETS);
}

bool mmun_cache_is_held(const struct region *r)
{
	return (mmun_read(&r->refs) + count_everywhere(r)) & REF_HOLDERS;
}

/* While others count, a put may be seen before its get. */
static void add_gets(struct region *r, void *sum)
{
	uint64_t refs = mmun_read(&r->refs);
	int64_t counts = refs + count_everywhere(r);

	if (refs & (REF_BIAS | REF_BIAS >> 1))
		counts -= REF_BIAS;
	*(uint64_t *)sum += mmun_read(&r->gets) +
			    (counts > 0 ? counts >> COUNT_GETS : 0);
}

uint64_t mmun_cache_count_gets(struct cache *c)
{
	uint64_t gets = 0;

	mmun_cache_for_each_region(c, add_gets, &gets);
	return gets;
}
