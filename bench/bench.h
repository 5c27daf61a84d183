/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCH_H
#define BENCH_H
/*
 * Paired measurements.
 *
 * All cases of a question run once in every round, in random order, so that a
 * slow moment of the machine meets all of them.  A result is the median over
 * rounds of the ratio, or difference, of two cases in one round.
 */
#include <stdbool.h>
#include <stddef.h>

struct bench_case {
	const char *name;
	/* Do it @n times. */
	void (*run)(void *arg, long n);
	void *arg;
	/* Optional, untimed, before each time that it runs. */
	void (*prepare)(void *arg);
	/* Instead of timing run() here; as bench_time(). */
	double (*time)(void *arg, long n, bool *disturbed);
	/* The harness's: repetitions in a round, result of each round. */
	long n;
	double *ns;
};

/* Read the number of rounds, settle on a CPU, print the header line. */
void bench_begin(const char *question, int argc, char **argv);

/* The CPU that is not measured on, or -1. */
int bench_other_cpu(void);
void bench_pin(int cpu);

/* Nanoseconds that run(@arg, @n) takes; disturbed: was the CPU taken away? */
double bench_time(void (*run)(void *, long), void *arg, long n,
		  bool *disturbed);

/* Measure all cases; to be followed by reports, then bench_release(). */
void bench_measure(struct bench_case *cases, int count);
/* The same in @parts calls: rounds are shared out between parts 0, 1, ... */
void bench_measure_part(struct bench_case *cases, int count, int part,
			int parts);
void bench_release(struct bench_case *cases, int count);

/*
 * One line each.  @what begins it: "walk subscribers=8".
 * ratio: ours / peer, both above @base when there is one.
 */
void bench_ratio(const char *what, const struct bench_case *ours,
		 const struct bench_case *peer, const struct bench_case *base);
void bench_added(const char *what, const struct bench_case *ours,
		 const struct bench_case *base);
void bench_unavailable(const char *what, const char *peer, const char *reason);

/* Leave with a message when @holds is false. */
__attribute__((format(printf, 2, 3)))
void bench_require(bool holds, const char *fmt, ...);

#endif /* BENCH_H */
