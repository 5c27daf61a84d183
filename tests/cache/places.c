// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where regions lie, and how many in one place: each is found there, and nowhere else. */
#include "subject.h"

/* Return: an address in the lower half that leads in line to what @high does. */
static unsigned long find_beside(unsigned long high)
{
	unsigned long low = PAGE;

	while (mmun_regcache_slot(cache, low) != mmun_regcache_slot(cache, high))
		low += PAGE;
	return low;
}

/* A software mm may have any addresses. */
static void far(void)
{
	const unsigned long top = -16 * PAGE, half = 1UL << 63;
	unsigned long low;

	begin(NULL);
	touch(cache, top, 4 * PAGE, READ);
	touch(cache, half - PAGE, 2 * PAGE, READ);
	low = find_beside(top);
	for (int round = 0; round < 3; round++) {
		touch(cache, top + PAGE, 2 * PAGE, READ);
		touch(cache, half - 1, 2, READ);
		ok(is_cached(cache, top, 4 * PAGE, READ) &&
		   is_cached(cache, half, PAGE, READ), "far regions are found");
		ok(!is_cached(cache, low, PAGE, READ) &&
		   !is_cached(cache, top + 3 * PAGE, 2 * PAGE, READ) &&
		   !is_cached(cache, top, -8 * PAGE, READ),
		   "elsewhere they are not");
	}
	low = find_beside(-PAGE);
	touch(cache, low, 4 * PAGE, READ);
	ok(is_cached(cache, low, PAGE, READ), "a near one is in their slot");
	ok(!is_cached(cache, -64UL, 4096, READ) && !is_cached(cache, low, -1UL, READ) &&
	   !is_cached(cache, low, half, READ), "what wraps is in no region");
	ok(nr_calls == 3, "each was registered once");
	end("far regions");
}

static void far_and_limited(void)
{
	const struct mmun_regcache_attr attr = { .max_regions = 4 };
	const unsigned long hot = -512 * PAGE;

	begin(&attr);
	for (int i = 1; i <= 100; i++) {
		touch(cache, hot, PAGE, READ);
		touch(cache, hot + i * PAGE, PAGE, READ);
	}
	ok(nr_calls == 101, "of far regions, too, those in use stay");
	end("far and limited");
}

static int refuse_unaligned(unsigned long addr, size_t len, unsigned int access)
{
	(void)len;
	(void)access;
	return addr < 3 * MIB ? -EFAULT : 0;
}

static void alignment(void)
{
	struct mmun_regcache_attr attr = { .align = 2 * MIB };
	struct mmun_regcache_region *r;

	begin(&attr);
	r = must_find(cache, 5 * MIB, PAGE, READ);
	ok(r->start == 4 * MIB && r->end == 6 * MIB, "bounds are aligned");
	mmun_regcache_put(r);
	in_reg = refuse_unaligned;
	r = must_find(cache, 3 * MIB, PAGE, READ);
	ok(r->start == 3 * MIB && r->end == 3 * MIB + PAGE,
	   "where the registrar bears that");
	mmun_regcache_put(r);
	end("alignment");
}

static void large(void)
{
	struct mmun_regcache_region *r;
	unsigned long at = 5 * GIB + 3 * PAGE;
	bool all = true;

	begin(NULL);
	r = must_find(cache, at, 1024 * GIB, READ);
	mmun_regcache_put(r);
	for (unsigned long i = 1; i < 1024; i++)
		touch(cache, at + i * GIB, 1, READ);
	for (unsigned long i = 1; i < 1023; i++)
		all &= is_cached(cache, at + i * GIB + i * 2 * MIB, PAGE, READ);
	ok(all && nr_calls == 1, "a terabyte is one region, found anywhere");
	touch(cache, 2048 * GIB, 4 * MIB, READ);
	touch(cache, 2048 * GIB + 3 * MIB, 1, READ);
	ok(is_cached(cache, 2048 * GIB + 2 * MIB + 5 * PAGE, 1, READ) &&
	   nr_calls == 2, "so are some megabytes");
	end("large");
}

static void overlapping(void)
{
	enum { NR = 20000 };
	bool all = true;

	begin(NULL);
	for (unsigned long i = 0; i < NR; i++)
		touch(cache, (i + 1) * PAGE, (1 + i % 5) * PAGE + PAGE, READ);
	for (unsigned long i = 0; i < NR; i++)
		touch(cache, (i + 1) * PAGE, (1 + i % 5) * PAGE + PAGE, READ);
	ok(nr_calls < NR && nr_calls > NR / 5, "overlapping regions, many");
	for (unsigned long i = 0; i < NR; i += 10)
		invalidate(mm, (i + 1) * PAGE, (i + 1) * PAGE + 1);
	for (unsigned long i = 0; i < NR; i += 10)
		all &= !is_cached(cache, (i + 1) * PAGE, PAGE, READ);
	ok(all, "die where they lie");
	end("overlapping");
}

/* More of them in a place than a line of the index has room for. */
static void crowded(void)
{
	enum { NR = 40, PAGES = 64 };
	bool all = true;

	begin(NULL);
	for (unsigned long i = 0; i < NR; i++)
		touch(cache, (1000 + i) * PAGE, PAGES * PAGE, READ);
	ok(nr_calls == NR, "regions that overlap are kept beside each other");
	for (int again = 0; again < 20; again++)
		for (unsigned long i = 0; i < NR; i++)
			all &= is_cached(cache, (1000 + i) * PAGE, PAGES * PAGE, READ);
	ok(all, "each is found, by what only it covers");
	ok(stats_of(cache).slow_hits < 2 * NR,
	   "and not under a lock for ever: %llu times",
	   (unsigned long long)stats_of(cache).slow_hits);
	invalidate(mm, 1000 * PAGE, (1000 + NR - 2) * PAGE);
	for (unsigned long i = 0; i < NR; i++)
		all &= is_cached(cache, (1000 + i) * PAGE, PAGES * PAGE, READ) ==
		       (i >= NR - 2);
	ok(all, "but for those that have died");
	end("crowded");
}

/* Nor does who is found there seem to be idle. */
static void crowded_and_limited(void)
{
	const struct mmun_regcache_attr attr = { .max_regions = 64 };
	enum { NR = 16, COLD = 500 };

	begin(&attr);
	for (unsigned long cold = 0; cold < COLD; cold++) {
		for (unsigned long i = 0; i < 3 * NR; i++)
			touch(cache, (1000 + i % NR) * PAGE, 16 * PAGE, READ);
		touch(cache, (1 << 20) * PAGE + cold * 2 * PAGE, PAGE, READ);
	}
	ok(nr_calls == NR + COLD, "crowded ones that are used are not evicted: %d",
	   nr_calls);
	end("crowded and limited");
}

/* Of all sizes, beside each other; with gaps, or touching. */
struct piece {
	unsigned long start, end;
};

static unsigned long lay_out(struct piece *pieces, unsigned int nr)
{
	unsigned long at = 7 * PAGE, pages = 1;

	for (unsigned int i = 0; i < nr; i++) {
		pieces[i].start = at;
		pieces[i].end = at + pages * PAGE;
		at = pieces[i].end + i % 3 * PAGE;
		pages = pages * 5 / 2 + 1;
		if (pages > 1 << 20)
			pages = 1 + i % 7;
	}
	return at;
}

static bool is_piece_cached(const struct piece *p)
{
	unsigned long size = p->end - p->start;
	bool all = true;

	for (unsigned int i = 0; i < 16; i++)
		all &= is_cached(cache, p->start + size / 16 * i, 1, READ);
	return all && is_cached(cache, p->end - 1, 1, READ) &&
	       is_cached(cache, p->start, size, READ) &&
	       !is_cached(cache, p->end - 1, 2, READ) &&
	       !is_cached(cache, p->start - 1, 2, READ);
}

static void all_sizes(void)
{
	enum { NR = 3000 };
	static struct piece pieces[NR];
	bool all = true, none = true;

	begin(NULL);
	lay_out(pieces, NR);
	for (int i = 0; i < NR; i++)
		touch(cache, pieces[i].start, pieces[i].end - pieces[i].start, READ);
	for (int i = 0; i < NR; i++)
		all &= is_piece_cached(&pieces[i]);
	ok(all && nr_calls == NR, "regions of all sizes are found, anywhere in them");
	ok(stats_of(cache).slow_hits < NR, "and next to never under a lock: %llu times",
	   (unsigned long long)stats_of(cache).slow_hits);
	for (int i = 0; i < NR; i += 2)
		invalidate(mm, pieces[i].end - 1, pieces[i].end);
	for (int i = 0; i < NR; i++) {
		none &= i % 2 || !is_cached(cache, pieces[i].start, 1, READ);
		all &= !(i % 2) || is_piece_cached(&pieces[i]);
	}
	ok(all && none, "half of them die, and the others stay");
	for (int i = 0; i < NR; i += 2)
		touch(cache, pieces[i].start, pieces[i].end - pieces[i].start, READ);
	for (int i = 0; i < NR; i++)
		all &= is_piece_cached(&pieces[i]);
	ok(all && nr_calls == NR + NR / 2, "they come again");
	end("all sizes");
}

int main(void)
{
	tap_begin(60);
	far();
	far_and_limited();
	alignment();
	large();
	overlapping();
	crowded();
	crowded_and_limited();
	all_sizes();
	return tap_end();
}
