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

#endif /* MMUN_BASE_MUTANTS_H */
