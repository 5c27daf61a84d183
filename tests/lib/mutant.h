/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_LIB_MUTANT_H
#define TESTS_LIB_MUTANT_H
/*
 * A test of a rule: built as is, it must hold.  Built with MMUN_MUTANT_BY_NAME
 * it takes the name of a rule that is broken then (base/mutants.h), and must
 * notice: otherwise it would prove nothing.
 */
#include <pthread.h>
#include <time.h>

#include "tap.h"

#ifdef MMUN_MUTANT_BY_NAME
#include "base/mutants.h"

int mmun_broken_rule;
static const char *broken_name;

static inline void break_rule(int *argc, char ***argv)
{
#define MMUN_RULE(name) #name,
	static const char *const names[] = { MMUN_RULES(MMUN_RULE) };
#undef MMUN_RULE

	for (size_t i = 0; *argc > 1 && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp((*argv)[1], names[i]))
			mmun_broken_rule = i + 1;
	if (!mmun_broken_rule)
		bail("which rule is to be broken?");
	broken_name = (*argv)[1];
	--*argc;
	++*argv;
}
#else
static const char *const broken_name;

static inline void break_rule(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
}
#endif

/* The verdict on the rule. */
static inline void rule(bool kept, const char *claim)
{
	if (broken_name)
		ok(!kept, "with %s, not so: %s", broken_name, claim);
	else
		ok(kept, "%s", claim);
}

/* Whatever else the test looks at. */
static inline void besides(bool kept, const char *claim)
{
	if (!broken_name)
		ok(kept, "%s", claim);
}

/* Is another round to be made?  A mutant is given more time to be caught. */
static inline bool has_time(unsigned int round, unsigned int rounds)
{
	static atomic_long begun;
	struct timespec now;
	long seconds = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!atomic_compare_exchange_strong(&begun, &seconds, now.tv_sec))
		seconds = now.tv_sec - seconds;
	return broken_name ? seconds < 40 : round < rounds && seconds < 4;
}

/*
 * Wait for the threads as long as they get anywhere, as *progress says.  Return:
 * have they ended?
 */
static inline bool join_all(const pthread_t *threads, size_t nr,
			    const atomic_ulong *progress)
{
	unsigned long was = ~0UL, now;
	struct timespec until;

	for (size_t i = 0; i < nr;) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += broken_name ? 1 : 20;
		if (!pthread_timedjoin_np(threads[i], NULL, &until)) {
			i++;
			continue;
		}
		now = atomic_load(progress);
		if (now == was)
			return false;
		was = now;
	}
	return true;
}

/* As a test whose threads hang ends: without exit handlers. */
static inline void end_at_once(void)
{
	_exit(tap_end());
}

#endif /* TESTS_LIB_MUTANT_H */
