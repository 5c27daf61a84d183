// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UCX's ucs_rcache, with a registrar that does nothing. */
#include "bench.h"
#include "cache.h"

#ifdef HAVE_UCS
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucm/api/ucm.h>
#include <ucs/memory/rcache.h>

static ucs_rcache_t *cache;
static __typeof__(ucs_rcache_create) *create;
static __typeof__(ucs_rcache_destroy) *destroy_cache;
static __typeof__(ucs_rcache_get) *get;
static __typeof__(ucs_rcache_region_put) *put;
static void (*unmapped)(void *addr, size_t length);

struct region {
	ucs_rcache_region_t super;
	unsigned long handle;
};

static ucs_status_t reg(void *context, ucs_rcache_t *rcache, void *arg,
			ucs_rcache_region_t *region, uint16_t flags)
{
	(void)context;
	(void)rcache;
	(void)arg;
	(void)flags;
	((struct region *)region)->handle = 0;
	return UCS_OK;
}

static void dereg(void *context, ucs_rcache_t *rcache,
		  ucs_rcache_region_t *region)
{
	(void)context;
	(void)rcache;
	(void)region;
}

static void dump(void *context, ucs_rcache_t *rcache,
		 ucs_rcache_region_t *region, char *buf, size_t max)
{
	(void)context;
	(void)rcache;
	(void)region;
	(void)buf;
	(void)max;
}

static ucs_rcache_ops_t ops = { reg, dereg, dump };

static struct region *find(unsigned long addr, size_t len)
{
	ucs_rcache_region_t *region;

	if (get(cache, (void *)addr, len, PROT_READ | PROT_WRITE, NULL,
		&region) != UCS_OK)
		abort();
	return (struct region *)region;
}

/* libucm of Debian lacks its dependency on libucs. */
static const char *load(void)
{
	void *ucs = dlopen("libucs.so.0", RTLD_NOW | RTLD_GLOBAL);
	void *ucm = ucs ? dlopen("libucm.so.0", RTLD_NOW | RTLD_GLOBAL) : NULL;

	if (!ucm)
		return "libucs cannot be loaded";
	*(void **)&create = dlsym(ucs, "ucs_rcache_create");
	*(void **)&destroy_cache = dlsym(ucs, "ucs_rcache_destroy");
	*(void **)&get = dlsym(ucs, "ucs_rcache_get");
	*(void **)&put = dlsym(ucs, "ucs_rcache_region_put");
	*(void **)&unmapped = dlsym(ucm, "ucm_vm_munmap");
	if (!create || !destroy_cache || !get || !put || !unmapped)
		return "libucs has no rcache";
	return NULL;
}

static const char *build(unsigned long regions)
{
	ucs_rcache_params_t params = {
		.region_struct_size = sizeof(struct region),
		.alignment = 4096,
		.max_alignment = 4096,
		/* Beside libfabric's, UCM's own hooks are gone, which it refuses. */
		.ucm_events = UCM_EVENT_VM_UNMAPPED |
			      UCM_EVENT_FLAG_NO_INSTALL,
		.ucm_event_priority = 1000,
		.ops = &ops,
		.flags = UCS_RCACHE_FLAG_NO_PFN_CHECK,
		.max_regions = -1UL,
		.max_size = -1UL,
		.max_unreleased = -1UL,
	};
	const char *failure = create ? NULL : load();

	if (failure)
		return failure;
	if (create(&params, "bench", NULL, &cache) != UCS_OK)
		return "ucs_rcache_create failed";
	for (unsigned long i = 0; i < regions; i++)
		put(cache, &find(region_at(i), layout->region)->super);
	return NULL;
}

static void destroy(void)
{
	destroy_cache(cache);
}

static void hit(void *arg, long n)
{
	struct lookups *l = arg;
	const unsigned long *addresses = l->addresses;
	unsigned long mask = l->mask, at = l->at, sum = 0, handle = 0;

	for (long i = 0; i < n; i++) {
		struct region *region = find(addresses[(at + i + handle) & mask],
					     4096);

		if (l->dependent)
			handle = region->handle;
		else
			sum += region->handle;
		put(cache, &region->super);
	}
	l->at = at + n;
	l->sum = sum + handle;
}

static void again(void *unused, long n)
{
	(void)unused;
	while (n--) {
		unmapped((void *)again_at(), layout->region);
		put(cache, &find(again_at(), layout->region)->super);
	}
}

const struct peer peer_ucx = { "ucx", build, destroy, hit, again };
#else
static const char *build(unsigned long regions)
{
	(void)regions;
	return "built without ucs/memory/rcache.h";
}

const struct peer peer_ucx = { .name = "ucx", .build = build };
#endif
