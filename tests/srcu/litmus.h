/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_SRCU_LITMUS_H
#define TESTS_SRCU_LITMUS_H
/*
 * A claim of order, tried many times by two threads on two CPUs.
 *
 *	static void setup(uint64_t round);	between the rounds; optional
 *	static void left(uint64_t round);	on the first CPU
 *	static bool right(uint64_t round);	on the second; forbidden outcome?
 *	int main(...) { return litmus(argc, argv, "claim", setup, left, right); }
 *
 * Built as is, the outcome must never show.  Built with LITMUS_MUTANT, and the
 * define that takes the order out of the library, it must show: otherwise the
 * program would prove nothing.
 */
#include <time.h>

#include "base/atomic.h"
#include "threads.h"

#define LITMUS_ROUNDS 300000
#define LITMUS_SECONDS 4	/* an intact build stops here */
#define LITMUS_MUTANT_SECONDS 60

#ifdef LITMUS_MUTANT
enum { litmus_is_mutant = 1 };
#else
enum { litmus_is_mutant = 0 };
#endif

static struct {
	_Alignas(64) uint64_t arrived;	/* twice per round */
	_Alignas(64) uint64_t stop;
	_Alignas(64) uint64_t seed;
	void (*left)(uint64_t round);
} litmus_state;

/* Both leave within a few cycles of each other. */
static inline void litmus_meet(uint64_t round)
{
	unsigned int spins = 0;

	mmun_fetch_add(&litmus_state.arrived, 1);
	while (mmun_load_acquire(&litmus_state.arrived) < 2 * round) {
		mmun_cpu_relax();
		/* The other CPU may be busy with somebody else. */
		if (++spins % 4096 == 0)
			sched_yield();
	}
}

static inline void litmus_skew(uint64_t *rng)
{
	for (uint64_t n = next_random(rng) % 128; n; n--)
		mmun_barrier();
}

static void *litmus_left_thread(void *unused)
{
	uint64_t rng = litmus_state.seed * 3 + 1;

	pin(0);
	for (uint64_t round = 1;; round++) {
		litmus_meet(2 * round - 1);
		if (mmun_read(&litmus_state.stop))
			return unused;
		litmus_skew(&rng);
		litmus_state.left(round);
		litmus_meet(2 * round);
	}
}

static inline bool litmus_goes_on(uint64_t round, uint64_t forbidden,
				  time_t begun)
{
	if (round % 256)
		return true;
	if (litmus_is_mutant)
		return !forbidden &&
		       time(NULL) - begun < LITMUS_MUTANT_SECONDS;
	return round < LITMUS_ROUNDS && time(NULL) - begun < LITMUS_SECONDS;
}

/* Return: as main(). */
static inline int litmus(int argc, char **argv, const char *claim,
			 void (*setup)(uint64_t round),
			 void (*left)(uint64_t round),
			 bool (*right)(uint64_t round))
{
	uint64_t forbidden = 0, round = 1, rng;
	time_t begun = time(NULL);
	pthread_t thread;

	tap_begin(60);
	litmus_state.seed = argc > 1 ? strtoull(argv[1], NULL, 0) :
				       (uint64_t)begun;
	rng = litmus_state.seed * 2 + 1;
	diag("seed %llu", (unsigned long long)litmus_state.seed);
	if (!pin(1)) {
		skip(claim, "a second CPU");
		return tap_end();
	}
	litmus_state.left = left;
	spawn(&thread, litmus_left_thread, NULL);
	for (; litmus_goes_on(round, forbidden, begun); round++) {
		if (setup)
			setup(round);
		litmus_meet(2 * round - 1);
		litmus_skew(&rng);
		forbidden += right(round);
		litmus_meet(2 * round);
	}
	mmun_write(&litmus_state.stop, 1);
	litmus_meet(2 * round - 1);
	pthread_join(thread, NULL);
	if (litmus_is_mutant)
		ok(forbidden, "without it, not so: %s", claim);
	else
		ok(!forbidden, "%s", claim);
	diag("%llu forbidden outcomes in %llu rounds",
	     (unsigned long long)forbidden, (unsigned long long)round - 1);
	return tap_end();
}

#endif /* TESTS_SRCU_LITMUS_H */
