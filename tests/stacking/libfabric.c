// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libfabric's memhooks.  Its provider "verbs" has a registration cache, and the
 * cache a monitor; the device is in fake_verbs.c.  A registration that is gone
 * from the cache when the next one is made has been invalidated.
 */
#include <dlfcn.h>
#include <string.h>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>

#include "fake_verbs.h"
#include "party.h"
#include "tap.h"

static const char *const libraries[] = { "libfabric.so.1", NULL };
static struct fid_domain *domain;

static bool present(void)
{
	return can_load(libraries);
}

static bool open_domain(void *lib)
{
	struct fi_info *(*dupinfo)(const struct fi_info *info);
	int (*getinfo)(uint32_t version, const char *node, const char *service,
		       uint64_t flags, const struct fi_info *hints,
		       struct fi_info **info);
	int (*fabric)(struct fi_fabric_attr *attr, struct fid_fabric **fabric,
		      void *context);
	struct fi_info *hints, *info;
	struct fid_fabric *fab;

	*(void **)&dupinfo = dlvsym(lib, "fi_dupinfo", "FABRIC_1.3");
	*(void **)&getinfo = dlvsym(lib, "fi_getinfo", "FABRIC_1.3");
	*(void **)&fabric = dlvsym(lib, "fi_fabric", "FABRIC_1.1");
	if (!dupinfo || !getinfo || !fabric)
		return false;
	hints = dupinfo(NULL);
	hints->fabric_attr->prov_name = strdup("verbs");
	hints->ep_attr->type = FI_EP_DGRAM;
	hints->mode = ~0ULL;
	hints->domain_attr->mr_mode = ~(FI_MR_BASIC | FI_MR_SCALABLE);
	return !getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info) &&
	       !fabric(info->fabric_attr, &fab, NULL) &&
	       !fi_domain(fab, info, &domain, NULL);
}

static bool arrive(void)
{
	void *lib;

	setenv("FI_MR_CACHE_MONITOR", "memhooks", 1);
	lib = dlopen(libraries[0], RTLD_NOW | RTLD_GLOBAL);
	return lib && open_domain(lib);
}

static void touch_cache(void *block, size_t len)
{
	struct fid_mr *mr;

	if (fi_mr_reg(domain, block, len, FI_RECV, 0, 0, 0, &mr, NULL))
		bail("libfabric registers nothing");
	fi_close(&mr->fid);
}

static void watch(void *block, size_t len)
{
	touch_cache(block, len);
	fake_verbs_watch(block, len);
}

static bool saw(void)
{
	static char other[8192];

	touch_cache(other, sizeof(other));
	return fake_verbs_released();
}

const struct party libfabric = {
	.name = "libfabric",
	.needs = "libfabric (libfabric1)",
	.present = present,
	.arrive = arrive,
	.watch = watch,
	.saw = saw,
};
