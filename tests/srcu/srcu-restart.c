// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ORDER(cache-counts), in what it stands on: a sequence that checks a word, and then
 * adds, and whoever changes the word and has such sequences begin again.
 *
 *	updater				reader
 *	word is another one		word is what it was?
 *	restart				... a while later
 *	sum up				add
 *
 * [Forbidden: something is added after the sum.]
 */
/* In the test it is a long while, longer than it takes to interrupt a CPU. */
#define PAUSES(p) p p p p p p p p
#define MMUN_RSEQ_MEANWHILE PAUSES(PAUSES(PAUSES("pause\n\t")))

#include "base/srcu.h"
#include "litmus.h"

enum { LINE = 6 };

static _Alignas(64) uint64_t word;
static _Alignas(64) uint64_t sum, summed;
static _Alignas(64) uint64_t added;
static _Alignas(64) uint64_t counts[MMUN_SRCU_MAX_CPUS << (LINE - 3)];
static uint32_t ncpus;

static void begin(uint64_t round)
{
	mmun_write(&word, 2 * round);
}

static void updater(uint64_t round)
{
	uint64_t n = 0;

	mmun_write(&word, 2 * round + 1);
	mmun_srcu_restart_readers();
	for (uint32_t cpu = 0; cpu < ncpus; cpu++)
		n += mmun_read(&counts[cpu << (LINE - 3)]);
	mmun_write(&sum, n);
	mmun_store_release(&summed, round);
}

static bool reader(uint64_t round)
{
	while (mmun_this_cpu_add_if(counts, LINE, 1, &word, 2 * round))
		added++;
	while (mmun_load_acquire(&summed) != round)
		mmun_cpu_relax();
	return sum != added;
}

static const char claim[] = "srcu-restart: nothing is added after the sum";

int main(int argc, char **argv)
{
	struct mmun_srcu *domain = mmun_srcu_create();

	if (!domain)
		bail("out of memory");
	if (!domain->ncpus || mmun_rseq_checked != mmun_rseq_offset) {
		tap_begin(60);
		skip(claim, "sequences, and membarrier for them");
		return tap_end();
	}
	ncpus = domain->ncpus;
	return litmus(argc, argv, claim, begin, updater, reader);
}
