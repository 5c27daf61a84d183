// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Read sections of all caches, in line: each thread has a word, which it writes.
 *
 *	0		the thread has not joined
 *	IDLE		in no section
 *	INSIDE		in one, and in no more than that
 *	a number	in one that the grace period of that number waits for
 *
 * Whoever cannot use the word, because it is taken (sections nest), or because the
 * thread has not joined, is counted in the cache's SRCU domain instead.
 *
 * A grace period orders all threads, by one membarrier, and then puts its number
 * where it finds a section.  A section that it does not find begins after the
 * membarrier, and sees what is dead.  One that it marks has ended when its word is
 * anything else, because only the thread takes the mark away; and when the number is
 * a higher one, because no grace period marks what has a mark.  ORDER(cache-section).
 */
#include <pthread.h>
#include <time.h>

#include "cache/cache.h"

#define IDLE MMUN_REGCACHE_IDLE
#define INSIDE MMUN_REGCACHE_INSIDE

struct reader {
	uint64_t *word;
	struct reader *next, **pprev;
};

__thread uint64_t mmun_regcache_word
	__attribute__((tls_model("initial-exec"), visibility("default")));

static __thread struct reader reader __attribute__((tls_model("initial-exec")));
/* It is about to end: its memory may go at any time. */
static __thread bool has_left __attribute__((tls_model("initial-exec")));

static struct {
	struct mmun_lock lock;
	struct reader *first;
	uint64_t number;	/* the last grace period's */
	bool has_key;
	pthread_key_t key;
} readers = { .number = INSIDE };

static void leave(void *unused)
{
	struct mmun_sigmask saved;

	(void)unused;
	mmun_lock_save(&readers.lock, &saved);
	*reader.pprev = reader.next;
	if (reader.next)
		reader.next->pprev = reader.pprev;
	mmun_write(&mmun_regcache_word, 0);
	has_left = true;
	mmun_unlock_restore(&readers.lock, &saved);
}

static bool make_key(void)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&readers.lock, &saved);
	if (!readers.has_key)
		readers.has_key = !pthread_key_create(&readers.key, leave);
	mmun_unlock_restore(&readers.lock, &saved);
	return readers.has_key;
}

void mmun_cache_join_sections(struct cache *c)
{
	struct mmun_sigmask saved;

	/* Without membarrier words are of no use. */
	if (mmun_read(&mmun_regcache_word) || has_left || !c->srcu->ncpus || !make_key() ||
	    pthread_setspecific(readers.key, &reader))
		return;
	mmun_lock_save(&readers.lock, &saved);
	if (!mmun_regcache_word) {
		reader.word = &mmun_regcache_word;
		reader.next = readers.first;
		if (reader.next)
			reader.next->pprev = &reader.next;
		reader.pprev = &readers.first;
		readers.first = &reader;
		mmun_write(&mmun_regcache_word, IDLE);
	}
	mmun_unlock_restore(&readers.lock, &saved);
}

/* Sections of this thread that are counted in a domain. */
static __thread unsigned int counted __attribute__((tls_model("initial-exec")));

unsigned int mmun_cache_enter_counted(struct cache *c)
{
	counted++;
	return mmun_srcu_read_lock(c->srcu);
}

void mmun_cache_leave_counted(struct cache *c, unsigned int bank)
{
	mmun_srcu_read_unlock(c->srcu, bank);
	counted--;
}

/* -- grace periods -- */

/* Return: is there a section to wait for? */
static bool mark(uint64_t *word, uint64_t number)
{
	uint64_t old = mmun_load_acquire(word);

	if (old == INSIDE && !mmun_cas(word, &old, number)) {
		/* It has ended: see what it did.  What has begun since needs no mark. */
		mmun_load_acquire(word);
		return false;
	}
	return old != IDLE;
}

/*
 * A pass over the readers, which no signal handler makes; but one may fork(), which
 * takes the lock unless it has interrupted a pass.  So signals need not be blocked.
 */
static __thread bool in_pass __attribute__((tls_model("initial-exec")));

static void begin_pass(void)
{
	mmun_write(&in_pass, true);
	mmun_barrier();
	mmun_lock(&readers.lock);
}

static void end_pass(void)
{
	mmun_unlock(&readers.lock);
	mmun_barrier();
	mmun_write(&in_pass, false);
}

static uint64_t mark_sections(void)
{
	uint64_t number;
	bool any = false;

	begin_pass();
	number = ++readers.number;
	for (struct reader *r = readers.first; r; r = r->next)
		any |= mark(r->word, number);
	end_pass();
	return any ? number : 0;
}

struct grace mmun_cache_begin_grace(struct cache *c)
{
	struct grace grace;

	/* ORDER(cache-counts): pairs with hold_region_here(), drop_region_here(). */
	if (!MMUN_BREAK_CACHE_SECTION)
		mmun_srcu_restart_readers();
	grace.sections = mark_sections();
	grace.srcu = mmun_srcu_gp_target(c->srcu);
	return grace;
}

static bool have_left(uint64_t number)
{
	bool left = true;

	if (!number)
		return true;
	begin_pass();
	for (struct reader *r = readers.first; r && left; r = r->next) {
		uint64_t word = mmun_load_acquire(r->word);

		left = word <= INSIDE || word > number;
	}
	end_pass();
	return left;
}

bool mmun_cache_is_grace_over(struct cache *c, const struct grace *grace)
{
	return have_left(grace->sections) &&
	       (mmun_srcu_have_left(c->srcu) ||
		mmun_srcu_gp_poll(c->srcu, grace->srcu));
}

bool mmun_cache_is_in_section(void)
{
	return mmun_read(&mmun_regcache_word) > IDLE || counted;
}

/* Most sections are short, a few sleep. */
static void back_off(unsigned int round)
{
	struct timespec ts = { .tv_nsec = 50000 };

	if (round < 20)
		mmun_syscall(SYS_sched_yield);
	else
		mmun_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
}

void mmun_cache_wait_for_grace(struct cache *c, const struct grace *grace)
{
	unsigned int round = 0;

	while (!have_left(grace->sections))
		back_off(round++);
	if (!mmun_srcu_have_left(c->srcu))
		mmun_srcu_synchronize(c->srcu);
}

/* -- fork(); the lock is held, unless we are in a pass -- */

void mmun_cache_sections_fork_prepare(void)
{
	if (!in_pass)
		mmun_lock(&readers.lock);
}

void mmun_cache_sections_fork_parent(void)
{
	if (!in_pass)
		mmun_unlock(&readers.lock);
}

/* Only this thread is there, and only if it has joined. */
void mmun_cache_sections_fork_child(void)
{
	readers.first = NULL;
	if (mmun_regcache_word) {
		reader.next = NULL;
		reader.pprev = &readers.first;
		readers.first = &reader;
	}
	readers.lock.word = 0;
}
