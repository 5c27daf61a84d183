// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the dynamic linker does, and code that it brings. */
#include <dlfcn.h>
#include <sys/mman.h>

#include "ops.h"

static void *module;

static int load_victim(struct subject *s, const char *symbol)
{
	char *start;

	if (!victim_module())
		return -ENOENT;
	module = dlopen(victim_module(), RTLD_NOW | RTLD_LOCAL);
	start = module ? dlsym(module, symbol) : NULL;
	if (!start)
		return -ELIBACC;
	start = ROUND_UP(start);
	fill(start, 8 * page_size);
	return use_memory(s, start, 8 * page_size, 4 * page_size);
}

static int load_bss(struct subject *s)
{
	return load_victim(s, "coverage_bss");
}

static int load_data(struct subject *s)
{
	return load_victim(s, "coverage_data");
}

static long unload(struct subject *s)
{
	(void)s;
	return dlclose(module) ? -EINVAL : 0;
}

/* A second libc, which nobody has patched. */
static int (*second_munmap)(void *addr, size_t len);

static int load_second_libc(struct subject *s)
{
#ifdef __GLIBC__
	void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW | RTLD_LOCAL);
#else
	void *libc = NULL;	/* there is but one */
#endif

	if (!libc)
		return -ELIBACC;
	second_munmap = (int (*)(void *, size_t))dlsym(libc, "munmap");
	return second_munmap ? map_anon(s) : -ELIBACC;
}

static long unmap_by_second_libc(struct subject *s)
{
	return second_munmap(s->start, s->len) ? -EINVAL : 0;
}

const struct op ops_loader[] = {
	{ .name = "dlclose: .bss", .kind = "module", .via = VIA_LIBC,
	  .flags = OP_TABLE, .blind = MMUN_BLIND_LDSO, .setup = load_bss,
	  .perform = unload },
	{ .name = "dlclose: .data", .kind = "module", .via = VIA_LIBC,
	  .flags = OP_TABLE, .blind = MMUN_BLIND_LDSO, .setup = load_data,
	  .perform = unload },
	{ .name = "munmap by the libc of a dlmopen() namespace", .kind = "anon",
	  .via = VIA_RAW, .blind = MMUN_BLIND_RAW, .setup = load_second_libc,
	  .perform = unmap_by_second_libc },
	{ 0 }
};
