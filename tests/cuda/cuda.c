// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory registered with CUDA, on a driver that keeps the rules (libcuda.c).
 *
 *	cuda [none]	none: whatever driver there is, or is not
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "mmun_cuda.h"
#include "tap.h"

#define PAGE 4096UL
#define SIZE (16 * PAGE)

/* What "auto" does not see of anonymous memory, wherever it runs. */
static const struct mmun_regcache_attr attr = {
	.flags = MMUN_REGCACHE_MERGE,
	.accept_blind = MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD |
			MMUN_BLIND_RAW_SHM | MMUN_BLIND_RAW_EXIT |
			MMUN_BLIND_LDSO | MMUN_BLIND_IO_URING,
};

static struct mmun_cuda *cuda;
static int (*registered)(void), (*retained)(void);

static unsigned long map(unsigned long at, size_t len)
{
	char *p = mmap((void *)at, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	memset(p, 1, len);
	return (unsigned long)p;
}

static struct mmun_regcache_region *get(unsigned long addr, size_t len)
{
	struct mmun_regcache_region *region;

	return mmun_regcache_get(cuda->cache, addr, len, 0, &region) ? NULL :
								       region;
}

static bool touch(unsigned long addr, size_t len)
{
	struct mmun_regcache_region *region = get(addr, len);

	mmun_regcache_put(region);
	return region;
}

static void test_address(unsigned long p)
{
	struct mmun_regcache_region *region = get(p + PAGE, PAGE);

	ok(region && registered() == 1, "a range is registered");
	ok(region && mmun_cuda_address(region, p + PAGE + 5) ==
			     p + PAGE + 5 + (1UL << 56),
	   "the device's address of a byte in it");
	mmun_regcache_put(region);
}

static void test_overlap(unsigned long p)
{
	struct mmun_regcache_region *held;
	int err;

	ok(touch(p, SIZE) && registered() == 1,
	   "what overlaps an older one takes its place: no page twice");
	ok(touch(p + PAGE, PAGE) && registered() == 1, "a part of it is a hit");
	held = get(p, SIZE);
	err = mmun_regcache_get(cuda->cache, p, 2 * SIZE, 0, &held);
	ok(err == -EBUSY && registered() == 1,
	   "not while somebody holds the older one: %d", err);
	mmun_regcache_put(held);
	ok(touch(p, 2 * SIZE) && registered() == 1, "when it is put, it goes");
}

static void test_invalidation(unsigned long p)
{
	struct mmun_regcache_region *before = get(p, SIZE), *after;

	munmap((void *)p, SIZE);
	map(p, SIZE);
	ok(!mmun_regcache_generation(before) && registered() == 1,
	   "unmapped, it is dead, and registered while it is held");
	mmun_regcache_put(before);
	after = get(p, SIZE);
	ok(after && mmun_regcache_generation(after) && registered() == 1,
	   "what is mapped there now is registered instead");
	mmun_regcache_put(after);
}

static void test_driver(void)
{
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
	const char *reason = NULL;
	unsigned long p = map(0, 2 * SIZE);
	int err;

	registered = (int (*)(void))dlsym(lib, "fake_cuda_registered");
	retained = (int (*)(void))dlsym(lib, "fake_cuda_retained");
	if (!registered || !retained)
		bail("another driver");
	test_address(p);
	test_overlap(p);
	test_invalidation(p);
	mmun_cuda_destroy(cuda);
	ok(!registered() && !retained(), "destroyed, nothing is left");
	err = mmun_cuda_create(7, NULL, &cuda, &reason);
	ok(err == -ENODEV && reason, "a device that is not there: %s", reason);
}

int main(int argc, char **argv)
{
	const char *reason = NULL;
	int err;

	tap_begin(60);
	err = mmun_cuda_create(0, &attr, &cuda, &reason);
	if (argc > 1 && !strcmp(argv[1], "none")) {
		ok(err ? (err == -ENOSYS || err == -ENODEV) && reason : !!cuda,
		   "it works, or says why not: %s", err ? reason : "it works");
		return tap_end();
	}
	ok(!err, "the driver is loaded, and has a device: %d", err);
	if (!err)
		test_driver();
	return tap_end();
}
