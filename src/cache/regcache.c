// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The calls; and what a fork() does to caches.
 */
#include <stdlib.h>
#include <string.h>

#include "base/unsettled.h"
#include "base/warn.h"
#include "cache/holders.h"

/* All caches, for fork(). */
static struct {
	struct mmun_lock lock;
	struct mmun_sigmask saved;
	struct cache *first;
	bool fork_handlers;
} caches;

/* -- fork() -- */

static void before_fork(void)
{
	mmun_lock_save(&caches.lock, &caches.saved);
	mmun_cache_sections_fork_prepare();
}

static void unlock_caches(void)
{
	struct mmun_sigmask saved = caches.saved;

	mmun_unlock_restore(&caches.lock, &saved);
}

static void after_fork_in_parent(void)
{
	mmun_cache_sections_fork_parent();
	unlock_caches();
}

/* Lookups find nothing. */
static void forget_tables(struct cache *c)
{
	mmun_cache_forget_hints(c);
	mmun_cache_forget_index(c);
}

/*
 * Nothing in it can be trusted, another thread of the parent may have been at it.
 * The handles are the parent's.
 */
static void after_fork_in_child(void)
{
	for (struct cache *c = caches.first; c; c = c->next_cache) {
		c->abandoned = 1;
		forget_tables(c);
	}
	mmun_cache_sections_fork_child();
	unlock_caches();
}

static int add_cache(struct cache *c)
{
	struct mmun_sigmask saved;
	int err = 0;

	mmun_lock_save(&caches.lock, &saved);
	if (!caches.fork_handlers)
		err = pthread_atfork(before_fork, after_fork_in_parent,
				     after_fork_in_child);
	if (!err) {
		caches.fork_handlers = true;
		c->next_cache = caches.first;
		if (c->next_cache)
			c->next_cache->pprev_cache = &c->next_cache;
		c->pprev_cache = &caches.first;
		caches.first = c;
	}
	mmun_unlock_restore(&caches.lock, &saved);
	return err ? -ENOMEM : 0;
}

static void remove_cache(struct cache *c)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&caches.lock, &saved);
	*c->pprev_cache = c->next_cache;
	if (c->next_cache)
		c->next_cache->pprev_cache = c->pprev_cache;
	mmun_unlock_restore(&caches.lock, &saved);
}

/* -- create, destroy -- */

static int check_attr(const struct mmun_regcache_attr *attr)
{
	const unsigned int flags = MMUN_REGCACHE_MERGE | MMUN_REGCACHE_RECLAIMER;

	if (attr->flags & ~flags || attr->align & (attr->align - 1))
		return -EINVAL;
	return 0;
}

static struct cache *alloc_cache(void)
{
	struct cache *c = aligned_alloc(64, sizeof(*c));

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->srcu = mmun_srcu_create();
	if (!c->srcu) {
		free(c);
		return NULL;
	}
	forget_tables(c);
	c->pub.mmun_granule = GRANULE_SHIFT;
	c->doomed_last = &c->doomed;
	return c;
}

static void free_cache(struct cache *c)
{
	mmun_cache_retire_table(c, c->hints);
	mmun_cache_retire_table(c, c->index);
	mmun_cache_free_chunks(c->retired);
	mmun_cache_free_chunks(c->slabs);
	mmun_srcu_free(c->srcu);
	free(c);
}

int mmun_regcache_create(struct mm_struct *mm,
			 const struct mmun_regcache_ops *ops, void *ctx,
			 const struct mmun_regcache_attr *attr,
			 struct mmun_regcache **ret_cache)
{
	struct cache *c;
	int err;

	if (!mm || !ops || !ops->reg || !ops->dereg || !ret_cache ||
	    (attr && check_attr(attr)))
		return -EINVAL;
	c = alloc_cache();
	if (!c)
		return -ENOMEM;
	c->mm = mm;
	c->ops = ops;
	c->ctx = ctx;
	if (attr)
		c->attr = *attr;
	if (c->attr.align < GRANULE)
		c->attr.align = GRANULE;
	err = mmun_cache_start_reclaimer(c);
	if (err) {
		free_cache(c);
		return err;
	}
	err = add_cache(c);
	if (err) {
		mmun_cache_stop_reclaimer(c);
		free_cache(c);
		return err;
	}
	mmgrab(mm);
	*ret_cache = &c->pub;
	return 0;
}
EXPORT_SYMBOL(mmun_regcache_create);

static void kill_all(struct cache *c)
{
	lock_cache(c);
	mmun_cache_kill_range(c, 0, 0);
	unlock_cache(c);
}

void mmun_regcache_destroy(struct mmun_regcache *cache)
{
	struct cache *c = cache_of(cache);

	if (!cache)
		return;
	remove_cache(c);
	if (c->abandoned)
		return;
	kill_all(c);
	mmun_cache_stop_reclaimer(c);
	mmun_cache_reclaim(c, true);
	if (mmun_read(&c->handles)) {
		mmun_warn_once("mmun_regcache_destroy() with regions that are held: leaked");
		mmun_write(&c->abandoned, 1);
		forget_tables(c);
		return;
	}
	mmdrop(c->mm);
	free_cache(c);
}
EXPORT_SYMBOL(mmun_regcache_destroy);

/* -- finding -- */

/*
 * The thread's word is 0, or taken.  What is returned is not 0.
 *
 * ORDER(cache-section): in line the word is stored, and then the lookup made, in
 * the order of the program; pairs with the membarrier of mmun_cache_begin_grace().
 */
MMUN_PUBLIC unsigned int mmun_regcache_read_lock_slow(struct mmun_regcache *cache)
{
	mmun_cache_join_sections(cache_of(cache));
	return mmun_cache_enter_counted(cache_of(cache)) + 1;
}

MMUN_PUBLIC void mmun_regcache_read_unlock_slow(struct mmun_regcache *cache,
						unsigned int section)
{
	/* Of one in line, by who does not know how that is done. */
	if (!section)
		mmun_store_release(&mmun_regcache_word, MMUN_REGCACHE_IDLE);
	else
		mmun_cache_leave_counted(cache_of(cache), section - 1);
}

static inline void settle(struct cache *c)
{
	if (mmun_unlikely(mmun_load_acquire(&mmun_unsettled.sources)))
		mmun_settle(c->mm);
}

/* ORDER(cache-dead): alive, in a section; pairs with mmun_cache_reclaim(). */
MMUN_PUBLIC struct mmun_regcache_region *
mmun_regcache_borrow_slow(struct mmun_regcache *cache, unsigned long addr,
			  size_t len, unsigned int access)
{
	struct cache *c = cache_of(cache);
	struct mmun_regcache_region *region;

	settle(c);
	region = mmun_cache_look_up(c, addr, len, access);
	if (mmun_unlikely(!region))
		region = mmun_cache_look_up_slowly(c, addr, len, access);
	return region;
}

static inline void help_reclaim(struct cache *c)
{
	if (mmun_unlikely(is_to_do(c)) &&
	    !(c->attr.flags & MMUN_REGCACHE_RECLAIMER))
		mmun_cache_reclaim(c, false);
}

/* In the section it does not become another one. */
static void hold_region_in_section(const struct mmun_regcache_region *pub)
{
	uint64_t word = mmun_read(&pub->mmun_word);

	if (!is_word_alive(word) || !hold_region_here(pub, word))
		hold_region(region_of(pub));
}

static struct mmun_regcache_region *
get_quickly(struct cache *c, unsigned long addr, size_t len, unsigned int access)
{
	unsigned int section = mmun_regcache_read_lock(&c->pub);
	struct mmun_regcache_region *region = mmun_cache_look_up(c, addr, len, access);

	if (region)
		hold_region_in_section(region);
	mmun_regcache_read_unlock(&c->pub, section);
	return region;
}

static __attribute__((noinline)) int
get_slowly(struct cache *c, unsigned long addr, size_t len, unsigned int access,
	   struct mmun_regcache_region **ret_region)
{
	struct mmun_regcache_region *region;
	struct region *r;
	int err;

	settle(c);
	region = get_quickly(c, addr, len, access);
	if (!region) {
		err = mmun_cache_register_region(c, addr, len, access, &r);
		if (err)
			return err;
		region = r->pub;
	}
	*ret_region = region;
	help_reclaim(c);
	return 0;
}

/*
 * What most gets find, in no section: what is read may be of another region already,
 * and then its word is another one, and it is not held.
 */
static inline struct mmun_regcache_region *
get_at_once(const struct cache *c, unsigned long addr, size_t len,
	    unsigned int access)
{
	struct mmun_regcache_region *region;
	uint64_t word;

	if (!MMUN_CAN_RSEQ)
		return NULL;
	region = mmun_regcache_look_once(&c->pub, addr, len, access, &word);
	return mmun_likely(region && hold_region_here(region, word)) ? region : NULL;
}

int mmun_regcache_get(struct mmun_regcache *cache, unsigned long addr,
		      size_t len, unsigned int access,
		      struct mmun_regcache_region **ret_region)
{
	struct cache *c = cache_of(cache);
	struct mmun_regcache_region *region = get_at_once(c, addr, len, access);

	if (mmun_unlikely(!region))
		return get_slowly(c, addr, len, access, ret_region);
	*ret_region = region;
	help_reclaim(c);
	return 0;
}
EXPORT_SYMBOL(mmun_regcache_get);

void mmun_regcache_put(struct mmun_regcache_region *region)
{
	struct cache *c;

	if (mmun_unlikely(!region))
		return;
	c = cache_of_pub(region);
	if (mmun_unlikely(!drop_region_here(region)))
		drop_region(region_of(region));
	help_reclaim(c);
}
EXPORT_SYMBOL(mmun_regcache_put);

/* -- the rest -- */

void mmun_regcache_reclaim(struct mmun_regcache *cache)
{
	mmun_cache_reclaim(cache_of(cache), true);
}
EXPORT_SYMBOL(mmun_regcache_reclaim);

void mmun_regcache_flush(struct mmun_regcache *cache, unsigned long start,
			 unsigned long end)
{
	struct cache *c = cache_of(cache);

	if (start >= end || mmun_read(&c->abandoned))
		return;
	lock_cache(c);
	mmun_cache_kill_range(c, start, end);
	unlock_cache(c);
	help_reclaim(c);
}
EXPORT_SYMBOL(mmun_regcache_flush);

/* What is not under the lock is counted one by one. */
static void copy_stats(struct cache *c, struct mmun_regcache_stats *to)
{
	const uint64_t *from = (const uint64_t *)&c->stats;
	uint64_t handles = mmun_read(&c->handles);

	for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = mmun_read(&from[i]);
	to->gets = mmun_cache_count_gets(c);
	to->bytes = c->bytes;
	to->dead = handles > to->regions ? handles - to->regions : 0;
}

void mmun_regcache_get_stats(struct mmun_regcache *cache,
			     struct mmun_regcache_stats *ret_stats)
{
	struct cache *c = cache_of(cache);

	if (mmun_read(&c->abandoned)) {
		copy_stats(c, ret_stats);
		return;
	}
	lock_cache(c);
	copy_stats(c, ret_stats);
	unlock_cache(c);
}
EXPORT_SYMBOL(mmun_regcache_get_stats);
