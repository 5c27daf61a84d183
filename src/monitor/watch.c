// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watches lie in a tree, by the range that they are about.  Sources know
 * nothing of them: they are told of whole mappings.
 *
 * Both locks are held over fork(), and no callback wants one.
 */
#include <errno.h>
#include <limits.h>

#include "base/export.h"
#include "base/interval_tree.h"
#include "base/lock.h"
#include "base/mutants.h"
#include "base/warn.h"
#include "core/core.h"
#include "monitor/bracket.h"
#include "monitor/sources.h"
#include "monitor/watch.h"

uint32_t mmun_watching;
uint64_t mmun_watch_map[MMUN_WATCH_BITS / 64];

/* In watch->mmun_private.  Valid when it is_known(), whatever was there before. */
struct watch_private {
	struct mmun_interval interval;
	uint64_t state;
	struct mmun_extent extent;
};

_Static_assert(sizeof(struct watch_private) <=
		       sizeof(((struct mmun_watch *)0)->mmun_private),
	       "the private part fits");

static struct {
	struct mmun_lock calls;		/* what the sources are told, in order */
	struct mmun_lock lock;		/* what follows; the inner one */
	struct mmun_interval_tree tree;
	unsigned long late_start;	/* unwatched, and no source knows */
	unsigned long late_end;
	/* Under calls: all that sources were ever told of, since it was empty. */
	unsigned long told_start;
	unsigned long told_end;
} watches;

static void lock_tree(struct mmun_sigmask *saved)
{
	mmun_lock_save(&watches.lock, saved);
}

static void unlock_tree(const struct mmun_sigmask *saved)
{
	mmun_unlock_restore(&watches.lock, saved);
}

static unsigned long end_of_page(unsigned long byte)
{
	return mmun_page_down(byte) + mmun_page_size ?: ULONG_MAX;
}

/* Where the page at @at is watched by somebody, how far does he watch?  Else @at. */
static unsigned long watched_to(unsigned long at)
{
	unsigned long last = at + mmun_page_size - 1, farthest = 0;
	struct mmun_interval *node;
	struct mmun_sigmask saved;

	lock_tree(&saved);
	node = mmun_interval_first(&watches.tree, at, last);
	for (; node; node = mmun_interval_next(node, at, last))
		if (node->last > farthest)
			farthest = node->last;
	unlock_tree(&saved);
	mmun_intervals_reach(&mmun_self.intervals, at, last, &farthest);
	return farthest ? end_of_page(farthest) : at;
}

bool mmun_is_all_watched(unsigned long start, unsigned long end)
{
	unsigned long to = mmun_page_down(start), further;

	while (to < end && (further = watched_to(to)) > to)
		to = further;
	return to >= end;
}

/* By a watch, or by an interval notifier. */
bool mmun_is_watched(unsigned long start, unsigned long end)
{
	struct mmun_sigmask saved;
	bool found;

	lock_tree(&saved);
	found = mmun_interval_first(&watches.tree, start, end - 1);
	unlock_tree(&saved);
	return found ||
	       mmun_intervals_overlap(&mmun_self.intervals, start, end - 1);
}

/* -- a watch, and its memory -- */

static struct watch_private *private_of(struct mmun_watch *watch)
{
	return (struct watch_private *)watch->mmun_private;
}

/* So that memory that was never a watch, or a copy of one, is told apart. */
static uint64_t in_use(const struct mmun_watch *watch)
{
	return (uint64_t)(uintptr_t)watch ^ 0x6d6d756e77617463ULL;
}

static int claim(struct mmun_watch *watch, struct mm_struct *mm,
		 unsigned long start, unsigned long end)
{
	struct watch_private *priv = private_of(watch);
	struct mmun_sigmask saved;
	int err = -EINVAL;

	lock_tree(&saved);
	if (priv->state != in_use(watch)) {
		*watch = (struct mmun_watch){ mm, start, end, { 0 } };
		priv->state = in_use(watch);
		priv->interval.start = start;
		priv->interval.last = end - 1;
		if (mm == &mmun_self)
			mmun_interval_insert(&watches.tree, &priv->interval);
		err = 0;
	}
	unlock_tree(&saved);
	return err;
}

static void extend(unsigned long *start, unsigned long *end, unsigned long from,
		   unsigned long to)
{
	if (*start == *end)
		*start = from, *end = to;
	if (*start > from)
		*start = from;
	if (*end < to)
		*end = to;
}

static void add_late(unsigned long start, unsigned long end)
{
	extend(&watches.late_start, &watches.late_end, start, end);
}

/* With what lies outside of it in the mappings that it was about. */
static void add_late_range(unsigned long start, unsigned long last,
			   struct mmun_extent extent)
{
	add_late(mmun_page_down(start) - extent.before * mmun_page_size,
		 end_of_page(last) + extent.after * mmun_page_size);
}

static bool release(struct mmun_watch *watch)
{
	struct watch_private *priv = private_of(watch);
	struct mmun_sigmask saved;
	bool used;

	lock_tree(&saved);
	used = priv->state == in_use(watch);
	if (used && watch->mm == &mmun_self) {
		mmun_interval_remove(&watches.tree, &priv->interval);
		add_late_range(priv->interval.start, priv->interval.last,
			       priv->extent);
	}
	if (used)
		priv->state = 0;
	unlock_tree(&saved);
	return used;
}

/* -- telling the sources; under watches.calls -- */

void mmun_watch_mark(unsigned long start, unsigned long end)
{
	unsigned long at = start >> MMUN_WATCH_GRANULE;
	unsigned long last = (end - 1) >> MMUN_WATCH_GRANULE;

	if (last - at >= MMUN_WATCH_BITS)
		last = at + MMUN_WATCH_BITS - 1;
	for (; at <= last; at++)
		mmun_fetch_or(&mmun_watch_map[at / 64 % (MMUN_WATCH_BITS / 64)],
			      1ULL << at % 64);
	/*
	 * ORDER(watch-mark): before the mapping is registered.  Who is given its
	 * address, after another thread has unmapped it, comes after that by the
	 * kernel's lock; pairs with mmun_mapped().
	 */
	mmun_store_release(&mmun_watching, 1);
}

static void forget_marks(void)
{
	mmun_write(&mmun_watching, 0);
	for (int i = 0; i < MMUN_WATCH_BITS / 64; i++)
		mmun_write(&mmun_watch_map[i], 0);
}

/* Called without a lock: sources may have threads to start. */
static void prepare_sources(void)
{
	for_each_running_source(s)
		if (s->ops->prepare)
			s->ops->prepare();
}

static void watch_mapping(const struct mmun_mapping *m)
{
	extend(&watches.told_start, &watches.told_end, m->start, m->end);
	for_each_running_source(s)
		if (s->ops->watch)
			s->ops->watch(m);
}

static uint32_t pages_between(unsigned long from, unsigned long to)
{
	unsigned long nr = from < to ? (to - from) / mmun_page_size : 0;

	return nr < UINT32_MAX ? nr : UINT32_MAX;
}

struct span {
	unsigned long start;
	unsigned long end;
	struct mmun_extent extent;
};

static bool watch_one(const struct mmun_mapping *m, void *arg)
{
	struct span *span = arg;

	if (m->start < span->start)
		span->extent.before = pages_between(m->start,
						    mmun_page_up(span->start));
	if (m->end > span->end)
		span->extent.after = pages_between(mmun_page_down(span->end),
						   m->end);
	watch_mapping(m);
	return true;
}

static struct mmun_extent watch_mappings(unsigned long start, unsigned long end)
{
	struct span span = { start, end, { 0, 0 } };

	mmun_each_mapping_in(start, end, watch_one, &span);
	return span.extent;
}

static bool watch_again(const struct mmun_mapping *m, void *arg)
{
	(void)arg;
	if (mmun_is_watched(m->start, m->end))
		watch_mapping(m);
	return true;
}

static bool unwatch_one(const struct mmun_mapping *m, void *unused)
{
	(void)unused;
	if (mmun_is_watched(m->start, m->end))
		return true;
	for_each_running_source(s)
		if (s->ops->unwatch)
			s->ops->unwatch(m);
	return true;
}

/*
 * What is split or moved while it is watched leaves parts behind that no watch
 * leads to: when nobody watches any more, all is gone through.
 */
static void unwatch_late(void)
{
	struct mmun_sigmask saved;
	unsigned long start, end;
	bool nobody;

	lock_tree(&saved);
	start = watches.late_start;
	end = watches.late_end;
	watches.late_start = watches.late_end = 0;
	unlock_tree(&saved);
	if (start == end)
		return;
	extend(&watches.told_start, &watches.told_end, start, end);
	nobody = !mmun_is_watched(0, ULONG_MAX);
	if (nobody)
		extend(&start, &end, watches.told_start, watches.told_end);
	if (mmun_each_mapping_in(start, end, unwatch_one, NULL)) {
		/* Without a descriptor: later. */
		lock_tree(&saved);
		add_late(start, end);
		unlock_tree(&saved);
	} else if (nobody) {
		watches.told_start = watches.told_end = 0;
		forget_marks();
	}
}

/* With the next call: a thread of ours has no business among the descriptors. */
void mmun_watch_forget(unsigned long start, unsigned long end)
{
	struct mmun_sigmask saved;

	lock_tree(&saved);
	add_late(start, end);
	unlock_tree(&saved);
}

unsigned int mmun_watch_seen(const struct mmun_mapping *m)
{
	struct mmun_sigmask saved;
	unsigned int bits = 0;

	mmun_lock_save(&watches.calls, &saved);
	extend(&watches.told_start, &watches.told_end, m->start, m->end);
	for_each_running_source(s)
		if (s->ops->watch)
			bits |= s->ops->watch(m);
	mmun_unlock_restore(&watches.calls, &saved);
	return bits;
}

void mmun_watch_started(void)
{
	struct mmun_sigmask saved;

	if (!mmun_is_watched(0, ULONG_MAX))
		return;
	prepare_sources();
	mmun_lock_save(&watches.calls, &saved);
	mmun_each_mapping(watch_again, NULL);
	mmun_unlock_restore(&watches.calls, &saved);
}

/* -- the calls -- */

static int watch_self(struct mmun_watch *watch, unsigned long start,
		      unsigned long end)
{
	struct mmun_sigmask saved;
	int err = mmun_monitor_start();

	if (err)
		return err;
	prepare_sources();
	mmun_lock_save(&watches.calls, &saved);
	unwatch_late();
	err = claim(watch, &mmun_self, start, end);
	if (!err)
		private_of(watch)->extent = watch_mappings(start, end);
	mmun_unlock_restore(&watches.calls, &saved);
	return err;
}

int mmun_watch(struct mmun_watch *watch, struct mm_struct *mm,
	       unsigned long start, unsigned long end)
{
	if (!watch || !mm || start >= end)
		return -EINVAL;
	if (mmun_in_callback(mm))
		return -EDEADLK;
	if (mm != &mmun_self)
		return claim(watch, mm, start, end);
	return watch_self(watch, start, end);
}
EXPORT_SYMBOL(mmun_watch);

void mmun_unwatch(struct mmun_watch *watch)
{
	struct mmun_sigmask saved;

	if (mmun_in_callback(&mmun_self)) {
		mmun_warn_once("mmun_unwatch() in a callback: still watched");
		return;
	}
	if (!watch || !release(watch)) {
		mmun_warn_once("mmun_unwatch() of what is no watch");
		return;
	}
	if (watch->mm != &mmun_self)
		return;
	mmun_lock_save(&watches.calls, &saved);
	unwatch_late();
	mmun_unlock_restore(&watches.calls, &saved);
}
EXPORT_SYMBOL(mmun_unwatch);

/* -- the interest of interval notifiers -- */

static void declare(unsigned long start, unsigned long last,
		    struct mmun_extent *ret_extent)
{
	struct mmun_sigmask saved;

	prepare_sources();
	mmun_lock_save(&watches.calls, &saved);
	unwatch_late();
	*ret_extent = watch_mappings(start, end_of_page(last));
	mmun_unlock_restore(&watches.calls, &saved);
}

static void withdraw(unsigned long start, unsigned long last,
		     struct mmun_extent extent)
{
	struct mmun_sigmask saved;

	lock_tree(&saved);
	add_late_range(start, last, extent);
	unlock_tree(&saved);
	mmun_lock_save(&watches.calls, &saved);
	unwatch_late();
	mmun_unlock_restore(&watches.calls, &saved);
}

const struct mmun_interest_ops mmun_watch_interest = {
	.declare = declare,
	.withdraw = withdraw,
};

void mmun_watch_mapped(unsigned long start, unsigned long end)
{
	for_each_running_source(s)
		if (s->ops->mapped)
			s->ops->mapped(start, end);
}

/* -- fork() -- */

void mmun_watch_fork_prepare(void)
{
	mmun_lock(&watches.calls);
	mmun_lock(&watches.lock);
}

void mmun_watch_fork_done(void)
{
	mmun_unlock(&watches.lock);
	mmun_unlock(&watches.calls);
}
