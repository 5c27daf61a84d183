// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watched memory is moved by instruction, and watched where it is now, by somebody
 * who need not know the other: while the source looks whether to let go of it.
 *
 *	uffd-follow [RULE to break] [seed]
 */
#include "mutant.h"
#include "uffd.h"

#define ROUNDS 20000

static uint64_t seed;

static void wait_a_little(void)
{
	volatile unsigned int delay;

	seed = seed * 6364136223846793005 + 1442695040888963407;
	for (delay = (seed >> 33) % 4000; delay; delay--)
		;
}

static bool hears_advice(char *p)
{
	bool heard_it = false;

	settle();
	listen_now();
	raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
	settle();
	for (int i = 0; i < listened(); i++)
		heard_it |= heard[i].start == (unsigned long)p;
	return heard_it;
}

/* Return: is it watched? */
static bool one_round(char *from, char *to)
{
	struct mmun_watch before = { 0 }, now = { 0 };
	bool seen;

	if (raw(SYS_mmap, (long)from, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (long)from)
		bail("mmap");
	watch(&before, from, 1);
	if (raw(SYS_mremap, (long)from, PAGE, PAGE,
		MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0) != (long)to)
		bail("mremap");
	wait_a_little();
	watch(&now, to, 1);
	seen = hears_advice(to);
	mmun_unwatch(&now);
	mmun_unwatch(&before);
	return seen;
}

int main(int argc, char **argv)
{
	bool lost = false;
	char *place;
	int n = 0;

	tap_begin(50);
	break_rule(&argc, &argv);
	if (!source_runs())
		return tap_end();
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	record();
	/* With nothing in between that it could merge with. */
	place = pages(16);
	drop(place, 16);
	while (!lost && has_time(n++, ROUNDS))
		lost = !one_round(place + 4 * PAGE, place + 12 * PAGE);
	rule(!lost, "memory that moved is watched by who watches it now");
	diag("%d rounds", n);
	return tap_end();
}
