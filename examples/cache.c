// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The registration cache: here a "registration" is mlock(), and its handle a number.
 */
#include <mmunotify/regcache.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int registrations;

static int reg(void *ctx, unsigned long addr, size_t len, unsigned int access,
	       uint64_t *ret_handle)
{
	(void)ctx;
	(void)access;
	if (mlock((void *)addr, len))
		return -errno;
	*ret_handle = ++registrations;
	return 0;
}

/* The memory may be gone, or be another's: nothing is done by its address. */
static void dereg(void *ctx, uint64_t handle)
{
	(void)ctx;
	(void)handle;
}

static const struct mmun_regcache_ops ops = { .reg = reg, .dereg = dereg };

/* This program makes no calls past libc, and does not use io_uring. */
static const struct mmun_regcache_attr attr = {
	.accept_blind = MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD |
			MMUN_BLIND_RAW_SHM | MMUN_BLIND_RAW_EXIT |
			MMUN_BLIND_LDSO | MMUN_BLIND_IO_URING,
};

static unsigned long use(struct mmun_regcache *cache, char *p)
{
	struct mmun_regcache_region *region;
	unsigned long handle;
	int err = mmun_regcache_get(cache, (unsigned long)p, 4096, 0, &region);

	if (err) {
		printf("get: %s\n", strerror(-err));
		exit(1);
	}
	handle = region->handle;
	mmun_regcache_put(region);
	return handle;
}

int main(void)
{
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct mmun_regcache *cache;
	unsigned long first, again, other;
	char *p;
	int err = mmun_regcache_create(mm_self(), &ops, NULL, &attr, &cache);

	if (err)
		return printf("create: %s\n", strerror(-err)), 1;
	p = mmap(NULL, 4096, prot, flags, -1, 0);
	first = use(cache, p);
	again = use(cache, p);
	munmap(p, 4096);
	mmap(p, 4096, prot, flags | MAP_FIXED, -1, 0);
	other = use(cache, p);
	printf("handles %lu, %lu; mapped anew %lu\n", first, again, other);
	mmun_regcache_destroy(cache);
	return first != again || other == first;
}
