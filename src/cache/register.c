// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A miss: one thread registers, others that want the same wait for it.
 *
 * While it registers, an event of the range may come at any moment.  The event
 * takes no lock; what decides is the region's word:
 *
 *	attempt				event
 *	  word = private		  sequence = that of the event
 *	  read_begin: sequence		  word |= dead
 *	  ... coverage, reg ...
 *	  word: not dead? -> alive
 *
 * ORDER(cache-pending): store buffering.  Either the event comes after the word was
 * set, and it cannot become alive; or the attempt finds the sequence, and
 * waits in mmu_interval_read_begin() until the memory has changed.
 */
#include "cache/holders.h"

#define MAX_ATTEMPTS 16

/* Registered, but for who has asked only. */
enum {
	PRIVATE_UNCOVERED = 1,
	PRIVATE_UNSTABLE,
	PRIVATE_CROWDED,
};

/* Somebody else's registration is dead, or his alone. */
#define NOT_SHARED 1

struct request {
	unsigned long addr;
	size_t len;
	unsigned int access;
	/* By granules. */
	unsigned long start;
	unsigned long end;
};

static bool hit_region(struct mmu_interval_notifier *sub,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct region *r = (struct region *)
		((char *)sub - offsetof(struct region, sub));

	mmu_interval_set_seq(sub, cur_seq);
	if (kill_region(r)) {
		count(&cache_of_region(r)->stats.invalidations
			       [range->event % MMUN_REGCACHE_CAUSES]);
		mmun_cache_bury(r);
	}
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {
	.invalidate = hit_region,
};

/* -- looking, under c->lock -- */

static struct region *find_listed(struct cache *c,
				  const struct request *q)
{
	unsigned long last = q->addr + q->len - 1;
	struct mmun_interval *node;

	for (node = mmun_interval_first(&c->tree, q->addr, last); node;
	     node = mmun_interval_next(node, q->addr, last)) {
		struct region *r = region_of_node(node);

		if (is_hit(r->pub, q->addr, q->len, q->access))
			return r;
	}
	return NULL;
}

static struct region *find_pending(struct cache *c,
				   const struct request *q)
{
	struct region *r = c->pending;

	while (r && !fits(r->pub, q->addr, q->len, q->access))
		r = r->next;
	return r;
}

/* -- which range -- */

/* Around what was asked for, with the bounds that the attributes want. */
static void align_range(const struct cache *c, struct region *r)
{
	unsigned long mask = c->attr.align - 1;
	unsigned long start = r->pub->start & ~mask;
	unsigned long end = (r->pub->end + mask) & ~mask;

	if (start < end) {
		r->pub->start = start;
		r->pub->end = end;
	}
}

static bool covers(const struct region *r, unsigned long start,
		   unsigned long end)
{
	return r->pub->start <= start && end <= r->pub->end;
}

/* Registered for too little: as it is, and for more. */
static void take_upgrade(struct region *r, const struct region *old)
{
	r->pub->start = old->pub->start;
	r->pub->end = old->pub->end;
	r->pub->access |= old->pub->access;
}

static bool takes_in(struct region *r, const struct region *old, bool merge)
{
	unsigned long start = r->pub->start, end = r->pub->end;
	unsigned int access = r->pub->access;

	if (covers(old, start, end)) {
		take_upgrade(r, old);
	} else if (merge) {
		if (old->pub->start < start)
			r->pub->start = old->pub->start;
		if (old->pub->end > end)
			r->pub->end = old->pub->end;
		r->pub->access |= old->pub->access;
	}
	return r->pub->start != start || r->pub->end != end ||
	       r->pub->access != access;
}

static bool has_size(const struct cache *c, const struct region *r)
{
	return !c->attr.max_bytes ||
	       r->pub->end - r->pub->start <= c->attr.max_bytes;
}

/* What it overlaps, and for merging, touches; again as long as that widens it. */
static bool widen_once(struct cache *c, struct region *r)
{
	bool merge = c->attr.flags & MMUN_REGCACHE_MERGE;
	unsigned long from = r->pub->start - (merge && r->pub->start);
	unsigned long last = r->pub->end - !merge;
	struct mmun_interval *node;

	for (node = mmun_interval_first(&c->tree, from, last); node;
	     node = mmun_interval_next(node, from, last)) {
		struct region *old = region_of_node(node);

		if (is_alive(old) && takes_in(r, old, merge))
			return true;
	}
	return false;
}

static void set_range(struct cache *c, struct region *r,
		      const struct request *q, bool wide)
{
	c->bytes -= r->pub->end - r->pub->start;
	r->pub->start = q->start;
	r->pub->end = q->end;
	r->pub->access = q->access;
	if (wide) {
		align_range(c, r);
		while (widen_once(c, r) && has_size(c, r))
			;
		wide = has_size(c, r);
	}
	if (!wide) {
		r->pub->start = q->start;
		r->pub->end = q->end;
		r->pub->access = q->access;
	}
	c->bytes += r->pub->end - r->pub->start;
}

/* -- an attempt -- */

/* Without limits nobody asks who was used, but for a lap when memory is short. */
static void begin_attempt(const struct cache *c, struct region *r)
{
	uint64_t number = (mmun_read(&r->pub->mmun_word) >> MMUN_REGCACHE_NUMBER) + 1;
	bool limits = c->attr.max_regions || c->attr.max_bytes;
	bool far = (long)r->pub->start < 0;

	mmun_xchg(&r->pub->mmun_word,
		  number << MMUN_REGCACHE_NUMBER | R_PRIVATE |
			  (limits ? R_UNUSED : 0) | (far ? R_FAR : 0) |
			  (uint32_t)~r->pub->access);
	mmu_interval_read_begin(&r->sub);
}

static bool is_untouched(const struct region *r)
{
	return !(mmun_load_acquire(&r->pub->mmun_word) & R_DEAD);
}

/* Give idle ones away.  Return: is there more memory than before? */
static bool relieve(struct cache *c, uint64_t bytes)
{
	uint64_t before = mmun_read(&c->handles);
	size_t gone;

	lock_cache(c);
	gone = mmun_cache_evict(c, c->nr / 8 + 1, bytes);
	unlock_cache(c);
	if (gone || is_to_do(c))
		mmun_cache_reclaim(c, true);
	return gone || mmun_read(&c->handles) < before;
}

static int call_registrar(struct cache *c, struct region *r)
{
	size_t len = r->pub->end - r->pub->start;
	int err;

	do {
		err = c->ops->reg(c->ctx, r->pub->start, len, r->pub->access,
				  &r->pub->handle);
	} while (err == -ENOMEM && relieve(c, len));
	if (err) {
		count(&c->stats.failures);
		return err < 0 ? err : -EIO;
	}
	r->registered = true;
	mmun_fetch_add(&c->handles, 1);
	return 0;
}

static void undo(struct cache *c, struct region *r)
{
	r->registered = false;
	c->ops->dereg(c->ctx, r->pub->handle);
	count(&c->stats.deregistrations);
	mmun_fetch_sub(&c->handles, 1);
}

static void add_pending(struct cache *c, struct region *r)
{
	r->next = c->pending;
	c->pending = r;
}

static void remove_pending(struct cache *c, struct region *r)
{
	struct region **at = &c->pending;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
}

/* Those that it has taken in, or has replaced. */
static void kill_old(struct cache *c, struct region *r)
{
	bool merge = c->attr.flags & MMUN_REGCACHE_MERGE;
	unsigned long last = r->pub->end - 1;
	struct mmun_interval *node, *next;

	for (node = mmun_interval_first(&c->tree, r->pub->start, last); node;
	     node = next) {
		struct region *old = region_of_node(node);
		bool same = covers(old, r->pub->start, r->pub->end);

		next = mmun_interval_next(node, r->pub->start, last);
		if (old == r || (old->pub->access & ~r->pub->access) ||
		    !(same || merge) ||
		    !covers(r, old->pub->start, old->pub->end) ||
		    !kill_region(old))
			continue;
		count(same ? &c->stats.upgrades : &c->stats.merges);
		mmun_cache_unlist(c, old);
		mmun_cache_bury(old);
	}
}

static void list(struct cache *c, struct region *r)
{
	r->listed = true;
	r->node.start = r->pub->start;
	r->node.last = r->pub->end - 1;
	mmun_interval_insert(&c->tree, &r->node);
	mmun_cache_enqueue(c, r);
	c->stats.regions++;
	mmun_cache_add_to_index(c, r);
	mmun_cache_hint(c, r->pub, r->pub->start);
}

#if MMUN_BREAK_CACHE_PUBLISH
static bool become_alive(struct region *r)
{
	uint64_t was = mmun_fetch_and(&r->pub->mmun_word, ~(R_PRIVATE | R_DEAD));

	mmun_cache_hint(cache_of_region(r), r->pub, r->pub->start);
	for (int i = 0; i < 4; i++)
		mmun_syscall(SYS_sched_yield);
	return !(was & R_DEAD) || !kill_region(r);
}
#else
/* ORDER(cache-alive): what it is first; pairs with is_alive(). */
static bool become_alive(struct region *r)
{
	uint64_t pending = mmun_read(&r->pub->mmun_word);
	uint64_t alive = pending & ~(R_PRIVATE | R_DEAD);

	if (MMUN_BREAK_CACHE_RETRY) {
		mmun_xchg(&r->pub->mmun_word, alive);
		return true;
	}
	return !(pending & R_DEAD) &&
	       mmun_cas(&r->pub->mmun_word, &pending, alive);
}
#endif

/*
 * This is mmu_interval_read_retry() and what comes after it, under the lock that
 * the event would take.  From when it is alive an event may bury it, even before
 * it is listed.
 */
static bool publish(struct cache *c, struct region *r,
		    const struct request *q)
{
	bool alive;

	lock_cache(c);
	remove_pending(c, r);
	mmun_fetch_add(&r->refs, REF_BIAS);
	alive = become_alive(r);
	if (alive) {
		list(c, r);
		mmun_cache_hint(c, r->pub, q->addr);
		kill_old(c, r);
	} else {
		mmun_fetch_sub(&r->refs, REF_BIAS);
		add_pending(c, r);
	}
	unlock_cache(c);
	return alive;
}

/* Return: as mmun_coverage(), less what is accepted. */
static int uncovered(struct cache *c, const struct region *r)
{
	int blind = mmun_coverage(c->mm, r->pub->start, r->pub->end);

	return blind < 0 ? blind : blind & ~(int)c->attr.accept_blind;
}

static int register_stable(struct cache *c, struct region *r,
			   const struct request *q, bool crowded)
{
	for (int attempt = 1;; attempt++) {
		int blind, err;

		begin_attempt(c, r);
		/* ORDER(cache-pending): if it was told, this is 0; else it will be told. */
		if (!mmun_mm_users(c->mm))
			return -EINVAL;
		blind = uncovered(c, r);
		if (blind < 0)
			return blind;
		err = call_registrar(c, r);
		if (err)
			return err;
		if (blind || crowded) {
			if (is_untouched(r))
				return blind ? PRIVATE_UNCOVERED :
					       PRIVATE_CROWDED;
		} else if (publish(c, r, q)) {
			return 0;
		}
		count(&c->stats.retries);
		if (attempt == MAX_ATTEMPTS)
			return PRIVATE_UNSTABLE;
		undo(c, r);
	}
}

static bool is_watched(const struct region *r)
{
	return r->watched && r->sub.interval_tree.start == r->pub->start &&
	       r->sub.interval_tree.last == r->pub->end - 1;
}

/* It may be, of its last life. */
static int watch(struct cache *c, struct region *r)
{
	int err;

	if (is_watched(r))
		return 0;
	mmun_cache_unwatch(r);
	err = mmu_interval_notifier_insert(&r->sub, c->mm, r->pub->start,
					   r->pub->end - r->pub->start,
					   &interval_ops);
	r->watched = !err;
	return err;
}

/* What is not published hears of nothing. */
static int try_range(struct cache *c, struct region *r,
		     const struct request *q, bool crowded)
{
	int ret = watch(c, r);

	if (ret)
		return ret;
	ret = register_stable(c, r, q, crowded);
	if (ret) {
		kill_region(r);
		mmun_cache_unwatch(r);
	}
	return ret;
}

/* -- a miss -- */

/* Takes @spare, but for lack of memory.  Return: NULL then. */
static struct region *begin_miss(struct cache *c, struct region *spare,
				 const struct request *q, bool *ret_crowded)
{
	struct region *r;

	if (mmun_cache_grow_index(c) || mmun_cache_grow_hints(c))
		return NULL;
	r = mmun_cache_alloc_region(c, spare);
	if (!r)
		return NULL;
	r->pub->start = r->pub->end = 0;
	*ret_crowded = !mmun_cache_make_room(c, q->end - q->start);
	set_range(c, r, q, !*ret_crowded);
	if (!*ret_crowded && !mmun_cache_make_room(c, 0))
		set_range(c, r, q, false);
	c->nr++;
	add_pending(c, r);
	return r;
}

static bool is_wide(const struct region *r, const struct request *q)
{
	return r->pub->start != q->start || r->pub->end != q->end ||
	       r->pub->access != q->access;
}

static void narrow(struct cache *c, struct region *r,
		   const struct request *q)
{

	if (r->registered)
		undo(c, r);
	lock_cache(c);
	set_range(c, r, q, false);
	unlock_cache(c);
}

static void note_private(struct cache *c, int why)
{
	if (why == PRIVATE_UNCOVERED)
		count(&c->stats.uncached);
	else if (why == PRIVATE_UNSTABLE)
		count(&c->stats.unstable);
	else if (why == PRIVATE_CROWDED)
		count(&c->stats.crowded);
}

/* Not published: an error, or private. */
static void leave_pending(struct cache *c, struct region *r)
{

	lock_cache(c);
	remove_pending(c, r);
	c->nr--;
	c->bytes -= r->pub->end - r->pub->start;
	unlock_cache(c);
}

static void tell_waiters(struct region *r, int error)
{
	r->error = error;
	mmun_xchg(&r->done, 1);
	if (mmun_read(&r->waiters))
		mmun_futex_wake(&r->done);
}

static int miss(struct cache *c, struct region *r,
		const struct request *q, bool crowded)
{
	int ret;

	count(&c->stats.misses);
	/* What was evicted goes first. */
	if (is_to_do(c))
		mmun_cache_reclaim(c, false);
	ret = try_range(c, r, q, crowded);
	if (ret && ret != PRIVATE_UNSTABLE && is_wide(r, q)) {
		narrow(c, r, q);
		ret = try_range(c, r, q, crowded);
	}
	if (ret) {
		note_private(c, ret);
		leave_pending(c, r);
	}
	tell_waiters(r, ret < 0 ? ret : 0);
	if (is_to_do(c))
		mmun_cache_reclaim(c, false);
	return ret < 0 ? ret : 0;
}

/* Return: 0; its error; or NOT_SHARED. */
static int share(struct region *r, const struct request *q)
{
	mmun_fetch_add(&r->waiters, 1);
	while (!mmun_load_ordered(&r->done))
		mmun_futex_wait(&r->done, 0, 0);
	if (r->error)
		return r->error;
	return is_alive(r) && fits(r->pub, q->addr, q->len, q->access) ? 0 :
								    NOT_SHARED;
}

/* By its range; the next one finds it quickly.  Under c->lock. */
static struct region *find_slowly(struct cache *c,
				  const struct request *q)
{
	struct region *r = find_listed(c, q);

	if (r) {
		mmun_cache_index(c, r);
		mmun_cache_hint_page(c, r->pub, q->addr);
		count(&c->stats.slow_hits);
	}
	return r;
}

/* What there is to do for who asks. */
struct turn {
	struct region *r;	/* held; NULL: without memory */
	bool pending;		/* wait for it */
	bool mine;		/* register it */
	bool crowded;		/* ... for this caller alone */
};

static struct turn take_turn(struct cache *c, struct region *spare,
			     const struct request *q)
{
	struct turn t = { .r = NULL };

	lock_cache(c);
	t.r = find_slowly(c, q);
	if (!t.r) {
		t.r = find_pending(c, q);
		t.pending = t.r;
	}
	if (t.r) {
		hold_region(t.r);
	} else {
		t.r = begin_miss(c, spare, q, &t.crowded);
		t.mine = t.r;
	}
	unlock_cache(c);
	return t;
}

static int register_once(struct cache *c, struct region *spare,
			 const struct request *q, struct region **ret_region)
{
	struct turn t = take_turn(c, spare, q);
	int ret = 0;

	if (spare && !t.mine)
		mmun_cache_retire_region(c, spare);
	if (!t.r)
		return -ENOMEM;
	if (t.mine) {
		ret = miss(c, t.r, q, t.crowded);
	} else if (t.pending) {
		count(&c->stats.shared);
		ret = share(t.r, q);
	}
	/* It is counted when it asks again. */
	if (ret == NOT_SHARED)
		mmun_fetch_sub(&t.r->gets, 1);
	if (ret)
		drop_region(t.r);
	else
		*ret_region = t.r;
	return ret;
}

static int make_request(struct request *q, unsigned long addr, size_t len,
			unsigned int access)
{
	unsigned long last;

	if (!len || __builtin_add_overflow(addr, len - 1, &last))
		return -EINVAL;
	*q = (struct request){ addr, len, access, addr & ~(GRANULE - 1),
			       (last | (GRANULE - 1)) + 1 };
	return q->end ? 0 : -EINVAL;
}

/*
 * What is alive under the lock is alive in the caller's section, which lasts.
 */
struct mmun_regcache_region *
mmun_cache_look_up_slowly(struct cache *c, unsigned long addr, size_t len,
			  unsigned int access)
{
	struct region *r = NULL;
	struct request q;

	if (!mmun_read(&c->abandoned) && !make_request(&q, addr, len, access)) {
		lock_cache(c);
		r = find_slowly(c, &q);
		unlock_cache(c);
	}
	if (!r)
		count(&c->stats.borrow_misses);
	return r ? r->pub : NULL;
}

int mmun_cache_register_region(struct cache *c, unsigned long addr, size_t len,
		    unsigned int access, struct region **ret_region)
{
	struct region *spare;
	struct request q;
	int ret = make_request(&q, addr, len, access);

	if (ret)
		return ret;
	do {
		spare = is_to_do(c) ? mmun_cache_reclaim_for(c, q.start, q.end) :
				      NULL;
		/* A registrar may have forked. */
		if (mmun_read(&c->abandoned))
			return -ECHILD;
		ret = register_once(c, spare, &q, ret_region);
	} while (ret == NOT_SHARED);
	return ret;
}
