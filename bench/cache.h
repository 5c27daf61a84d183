/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCH_CACHE_H
#define BENCH_CACHE_H
/*
 * Caches that are measured side by side.  Region i covers layout->region bytes from
 * region_at(i) on; its handle is 0, so that the next address can depend on it.
 */
#include <stdbool.h>
#include <stddef.h>

struct layout {
	unsigned long base, region, stride;
};

extern const struct layout *layout;

static inline unsigned long region_at(unsigned long i)
{
	return layout->base + i * layout->stride;
}

/* Of a region that nobody looks up. */
static inline unsigned long again_at(void)
{
	return layout->base - layout->stride;
}

/* What a case looks up. */
struct lookups {
	unsigned long *addresses;
	unsigned long mask;
	bool dependent;		/* each address on the result before it */
	unsigned long at;	/* where the next batch begins */
	unsigned long sum;	/* of what was found */
};

struct peer {
	const char *name;
	/* Return: NULL, or why it cannot be measured here. */
	const char *(*build)(unsigned long regions);
	void (*destroy)(void);
	void (*hit)(void *lookups, long n);
	/* Invalidate the region at again_at(), and register it again. */
	void (*again)(void *unused, long n);
};

extern const struct peer peer_ucx, peer_libfabric;

#endif /* BENCH_CACHE_H */
