// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libfabric's MR cache, through fi_mr_reg() and fi_close() of its provider "verbs", on
 * the device of tests/stacking/fake_verbs.c, whose registrations do nothing.
 */
#include "bench.h"
#include "cache.h"

#ifdef HAVE_LIBFABRIC
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>

static struct fid_fabric *fab;
static struct fi_info *info;
static struct fid_domain *domain;

static struct fid_mr *find(unsigned long addr, size_t len)
{
	struct fid_mr *mr;

	if (fi_mr_reg(domain, (void *)addr, len, FI_RECV, 0, 0, 0, &mr, NULL))
		abort();
	return mr;
}

static const char *load(void)
{
	struct fi_info *(*dupinfo)(const struct fi_info *info);
	int (*getinfo)(uint32_t version, const char *node, const char *service,
		       uint64_t flags, const struct fi_info *hints,
		       struct fi_info **info);
	int (*fabric)(struct fi_fabric_attr *attr, struct fid_fabric **fabric,
		      void *context);
	struct fi_info *hints;
	void *lib;

	setenv("FI_MR_CACHE_MONITOR", "memhooks", 1);
	setenv("FI_MR_CACHE_MAX_COUNT", "100000000", 1);
	setenv("FI_MR_CACHE_MAX_SIZE", "-1", 1);
	setenv("FI_PROVIDER", "^ofi_rxd,ofi_rxm", 0);
	lib = dlopen("libfabric.so.1", RTLD_NOW | RTLD_GLOBAL);
	if (!lib)
		return "libfabric cannot be loaded";
	*(void **)&dupinfo = dlvsym(lib, "fi_dupinfo", "FABRIC_1.3");
	*(void **)&getinfo = dlvsym(lib, "fi_getinfo", "FABRIC_1.3");
	*(void **)&fabric = dlvsym(lib, "fi_fabric", "FABRIC_1.1");
	if (!dupinfo || !getinfo || !fabric)
		return "libfabric has other versions of its calls";
	hints = dupinfo(NULL);
	hints->fabric_attr->prov_name = strdup("verbs");
	hints->ep_attr->type = FI_EP_DGRAM;
	hints->mode = ~0ULL;
	hints->domain_attr->mr_mode = ~(FI_MR_BASIC | FI_MR_SCALABLE);
	if (getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info) ||
	    fabric(info->fabric_attr, &fab, NULL))
		return "libfabric does not find the device";
	return NULL;
}

static const char *build(unsigned long regions)
{
	const char *failure = fab ? NULL : load();

	if (failure)
		return failure;
	if (!domain && fi_domain(fab, info, &domain, NULL))
		return "fi_domain failed";
	for (unsigned long i = 0; i < regions; i++)
		fi_close(&find(region_at(i), layout->region)->fid);
	return NULL;
}

/* The domain stays: the next build adds to what is there. */
static void destroy(void)
{
}

static void hit(void *arg, long n)
{
	struct lookups *l = arg;
	const unsigned long *addresses = l->addresses;
	unsigned long mask = l->mask, at = l->at, sum = 0, handle = 0;

	for (long i = 0; i < n; i++) {
		struct fid_mr *mr = find(addresses[(at + i + handle) & mask],
					 4096);

		if (l->dependent)
			handle = (unsigned long)mr >> 63;
		else
			sum += (unsigned long)mr >> 63;
		fi_close(&mr->fid);
	}
	l->at = at + n;
	l->sum = sum + handle;
}

/* Nothing is mapped there: its hook hears of it all the same. */
static void again(void *unused, long n)
{
	(void)unused;
	while (n--) {
		munmap((void *)again_at(), layout->region);
		fi_close(&find(again_at(), layout->region)->fid);
	}
}

const struct peer peer_libfabric = { "libfabric", build, destroy, hit, again };
#else
static const char *build(unsigned long regions)
{
	(void)regions;
	return "built without rdma/fi_domain.h";
}

const struct peer peer_libfabric = { .name = "libfabric", .build = build };
#endif
