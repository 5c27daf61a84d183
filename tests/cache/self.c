// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The cache on mm_self(): real mapping calls, and memory that could die unseen. */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "registrar.h"

#define PAGE 4096UL
#define SIZE (16 * PAGE)

/* What "auto" does not see of anonymous memory, wherever it runs. */
#define ACCEPTED (MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD | MMUN_BLIND_RAW_SHM | \
		  MMUN_BLIND_RAW_EXIT | MMUN_BLIND_LDSO | MMUN_BLIND_IO_URING)

static struct mmun_regcache *cache;

static char *map_at(void *at)
{
	char *p = mmap(at, SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED)
		bail("mmap");
	return memset(p, 1, SIZE);
}

static bool has(const void *p)
{
	return is_cached(cache, (unsigned long)p, SIZE, 1);
}

static void cache_it(const void *p)
{
	touch(cache, (unsigned long)p, SIZE, 1);
}

/* One case per way in which the memory goes. */
static void dies(const char *how, char *p, int (*kill)(char *p))
{
	cache_it(p);
	if (!has(p)) {
		ok(false, "%s: cached", how);
		return;
	}
	ok(!kill(p) && !has(p), "%s kills", how);
}

static int by_munmap(char *p)
{
	return munmap(p + PAGE, PAGE);
}

static int by_mmap(char *p)
{
	map_at(p);
	return 0;
}

static int by_madvise(char *p)
{
	return madvise(p + 15 * PAGE, PAGE, MADV_DONTNEED);
}

static int by_mremap(char *p)
{
	char *to = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	return mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) !=
	       to;
}

static int by_raw_munmap(char *p)
{
	return syscall(SYS_munmap, p, PAGE);
}

static void remapped(void)
{
	char *p = map_at(NULL);
	int before = nr_reg;

	cache_it(p);
	munmap(p, SIZE);
	map_at(p);
	ok(!has(p), "the same address mapped again is a miss");
	cache_it(p);
	ok(nr_reg == before + 2, "and registered again");
	munmap(p, SIZE);
}

static __attribute__((unused)) void freed(void)
{
	size_t size = 1 << 20;
	char *p = malloc(size), *again;

	if (!p)
		bail("malloc");
	touch(cache, (unsigned long)p, size, 1);
	ok(is_cached(cache, (unsigned long)p, size, 1), "what malloc() gave");
	free(p);
	again = malloc(size);
	ok(!is_cached(cache, (unsigned long)p, size, 1),
	   "is not found after free(), at %s address",
	   again == p ? "the same" : "another");
	free(again);
}

static int map_in_reg(unsigned long addr, size_t len, unsigned int access)
{
	char *p = malloc(4 << 20);

	(void)addr;
	(void)len;
	(void)access;
	if (!p)
		return -ENOMEM;
	memset(p, 1, 4 << 20);
	free(p);
	return 0;
}

static int unmap_in_reg(unsigned long addr, size_t len, unsigned int access)
{
	(void)access;
	in_reg = NULL;
	return munmap((void *)addr, len) || map_at((void *)addr) != (char *)addr;
}

static void in_the_middle(void)
{
	char *p = map_at(NULL);

	in_reg = map_in_reg;
	cache_it(p);
	in_reg = NULL;
	ok(has(p), "a registrar may map and unmap");
	munmap(p, SIZE);
	map_at(p);
	in_reg = unmap_in_reg;
	cache_it(p);
	ok(has(p) && stats_of(cache).retries == 1,
	   "even what it registers: then it is registered again");
	munmap(p, SIZE);
}

static void unseen(void)
{
	struct mmun_regcache_attr attr = { .accept_blind = 0 };
	struct mmun_regcache_region *r;
	struct mmun_regcache *strict = new_cache(mm_self(), &attr);
	char *p = map_at(NULL);
	int before;

	/* Whatever the sources see, not what is not mapped. */
	munmap(p + PAGE, PAGE);
	before = registered_now();
	r = must_find(strict, (unsigned long)p, 3 * PAGE, 1);
	ok(!mmun_regcache_generation(r) && stats_of(strict).uncached == 1,
	   "memory that could die unseen is not cached");
	ok(registered_now() == before + 1, "but registered");
	mmun_regcache_put(r);
	ok(registered_now() == before, "as long as it is held");
	mmun_regcache_destroy(strict);
	munmap(p, SIZE);
}

int main(void)
{
	struct mmun_regcache_attr attr = { .accept_blind = ACCEPTED };
	int blind;
	char *p;

	tap_begin(60);
	if (mmun_monitor_start())
		bail("mmun_monitor_start");
	cache = new_cache(mm_self(), &attr);
	dies("munmap() of a page", map_at(NULL), by_munmap);
	dies("mmap(MAP_FIXED)", map_at(NULL), by_mmap);
	dies("madvise()", map_at(NULL), by_madvise);
	dies("mremap()", map_at(NULL), by_mremap);
	remapped();
	/* A sanitizer's free() keeps what it is given. */
#ifndef __SANITIZE_ADDRESS__
	freed();
#endif
	in_the_middle();
	unseen();
	p = map_at(NULL);
	cache_it(p);
	blind = mmun_coverage(mm_self(), (unsigned long)p,
			      (unsigned long)p + SIZE);
	diag("coverage of cached anonymous memory: %#x", blind);
	if (blind & MMUN_BLIND_RAW)
		skip("munmap() past libc kills", "userfaultfd");
	else
		dies("munmap() past libc", map_at(NULL), by_raw_munmap);
	mmun_regcache_destroy(cache);
	ok(!registered_now() && !nr_wrong, "each registration was undone once");
	return tap_end();
}
