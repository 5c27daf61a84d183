/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_MUTANTS_H
#define MMUN_BASE_MUTANTS_H
/*
 * Rules that tests break on purpose, one build each, to see that they notice.
 * Always false in the library.
 */

#include <stdbool.h>

/* A grace period begins without ordering the readers. */
#ifdef MMUN_MUTANT_SRCU_ENTER
#define MMUN_BREAK_SRCU_ENTER true
#else
#define MMUN_BREAK_SRCU_ENTER false
#endif

/* A scan sums the locks first. */
#ifdef MMUN_MUTANT_SRCU_SCAN
#define MMUN_BREAK_SRCU_SCAN true
#else
#define MMUN_BREAK_SRCU_SCAN false
#endif

/* A grace period waits for one bank only. */
#ifdef MMUN_MUTANT_SRCU_BANK
#define MMUN_BREAK_SRCU_BANK true
#else
#define MMUN_BREAK_SRCU_BANK false
#endif

/* Sequences that check are not restarted, but ordered. */
#ifdef MMUN_MUTANT_SRCU_RESTART
#define MMUN_BREAK_SRCU_RESTART true
#else
#define MMUN_BREAK_SRCU_RESTART false
#endif

/* Registration does not wait for ranges in flight, and ends reach newcomers. */
#ifdef MMUN_MUTANT_REGISTER
#define MMUN_BREAK_REGISTER true
#else
#define MMUN_BREAK_REGISTER false
#endif

/* A user is counted by a plain increment. */
#ifdef MMUN_MUTANT_USERS_ZERO
#define MMUN_BREAK_USERS_ZERO true
#else
#define MMUN_BREAK_USERS_ZERO false
#endif

/* A range turns the sequence odd after its callbacks. */
#ifdef MMUN_MUTANT_INTERVAL_ODD
#define MMUN_BREAK_INTERVAL_ODD true
#else
#define MMUN_BREAK_INTERVAL_ODD false
#endif

/* The last end turns it even, and then advances it. */
#ifdef MMUN_MUTANT_INTERVAL_ADVANCE
#define MMUN_BREAK_INTERVAL_ADVANCE true
#else
#define MMUN_BREAK_INTERVAL_ADVANCE false
#endif

/* What is inserted while it is odd is not put off. */
#ifdef MMUN_MUTANT_INTERVAL_DEFER
#define MMUN_BREAK_INTERVAL_DEFER true
#else
#define MMUN_BREAK_INTERVAL_DEFER false
#endif

/* What was invalidated while it was registered is published all the same. */
#ifdef MMUN_MUTANT_CACHE_RETRY
#define MMUN_BREAK_CACHE_RETRY true
#else
#define MMUN_BREAK_CACHE_RETRY false
#endif

/* A registration is published, and then looked at. */
#ifdef MMUN_MUTANT_CACHE_PUBLISH
#define MMUN_BREAK_CACHE_PUBLISH 1
#else
#define MMUN_BREAK_CACHE_PUBLISH 0
#endif

/* What dies is deregistered at once, whoever uses it. */
#ifdef MMUN_MUTANT_CACHE_DEFER
#define MMUN_BREAK_CACHE_DEFER true
#else
#define MMUN_BREAK_CACHE_DEFER false
#endif

/* What dies is summed up at once, whoever is about to hold it. */
#ifdef MMUN_MUTANT_CACHE_GRACE
#define MMUN_BREAK_CACHE_GRACE true
#else
#define MMUN_BREAK_CACHE_GRACE false
#endif

/* A grace period begins without ordering those who are in sections. */
#ifdef MMUN_MUTANT_CACHE_SECTION
#define MMUN_BREAK_CACHE_SECTION true
#else
#define MMUN_BREAK_CACHE_SECTION false
#endif

/* Who puts counts on his CPU, and does not ask whether that has been summed up. */
#ifdef MMUN_MUTANT_CACHE_COUNTS
#define MMUN_BREAK_CACHE_COUNTS true
#else
#define MMUN_BREAK_CACHE_COUNTS false
#endif

/*
 * The rules of the monitors and of the core are many.  One build has them all, and
 * a test names the one to break:
 *
 *	if (MMUN_BREAK(NAME)) ...
 */
#define MMUN_RULES(rule)                                                       \
	rule(SETTLE_LATE)	/* a source lets a call go on, then says so */ \
	rule(SETTLE_EARLY)	/* it says that all is told, then tells */     \
	rule(UFFD_REQUEST)	/* who asks is answered, then served */        \
	rule(UFFD_NOTED)	/* who is let go next has run, too */          \
	rule(UFFD_TOLD)		/* a note counts as told, then it is */        \
	rule(UFFD_WAKE)		/* looks who waits, then tells */              \
	rule(BRACKET_EARLY)	/* published, then started */                  \
	rule(BRACKET_LATE)	/* ended, then withdrawn */                    \
	rule(BRACKET_TWICE)	/* drops two events about one page */          \
	rule(BRACKET_UNSAID)	/* drops one, and says that nothing changed */ \
	rule(BPF_TOLD)		/* a record counts as told, then it is */      \
	rule(BPF_WAKE)		/* looks who waits, then tells */              \
	rule(ORDER)		/* who registers goes to the end of the list */ \
	rule(USERS)		/* a get that finds does not count */          \
	rule(COUNT)		/* a notifier holds no mm_count */             \
	rule(PUT_FREES)		/* the last put frees at once */               \
	rule(FREE_EARLY)	/* the worker does not wait for callbacks */   \
	rule(NO_RELEASE)	/* the end of an mm is not told */             \
	rule(RELEASE_TWICE)	/* ... or by unregister once more */           \
	rule(END_ALONE)		/* an end reaches who came after the start */  \
	rule(NO_END)		/* refused: who took the start gets no end */  \
	rule(REFUSAL)		/* who refuses is not heard */                 \
	rule(STOP)		/* ... or nobody is asked after him */         \
	rule(RANGES)		/* registration does not wait for ranges */    \
	rule(UNREGISTER)	/* nor unregister for callbacks */             \
	rule(SYNCHRONIZE)	/* nor synchronize for frees */                \
	rule(SEQUENCE)		/* the last end does not advance it */         \
	rule(DEFER)		/* an insertion is not put off */              \
	rule(REMOVE)		/* a removal does not wait for the end */

#define MMUN_RULE(name) MMUN_RULE_##name,
enum mmun_rule { MMUN_NO_RULE, MMUN_RULES(MMUN_RULE) };
#undef MMUN_RULE

#ifdef MMUN_MUTANT_BY_NAME
extern int mmun_broken_rule;	/* the test's */
#define MMUN_BREAK(name) (mmun_broken_rule == MMUN_RULE_##name)
#else
#define MMUN_BREAK(name) false
#endif

#endif /* MMUN_BASE_MUTANTS_H */
