// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libfabric's memory monitors, judged by what they are for: is a registration
 * still served from the cache after the operation?  The registrations are those
 * of the provider verbs, on a device that fakeverbs.c makes up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "observer.h"

#ifdef HAVE_LIBFABRIC
#include <dlfcn.h>
#include <string.h>
#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

static struct fid_domain *domain;
static const unsigned long *registrations;	/* that the device has seen */
static bool cached;

static int environment(const struct observer *o)
{
	const char *path = find_module("mmunotify-fakeverbs.so");

	if (!path)
		return -ENOENT;
	setenv("LD_PRELOAD", path, 1);
	setenv("FI_MR_CACHE_MONITOR", o->arg, 1);
	setenv("FI_PROVIDER", "verbs", 1);
	return 0;
}

static int fail(struct report *r, const char *what, const char *why)
{
	snprintf(r->reason, sizeof(r->reason), "%s: %s", what, why);
	return -1;
}

struct library {
	int (*getinfo)(uint32_t version, const char *node, const char *service,
		       uint64_t flags, const struct fi_info *hints,
		       struct fi_info **ret_info);
	int (*fabric)(struct fi_fabric_attr *attr, struct fid_fabric **ret_fabric,
		      void *context);
	struct fi_info *(*dupinfo)(const struct fi_info *info);
};

static const char *load(struct library *lib)
{
	void *handle = dlopen("libfabric.so.1", RTLD_NOW);

	if (!handle)
		return dlerror();
	lib->getinfo = (__typeof__(lib->getinfo))dlsym(handle, "fi_getinfo");
	lib->fabric = (__typeof__(lib->fabric))dlsym(handle, "fi_fabric");
	lib->dupinfo = (__typeof__(lib->dupinfo))dlsym(handle, "fi_dupinfo");
	registrations = dlsym(RTLD_DEFAULT, "fakeverbs_registrations");
	if (!lib->getinfo || !lib->fabric || !lib->dupinfo)
		return "libfabric.so.1 lacks what is needed";
	return registrations ? NULL : "mmunotify-fakeverbs.so is missing";
}

static int open_domain(const struct library *lib, struct report *r)
{
	struct fi_info *hints = lib->dupinfo(NULL), *info;
	struct fid_fabric *fabric;

	if (!hints)
		return fail(r, "libfabric", "out of memory");
	hints->fabric_attr->prov_name = strdup("verbs");
	hints->ep_attr->type = FI_EP_DGRAM;
	hints->mode = ~0ULL;
	hints->domain_attr->mr_mode = ~3;
	if (lib->getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info))
		return fail(r, "libfabric", "has no provider verbs");
	if (lib->fabric(info->fabric_attr, &fabric, NULL) ||
	    fi_domain(fabric, info, &domain, NULL))
		return fail(r, "libfabric", "cannot open its provider verbs");
	return 0;
}

static int start(const struct observer *o, struct report *r)
{
	struct library lib = { 0 };
	const char *why = load(&lib);

	(void)o;
	return why ? fail(r, "not here", why) : open_domain(&lib, r);
}

/* Return: did the device hear of it?  If not, the cache had it. */
static bool use(const struct subject *s)
{
	unsigned long old = *registrations;
	struct fid_mr *mr;

	if (!fi_mr_reg(domain, s->start, s->len, FI_RECV, 0, 0, 0, &mr, NULL))
		fi_close(&mr->fid);
	return *registrations != old;
}

static void watch(const struct subject *s, struct report *r)
{
	use(s);
	cached = !use(s);
	r->refused = !cached;
}

static void ask(const struct subject *s, struct report *r)
{
	if (cached)
		r->told = use(s);
}

#else

static int environment(const struct observer *o)
{
	(void)o;
	return 0;
}

static int start(const struct observer *o, struct report *r)
{
	(void)o;
	snprintf(r->reason, sizeof(r->reason),
		 "built without the headers of libfabric and libibverbs");
	return -1;
}

static void watch(const struct subject *s, struct report *r)
{
	(void)s;
	(void)r;
}

static void ask(const struct subject *s, struct report *r)
{
	(void)s;
	(void)r;
}
#endif

const struct observer observer_lf_memhooks = {
	.name = "libfabric-memhooks",
	.column = "lf-m",
	.what = "libfabric: memhooks",
	.arg = "memhooks",
	.environment = environment,
	.start = start,
	.watch = watch,
	.ask = ask,
};

const struct observer observer_lf_uffd = {
	.name = "libfabric-uffd",
	.column = "lf-u",
	.what = "libfabric: userfaultfd",
	.arg = "userfaultfd",
	.environment = environment,
	.start = start,
	.watch = watch,
	.ask = ask,
};
