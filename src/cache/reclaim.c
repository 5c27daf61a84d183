// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From death to deregistration.
 *
 *	dead	pushed by who killed it, in an event perhaps
 *	doomed	no lookup under the lock finds it, and a grace period is under
 *		way.  ORDER(cache-dead): after its death, so that who has seen
 *		it alive is waited for
 *	ready	nobody holds it any more: deregistered
 *
 * No event is told to it any more from when somebody has to be waited for, in a section
 * or holding it; or when it is deregistered, unless that is done for who registers the
 * same range again.  He begins with it as with an attempt that was hit.
 *
 * Each step takes what is there, and does it by itself: any number of threads may
 * be at it at once.  No memory is needed.
 */
#include <sys/prctl.h>

#include "cache/holders.h"

static bool has_reclaimer(const struct cache *c)
{
	return c->attr.flags & MMUN_REGCACHE_RECLAIMER;
}

static void wake_reclaimer(struct cache *c)
{
	if (!has_reclaimer(c))
		return;
	mmun_fetch_add(&c->wake, 1);
	mmun_futex_wake(&c->wake);
}

static void push(struct cache *c, struct region **list, struct region *r)
{
	struct region *first = mmun_read(list);

	mmun_fetch_add(&c->to_do, 1);
	do {
		r->next = first;
	} while (!mmun_cas(list, &first, r));
	wake_reclaimer(c);
}

static void done_with(struct cache *c, uint32_t n)
{
	mmun_fetch_sub(&c->to_do, n);
}

void mmun_cache_bury(struct region *r)
{
	push(cache_of_region(r), &cache_of_region(r)->dead, r);
}

void mmun_cache_ready(struct region *r)
{
	push(cache_of_region(r), &cache_of_region(r)->ready, r);
}

void mmun_cache_unlist(struct cache *c, struct region *r)
{
	if (!r->listed)
		return;
	r->listed = false;
	mmun_interval_remove(&c->tree, &r->node);
	mmun_cache_take_from_index(c, r);
	mmun_cache_dequeue(c, r);
	c->nr--;
	c->bytes -= r->pub->end - r->pub->start;
	c->stats.regions--;
}

void mmun_cache_kill_range(struct cache *c, unsigned long start, unsigned long end)
{
	struct mmun_interval *node, *next;
	struct region *r;

	for (node = mmun_interval_first(&c->tree, start, end - 1); node;
	     node = next) {
		next = mmun_interval_next(node, start, end - 1);
		r = region_of_node(node);
		if (!kill_region(r))
			continue;
		mmun_cache_unlist(c, r);
		mmun_cache_bury(r);
	}
	for (r = c->pending; r; r = r->next)
		if (r->pub->start < end && start < r->pub->end)
			kill_region(r);
}

/* -- the steps -- */

static void deregister(struct cache *c, struct region *r)
{
	if (!r->registered)
		return;
	r->registered = false;
	c->ops->dereg(c->ctx, r->pub->handle);
	count(&c->stats.deregistrations);
	mmun_fetch_sub(&c->handles, 1);
}

void mmun_cache_unwatch(struct region *r)
{
	if (!r->watched)
		return;
	mmu_interval_notifier_remove(&r->sub);
	r->watched = false;
}

static void doom(struct cache *c, struct region *list)
{
	struct grace grace;
	struct region *r, *next;
	bool over;

	lock_cache(c);
	for (r = list; r; r = r->next)
		mmun_cache_unlist(c, r);
	unlock_cache(c);
	grace = mmun_cache_begin_grace(c);
	over = mmun_cache_is_grace_over(c, &grace);
	for (r = list; r; r = r->next) {
		r->grace = grace;
		if (!over)
			mmun_cache_unwatch(r);
		if (MMUN_BREAK_CACHE_DEFER)
			deregister(c, r);
	}
	lock_cache(c);
	for (r = list; r; r = next) {
		next = r->next;
		r->next = NULL;
		*c->doomed_last = r;
		c->doomed_last = &r->next;
	}
	unlock_cache(c);
	wake_reclaimer(c);
}

static bool is_same(const struct grace *a, const struct grace *b)
{
	return a && a->sections == b->sections && a->srcu == b->srcu;
}

/* Those whose grace period is over; or all. */
static struct region *take_doomed(struct cache *c, bool all)
{
	struct region *list = c->doomed, **last = &c->doomed;
	const struct grace *over = NULL;

	/* Those that died together have the same one. */
	while (*last && (all || is_same(over, &(*last)->grace) ||
			 mmun_cache_is_grace_over(c, &(*last)->grace))) {
		over = &(*last)->grace;
		last = &(*last)->next;
	}
	if (last == &c->doomed)
		return NULL;
	c->doomed = *last;
	*last = NULL;
	if (!c->doomed)
		c->doomed_last = &c->doomed;
	return list;
}

/* The cache's reference, in whose stead others may keep it for long. */
static void drop_own(struct region *r)
{
	if ((mmun_read(&r->refs) & REF_HOLDERS) != REF_ONE)
		mmun_cache_unwatch(r);
	drop_region(r);
}

static void drop_doomed(struct cache *c, bool wait)
{
	struct region *list, *r, *next;
	struct grace grace;
	uint32_t n = 0;

	lock_cache(c);
	list = take_doomed(c, wait || MMUN_BREAK_CACHE_GRACE);
	unlock_cache(c);
	if (!list)
		return;
	/* Its own: sections that follow may make those of before look unfinished. */
	if (wait) {
		grace = mmun_cache_begin_grace(c);
		mmun_cache_wait_for_grace(c, &grace);
	}
	lock_cache(c);
	for (r = list; r; r = r->next)
		mmun_cache_sum_up(r);
	unlock_cache(c);
	for (r = list; r; r = next, n++) {
		next = r->next;
		drop_own(r);
	}
	done_with(c, n);
}

void mmun_cache_retire_region(struct cache *c, struct region *r)
{
	mmun_cache_unwatch(r);
	lock_cache(c);
	mmun_cache_free_region(r);
	unlock_cache(c);
}

static bool was_for(const struct region *r, unsigned long start, unsigned long end)
{
	return start < end && r->watched && r->pub->start <= start &&
	       end <= r->pub->end;
}

/* Return: as mmun_cache_reclaim_for(). */
static struct region *finish(struct cache *c, unsigned long start, unsigned long end)
{
	struct region *ready = mmun_xchg(&c->ready, NULL), *spare = NULL, *r, *next;
	uint32_t n = 0;

	for (r = ready; r; r = r->next, n++)
		deregister(c, r);
	for (r = ready; r; r = next) {
		next = r->next;
		if (!spare && was_for(r, start, end))
			spare = r;
		else
			mmun_cache_retire_region(c, r);
	}
	done_with(c, n);
	return spare;
}

static struct region *reclaim(struct cache *c, bool wait, unsigned long start,
			      unsigned long end)
{
	struct region *dead;

	if (mmun_read(&c->abandoned))
		return NULL;
	dead = mmun_xchg(&c->dead, NULL);
	if (dead)
		doom(c, dead);
	drop_doomed(c, wait && !mmun_cache_is_in_section());
	return finish(c, start, end);
}

void mmun_cache_reclaim(struct cache *c, bool wait)
{
	reclaim(c, wait, 0, 0);
}

struct region *mmun_cache_reclaim_for(struct cache *c, unsigned long start,
				      unsigned long end)
{
	return reclaim(c, false, start, end);
}

/* -- the reclaimer -- */

static void *run_reclaimer(void *arg)
{
	struct cache *c = arg;

	prctl(PR_SET_NAME, "mmun-reclaimer");
	while (!mmun_load_acquire(&c->stop)) {
		uint32_t wake = mmun_load_acquire(&c->wake);

		if (is_to_do(c))
			mmun_cache_reclaim(c, true);
		if (!mmun_read(&c->dead) && !mmun_read(&c->ready))
			mmun_futex_wait(&c->wake, wake, 0);
	}
	return NULL;
}

int mmun_cache_start_reclaimer(struct cache *c)
{
	struct mmun_sigmask saved;
	int err;

	if (!has_reclaimer(c))
		return 0;
	mmun_block_signals(&saved);
	err = pthread_create(&c->reclaimer, NULL, run_reclaimer, c);
	mmun_restore_signals(&saved);
	return err ? -ENOMEM : 0;
}

void mmun_cache_stop_reclaimer(struct cache *c)
{
	if (!has_reclaimer(c))
		return;
	mmun_store_release(&c->stop, 1);
	wake_reclaimer(c);
	pthread_join(c->reclaimer, NULL);
	c->attr.flags &= ~MMUN_REGCACHE_RECLAIMER;
}
