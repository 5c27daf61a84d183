// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory of regions is never anything else while the cache exists: whoever has an
 * old pointer to one finds a region, if another one.  It comes from the system
 * directly: c->lock is held, and no event may come of it.
 */
#include <string.h>
#include <sys/mman.h>

#include "cache/cache.h"

enum { SLAB_MIN = 64 << 10, SLAB_MAX = 4 << 20 };

/* The chunk's own line comes first. */
#define for_each_region(r, slab)                                               \
	for (struct region *r = (struct region *)((char *)(slab) + 64);        \
	     (char *)(r + 1) <= (char *)(slab) + (slab)->size; r++)

void *mmun_cache_map_chunk(size_t size)
{
	long at = mmun_syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at < 0 && at > -4096)
		return NULL;
	if (size >= SLAB_MAX)
		mmun_syscall(SYS_madvise, at, size, MADV_HUGEPAGE);
	return (void *)at;
}

void mmun_cache_unmap_chunk(struct chunk *chunk)
{
	mmun_syscall(SYS_munmap, chunk, chunk->size);
}

void mmun_cache_free_chunks(struct chunk *chunk)
{
	struct chunk *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		mmun_cache_unmap_chunk(chunk);
	}
}

void mmun_cache_for_each_region(struct cache *c,
				void (*call)(struct region *r, void *arg), void *arg)
{
	for (struct chunk *slab = c->slabs; slab; slab = slab->next)
		for_each_region(r, slab)
			call(r, arg);
}

uint64_t mmun_cache_count_gets(struct cache *c)
{
	uint64_t gets = 0;

	for (struct chunk *slab = c->slabs; slab; slab = slab->next)
		for_each_region(r, slab)
			gets += REF_GETS(mmun_read(&r->refs));
	return gets;
}

static bool add_slab(struct cache *c)
{
	size_t size = c->slab_size ?: SLAB_MIN;
	struct chunk *slab = mmun_cache_map_chunk(size);

	if (!slab)
		return false;
	slab->size = size;
	slab->next = c->slabs;
	c->slabs = slab;
	if (size < SLAB_MAX)
		c->slab_size = size * 2;
	for_each_region(r, slab) {
		r->pub.mmun_word = R_DEAD;
		r->cache = c;
		r->next = c->free;
		c->free = r;
	}
	return true;
}

struct region *mmun_cache_alloc_region(struct cache *c)
{
	struct region *r;

	if (!c->free && !add_slab(c))
		return NULL;
	r = c->free;
	c->free = r->next;
	mmun_write(&r->refs, (r->refs & ~REF_HOLDERS) + REF_GET);
	r->registered = false;
	r->listed = false;
	r->error = 0;
	mmun_write(&r->done, 0);
	mmun_write(&r->waiters, 0);
	return r;
}

void mmun_cache_free_region(struct region *r)
{
	r->next = r->cache->free;
	r->cache->free = r;
}
