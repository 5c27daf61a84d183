// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does a hit in a registration cache cost?  Ours, borrowed and by reference,
 * beside others' get and put, and beside the floor: the same loop that only reads
 * the addresses.  On a software mm, with registrars that do nothing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/regcache.h>

#include "bench.h"
#include "cache.h"

static struct mm_struct *mm;
static struct mmun_regcache *cache;

/* -- the floor -- */

static void floor_hit(void *arg, long n)
{
	struct lookups *l = arg;
	const unsigned long *addresses = l->addresses;
	unsigned long mask = l->mask, at = l->at, sum = 0;

	for (long i = 0; i < n; i++) {
		unsigned long addr = addresses[(at + i) & mask];

		__asm__ __volatile__("" : "+r"(addr));
		sum += addr;
	}
	l->at = at + n;
	l->sum = sum;
}

/* -- ours -- */

static int reg(void *ctx, unsigned long addr, size_t len, unsigned int access,
	       uint64_t *ret_handle)
{
	(void)ctx;
	(void)addr;
	(void)len;
	(void)access;
	*ret_handle = 0;
	return 0;
}

static void dereg(void *ctx, uint64_t handle)
{
	(void)ctx;
	(void)handle;
}

static const struct mmun_regcache_ops ops = { reg, dereg };

static struct mmun_regcache_region *find(unsigned long addr, size_t len)
{
	struct mmun_regcache_region *region;

	if (mmun_regcache_get(cache, addr, len, 3, &region))
		abort();
	return region;
}

static const char *build(unsigned long regions)
{
	mm = mm_alloc();
	bench_require(mm && !mmun_regcache_create(mm, &ops, NULL, NULL, &cache),
		      "mmun_regcache_create failed");
	for (unsigned long i = 0; i < regions; i++)
		mmun_regcache_put(find(region_at(i), layout->region));
	return NULL;
}

static void destroy(void)
{
	mmun_regcache_destroy(cache);
	mmput(mm);
}

static inline __attribute__((always_inline)) void borrow(void *arg, long n,
							 bool dependent)
{
	struct mmun_regcache *const mine = cache;
	struct lookups *l = arg;
	const unsigned long *addresses = l->addresses;
	unsigned long mask = l->mask, at = l->at, sum = 0, handle = 0;

	for (long i = 0; i < n; i++) {
		unsigned int section = mmun_regcache_read_lock(mine);
		struct mmun_regcache_region *region = mmun_regcache_borrow(
			mine, addresses[(at + i + handle) & mask], 4096, 3);

		if (!region)
			abort();
		if (dependent)
			handle = region->handle;
		else
			sum += region->handle;
		mmun_regcache_read_unlock(mine, section);
	}
	l->at = at + n;
	l->sum = sum + handle;
}

static void borrow_hit(void *arg, long n)
{
	borrow(arg, n, false);
}

static void borrow_chain(void *arg, long n)
{
	borrow(arg, n, true);
}

/* As one who has many at once looks them up. */
static void borrow_16_hit(void *arg, long n)
{
	struct mmun_regcache *const mine = cache;
	struct lookups *l = arg;
	const unsigned long *addresses = l->addresses;
	unsigned long mask = l->mask, at = l->at, sum = 0;

	for (long i = 0; i < n;) {
		unsigned int section = mmun_regcache_read_lock(mine);

		for (int j = 0; j < 16; j++, i++) {
			struct mmun_regcache_region *region =
				mmun_regcache_borrow(mine, addresses[(at + i) & mask],
						     4096, 3);

			if (!region)
				abort();
			sum += region->handle;
		}
		mmun_regcache_read_unlock(mine, section);
	}
	l->at = at + n;
	l->sum = sum;
}

static void ref_hit(void *arg, long n)
{
	struct lookups *l = arg;
	const unsigned long *addresses = l->addresses;
	unsigned long mask = l->mask, at = l->at, sum = 0, handle = 0;

	for (long i = 0; i < n; i++) {
		struct mmun_regcache_region *region =
			find(addresses[(at + i + handle) & mask], 4096);

		if (l->dependent)
			handle = region->handle;
		else
			sum += region->handle;
		mmun_regcache_put(region);
	}
	l->at = at + n;
	l->sum = sum + handle;
}

static void invalidate(unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

static void again(void *unused, long n)
{
	(void)unused;
	while (n--) {
		invalidate(again_at(), again_at() + layout->region);
		mmun_regcache_put(find(again_at(), layout->region));
	}
}

/* Where nothing is registered: an allocator, say, that maps and unmaps. */
static void invalidate_far(void *unused, long n)
{
	(void)unused;
	for (long i = 0; i < n; i++) {
		unsigned long at = layout->base / 2 + i % 64 * 65536;

		invalidate(at, at + 65536);
	}
}

/* Between two regions, a different two each time. */
static void invalidate_between(void *arg, long n)
{
	struct lookups *l = arg;

	for (long i = 0; i < n; i++) {
		unsigned long at = l->addresses[(l->at + i) & l->mask] +
				   layout->region;

		invalidate(at, at + 4096);
	}
	l->at += n;
}

/* -- addresses -- */

static uint64_t random_state = 88172645463325252u;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % limit;
}

static unsigned long choose(const char *order, unsigned long i,
			    unsigned long regions)
{
	if (order[0] == 's' && order[1] == 'e')
		return i % regions;
	/* Skewed: four in five of a fifth of them, and so again. */
	if (order[0] == 's')
		while (regions > 5 && random_below(5))
			regions /= 5;
	return random_below(regions);
}

static void fill(struct lookups *l, const char *order, unsigned long regions)
{
	unsigned long nr = 4096;

	while (nr < regions)
		nr *= 2;
	l->addresses = malloc(nr * sizeof(*l->addresses));
	bench_require(l->addresses, "out of memory");
	l->mask = nr - 1;
	for (unsigned long i = 0; i < nr; i++)
		l->addresses[i] = region_at(choose(order, i, regions)) +
				  (order[0] == 'i' ? random_below(layout->region - 4095) : 0);
}

/* -- somebody beside it -- */

/* What is measured, and what another thread does meanwhile, so many at a time. */
struct company {
	struct bench_case *of;
	void (*run)(void *arg, long n);
	long n;
};

/* Written all the time: by itself. */
static struct second {
	pthread_t thread;
	struct company *in;
	atomic_int state;	/* 0: be quiet; 1: run; 2: end */
	atomic_int running;
	char unused[64];
} second __attribute__((aligned(64)));

static void *run_beside(void *unused)
{
	bench_pin(bench_other_cpu());
	for (;;) {
		int state = atomic_load(&second.state);
		struct lookups mine;

		if (state == 2)
			return unused;
		atomic_store(&second.running, state);
		if (state == 1) {
			mine = *(struct lookups *)second.in->of->arg;
			second.in->run(&mine, second.in->n);
		}
	}
}

static double time_in_company(void *arg, long n, bool *disturbed)
{
	struct company *in = arg;
	double ns;

	second.in = in;
	atomic_store(&second.state, 1);
	while (!atomic_load(&second.running))
		;
	ns = bench_time(in->of->run, in->of->arg, n, disturbed);
	atomic_store(&second.state, 0);
	while (atomic_load(&second.running))
		;
	return ns;
}

/* -- the questions -- */

static const struct peer *const peers[] = { &peer_ucx, &peer_libfabric };
#define NR_PEERS (sizeof(peers) / sizeof(peers[0]))
static const char *failures[NR_PEERS];

static void ratio(const char *name, unsigned long regions, const char *mode,
		  const char *more, const struct bench_case *ours,
		  const struct bench_case *peer)
{
	char what[160];

	snprintf(what, sizeof(what), "%s regions=%lu mode=%s %s", name, regions,
		 mode, more);
	bench_ratio(what, ours, peer, NULL);
}

enum { FLOOR, BORROW, BORROW_16, REF, PEERS };

static void measure_hits(unsigned long regions, const char *order,
			 bool dependent)
{
	struct lookups l = { .dependent = dependent };
	struct bench_case cases[PEERS + NR_PEERS] = {
		[FLOOR] = { .name = "floor", .run = floor_hit, .arg = &l },
		[BORROW] = { .name = "borrow", .arg = &l,
			     .run = dependent ? borrow_chain : borrow_hit },
		[BORROW_16] = { .name = "borrow16", .run = borrow_16_hit, .arg = &l },
		[REF] = { .name = "ref", .run = ref_hit, .arg = &l },
	};
	int nr = PEERS;
	char more[80];

	fill(&l, order, regions);
	for (size_t i = 0; i < NR_PEERS; i++)
		if (!failures[i])
			cases[nr++] = (struct bench_case){
				.name = peers[i]->name, .run = peers[i]->hit,
				.arg = &l };
	/* Once all of it, so that no hit is the first one. */
	for (int i = 0; i < nr; i++)
		cases[i].run(&l, l.mask + 1);
	bench_measure(cases, nr);
	snprintf(more, sizeof(more), "threads=1 order=%s measure=%s", order,
		 dependent ? "latency" : "throughput");
	ratio("cache_hit", regions, "borrow", more, &cases[BORROW], &cases[FLOOR]);
	for (int i = PEERS; i < nr; i++) {
		ratio("cache_hit", regions, "borrow", more, &cases[BORROW],
		      &cases[i]);
		if (!dependent)
			ratio("cache_hit", regions, "borrow16", more,
			      &cases[BORROW_16], &cases[i]);
		ratio("cache_hit", regions, "ref", more, &cases[REF], &cases[i]);
	}
	bench_release(cases, nr);
	free(l.addresses);
}

/* Everybody alone, and beside another reader or one who invalidates all the time. */
static void measure_company(unsigned long regions, bool invalidator)
{
	struct lookups l = { 0 };
	struct bench_case cases[2 * (2 + NR_PEERS)] = {
		{ .name = "borrow", .run = borrow_hit, .arg = &l },
		{ .name = "ref", .run = ref_hit, .arg = &l },
	};
	struct company company[2 + NR_PEERS] = { { .run = again }, { .run = again } };
	const char *than_alone = invalidator ? "cache_beside_invalidator" :
					       "cache_second_reader";
	const char *more = invalidator ? "threads=1 invalidator=1" : "threads=2";
	int nr = 2;

	if (bench_other_cpu() < 0) {
		bench_unavailable(than_alone, "self", "one CPU");
		return;
	}
	fill(&l, "random", regions);
	for (size_t i = 0; i < NR_PEERS; i++)
		if (!failures[i]) {
			company[nr].run = peers[i]->again;
			cases[nr++] = (struct bench_case){
				.name = peers[i]->name, .run = peers[i]->hit,
				.arg = &l };
		}
	for (int i = 0; i < nr; i++) {
		company[i].of = &cases[i];
		company[i].n = invalidator ? 10 : 1000;
		if (!invalidator)
			company[i].run = cases[i].run;
		cases[nr + i] = (struct bench_case){
			.name = cases[i].name, .time = time_in_company,
			.arg = &company[i] };
	}
	atomic_store(&second.state, 0);
	bench_require(!pthread_create(&second.thread, NULL, run_beside, NULL),
		      "pthread_create failed");
	bench_measure(cases, 2 * nr);
	atomic_store(&second.state, 2);
	pthread_join(second.thread, NULL);
	for (int i = 0; i < nr; i++)
		ratio(than_alone, regions, cases[i].name,
		      invalidator ? "threads=1 than=alone" : "threads=2 than=alone",
		      &cases[nr + i], &cases[i]);
	for (int i = 2; i < nr; i++) {
		ratio("cache_hit", regions, "borrow", more, &cases[nr],
		      &cases[nr + i]);
		ratio("cache_hit", regions, "ref", more, &cases[nr + 1],
		      &cases[nr + i]);
	}
	bench_release(cases, 2 * nr);
	free(l.addresses);
}

static void measure_changes(unsigned long regions)
{
	struct lookups l = { 0 };
	struct bench_case cases[4 + NR_PEERS] = {
		{ .name = "floor", .run = floor_hit, .arg = &l },
		{ .name = "far", .run = invalidate_far },
		{ .name = "between", .run = invalidate_between, .arg = &l },
		{ .name = "again", .run = again },
	};
	int nr = 4;

	fill(&l, "random", regions);
	for (size_t i = 0; i < NR_PEERS; i++)
		if (!failures[i])
			cases[nr++] = (struct bench_case){
				.name = peers[i]->name, .run = peers[i]->again };
	bench_measure(cases, nr);
	for (int i = 1; i < 3; i++)
		ratio("cache_invalidate_elsewhere", regions, cases[i].name, "",
		      &cases[i], &cases[0]);
	for (int i = 4; i < nr; i++)
		ratio("cache_invalidate_register", regions, "ref", "", &cases[3],
		      &cases[i]);
	bench_release(cases, nr);
	free(l.addresses);
}

static void build_all(unsigned long regions)
{
	build(regions);
	for (size_t i = 0; i < NR_PEERS; i++) {
		failures[i] = peers[i]->build(regions);
		if (failures[i])
			bench_unavailable("cache_hit", peers[i]->name, failures[i]);
	}
}

static void destroy_all(void)
{
	for (size_t i = 0; i < NR_PEERS; i++)
		if (!failures[i])
			peers[i]->destroy();
	destroy();
}

/* Buffers of a page, at their beginnings; and messages anywhere in large memory. */
static const struct layout small = { 0x100000000000, 16384, 32768 };
static const struct layout large = { 0x200000000000, 1 << 20, (1 << 20) + 32768 };
const struct layout *layout = &small;

static void measure(unsigned long regions)
{
	build_all(regions);
	measure_hits(regions, "random", false);
	measure_hits(regions, "random", true);
	if (regions > 1) {
		measure_hits(regions, "sequential", false);
		measure_hits(regions, "skewed", false);
	}
	measure_company(regions, false);
	measure_company(regions, true);
	measure_changes(regions);
	destroy_all();
}

static void measure_inside(unsigned long regions)
{
	layout = &large;
	build_all(regions);
	measure_hits(regions, "inside", false);
	destroy_all();
	layout = &small;
}

int main(int argc, char **argv)
{
	const char *only = getenv("BENCH_REGIONS");

	bench_begin("cache", argc, argv);
	if (only) {
		measure(strtoul(only, NULL, 0));
		return 0;
	}
	measure(1);
	measure(1000);
	/* Those of before are in libfabric's cache, too: its domain stays. */
	measure_inside(1000);
	measure(100000);
	measure(1000000);
	return 0;
}
