// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory of regions is never anything else while the cache exists: whoever has an
 * old pointer to one finds a region, if another one.  It comes from the system
 * directly: c->lock is held, and no event may come of it.
 */
#include "base/pages.h"
#include "cache/holders.h"

enum { SLAB_MIN = 64 << 10, SLAB_MAX = 4 << 20 };

void mmun_cache_free_chunks(struct chunk *chunk)
{
	struct chunk *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		mmun_unmap_pages(chunk, chunk->size);
	}
}

/*
 * A slab is a line of its own, what lookups read of each region, the regions, and
 * pages of their counts: the first COUNTS_PER_PAGE regions' on CPU 0, on CPU 1, ...,
 * the next ones' on CPU 0, ...
 * With few CPUs they are in the same huge pages; with many, pages of CPUs that
 * never hold a region are not to be there.
 */
#define COUNTS_PAGE (1UL << COUNTS_SHIFT)
enum { FEW_CPUS = 8 };

static size_t regions_in(size_t size, uint32_t ncpus)
{
	size_t line = 64, counts = ncpus * sizeof(uint64_t);
	size_t region = line + sizeof(struct region);

	if (ncpus > FEW_CPUS)
		return (size - line) / region;
	return (size - line - ncpus * COUNTS_PAGE) / (region + counts);
}

static size_t counts_size(size_t nr, uint32_t ncpus)
{
	return (nr + COUNTS_PER_PAGE - 1) / COUNTS_PER_PAGE * ncpus * COUNTS_PAGE;
}

static struct region *region_at(struct chunk *slab, size_t i)
{
	return (struct region *)((char *)slab + 64 + slab->nr * 64) + i;
}

static struct mmun_regcache_region *pub_at(struct chunk *slab, size_t i)
{
	return (struct mmun_regcache_region *)((char *)slab + 64) + i;
}

/* The counts are the end of the slab. */
static uint64_t *counts_at(struct chunk *slab, uint32_t ncpus, size_t i)
{
	uint64_t *counts = (uint64_t *)((char *)slab + slab->size -
					counts_size(slab->nr, ncpus));

	return counts + i / COUNTS_PER_PAGE * ncpus * COUNTS_PER_PAGE +
	       i % COUNTS_PER_PAGE;
}

void mmun_cache_for_each_region(struct cache *c,
				void (*call)(struct region *r, void *arg), void *arg)
{
	for (struct chunk *slab = c->slabs; slab; slab = slab->next)
		for (size_t i = 0; i < slab->nr; i++)
			call(region_at(slab, i), arg);
}

static bool add_slab(struct cache *c)
{
	size_t used = c->slab_size ?: SLAB_MIN, size = used;
	uint32_t ncpus = c->srcu->ncpus;
	size_t nr = regions_in(used, ncpus);
	struct chunk *slab;

	/* A multiple of what it begins as, so that huge pages fit. */
	if (ncpus > FEW_CPUS)
		size += (counts_size(nr, ncpus) + used - 1) / used * used;
	slab = mmun_map_pages(size, used);
	if (!slab)
		return false;
	slab->size = size;
	slab->nr = nr;
	slab->next = c->slabs;
	c->slabs = slab;
	if (used < SLAB_MAX)
		c->slab_size = used * 2;
	for (size_t i = 0; i < nr; i++) {
		struct region *r = region_at(slab, i);

		r->pub = pub_at(slab, i);
		r->pub->mmun_word = R_DEAD;
		r->pub->mmun_private[0] = c;
		r->pub->mmun_private[1] = counts_at(slab, ncpus, i);
		r->pub->mmun_private[2] = r;
		r->next = c->free;
		c->free = r;
	}
	return true;
}

static struct region *take_free(struct cache *c)
{
	struct region *r;

	if (!c->free && !add_slab(c))
		return NULL;
	r = c->free;
	c->free = r->next;
	return r;
}

struct region *mmun_cache_alloc_region(struct cache *c, struct region *spare)
{
	struct region *r = spare ?: take_free(c);

	if (!r)
		return NULL;
	mmun_write(&r->refs, REF_ONE);
	mmun_write(&r->gets, r->gets + 1);
	r->registered = false;
	r->listed = false;
	r->error = 0;
	mmun_write(&r->done, 0);
	mmun_write(&r->waiters, 0);
	return r;
}

void mmun_cache_free_region(struct region *r)
{
	struct cache *c = cache_of_region(r);

	r->next = c->free;
	c->free = r;
}
