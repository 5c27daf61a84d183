/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CACHE_CACHE_H
#define MMUN_CACHE_CACHE_H
/*
 * The inside of a registration cache.  Start reading here.
 *
 * One word of each region says whether it is alive, and is the only truth about
 * that.  An event sets a bit in it, and has done.  All other
 * structures are hints, or are looked at under the lock, and whoever finds a
 * region in them looks at the word.
 *
 *	pending ---- publish ----> alive ---- kill ----> dead --> reclaimed
 *	   ^  |				     (event, eviction,
 *	   |  `-- killed: again		      merge, flush)
 *	 a miss
 *
 * What a lookup sees alive inside a read section stays registered, and what it
 * is, until the section ends: reclaim.c waits for a grace period between the
 * death and the rest, and memory of regions is used for regions only.
 *
 * A region's references: the cache's, from when it is published to the end of the
 * grace period after its death; one of each holder, and of each who waits for the
 * registration.  With the last one it is deregistered.  How they are counted:
 * holders.h.
 *
 * Locks: c->lock, below which nothing is called.  An event does not take it, so
 * that one may come, in a signal handler too, while it is held.
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmunotify/interval_notifier.h>
#include <mmunotify/regcache.h>

#include "base/atomic.h"
#include "base/export.h"
#include "base/interval_tree.h"
#include "base/lock.h"
#include "base/mutants.h"
#include "base/srcu.h"
#include "base/syscall.h"

/* The smallest unit that anything is registered in, and looked up by. */
#define GRANULE_SHIFT 12
#define GRANULE (1UL << GRANULE_SHIFT)
#define NR_LEVELS ((64 - GRANULE_SHIFT) / 2)

/*
 * In pub.mmun_word, from below: the access that it is not for, and
 *	DEAD	 an event has hit it, or it went otherwise
 *	PRIVATE	 not published, yet or ever; alive is neither of the two
 *	UNUSED	 since evict.c has looked
 *	FAR	 begins in the upper half of all addresses, for which lookups in
 *		 line do not compute
 * and a number that each attempt to register adds one to.
 */
#define R_DEAD MMUN_REGCACHE_DEAD
#define R_PRIVATE MMUN_REGCACHE_PRIVATE
#define R_UNUSED MMUN_REGCACHE_UNUSED
#define R_FAR MMUN_REGCACHE_FAR

/* A grace period, from when it was begun. */
struct grace {
	uint64_t sections;	/* in line: the number that they bear; 0: there were none */
	uint64_t srcu;
};

/*
 * What lookups read of it is a line elsewhere, among those of others: more of them are
 * in a page.
 */
struct region {
	/* The life. */
	uint64_t refs __attribute__((aligned(64)));	/* holders.h */
	bool registered;	/* there is a handle */
	bool watched;		/* sub is inserted; of who registers or reclaims it */
	bool listed;		/* in the tree and in the queue; under lock */
	int error;		/* how the registration has come to an end, */
	uint32_t done;		/* ... when it has: a futex */
	uint32_t waiters;	/* ... that somebody waits for */
	struct region *next;	/* on whichever list it is */
	struct region *newer, *older;	/* evict.c */

	/* Line 1 is what a search of c->tree reads, */
	struct mmun_interval node;
	struct mmun_regcache_region *pub;
	uint64_t gets;		/* how often it was held, but for what CPUs count */
	/* ... and line 3 what an event's does. */
	struct mmu_interval_notifier sub;

	struct grace grace;	/* when it may be reclaimed */
};

_Static_assert(sizeof(struct mmun_regcache_region) == 64, "a cache line");
_Static_assert(offsetof(struct region, node.child) == 64, "line 1");
_Static_assert(offsetof(struct region, sub) == 2 * 64, "the tree's part is line 3");
_Static_assert(sizeof(struct region) == 5 * 64, "no line is lost");

/* Memory that is given back with the cache. */
struct chunk {
	struct chunk *next;
	size_t size;
	size_t nr;		/* regions in it */
};

struct table;

struct cache {
	/* Read by lookups. */
	struct mmun_regcache pub;
	uint32_t levels;		/* index.c: sizes of which there are any */
	uint32_t abandoned;		/* by a fork(): we are the child */
	struct table *index;
	struct mmun_srcu *srcu;
	struct mm_struct *mm;
	/* Regions on dead, doomed and ready: there is something to reclaim. */
	uint32_t to_do __attribute__((aligned(64)));
	struct region *dead;		/* pushed by events */
	struct region *ready;		/* nobody holds it any more; pushed by puts */

	const struct mmun_regcache_ops *ops __attribute__((aligned(64)));
	void *ctx;
	struct mmun_regcache_attr attr;

	struct mmun_lock lock __attribute__((aligned(64)));
	/* All that follows is under it. */
	struct mmun_interval_tree tree;	/* published, and not reclaimed yet */
	struct region *pending;
	struct region *doomed, **doomed_last;	/* wait for a grace period */
	struct region *newest, *oldest, *hand;	/* evict.c: those that are listed */
	struct region *free;
	struct chunk *slabs;
	struct chunk *retired;		/* tables */
	struct table *hints;
	uint64_t taken;			/* index.c: slots */
	uint64_t nr_of_level[NR_LEVELS];	/* ... regions of each size */
	unsigned int common_level;	/* ... of which there are many */
	size_t slab_size;
	size_t nr;		/* alive or pending, or not known to be dead yet */
	uint64_t bytes;
	uint64_t handles;	/* registered, wherever they are */
	struct mmun_regcache_stats stats;	/* but for what is counted elsewhere */

	struct cache *next_cache, **pprev_cache;	/* regcache.c */
	uint32_t wake;		/* the reclaimer's futex */
	uint32_t stop;
	pthread_t reclaimer;
};

static inline struct region *region_of(const struct mmun_regcache_region *pub)
{
	return pub->mmun_private[2];
}

static inline struct cache *cache_of(struct mmun_regcache *pub)
{
	return (struct cache *)pub;
}

/* What a get and a put need lies in line 0. */
static inline struct cache *cache_of_pub(const struct mmun_regcache_region *pub)
{
	return pub->mmun_private[0];
}

static inline uint64_t *counts_of_pub(const struct mmun_regcache_region *pub)
{
	return pub->mmun_private[1];
}

static inline struct cache *cache_of_region(const struct region *r)
{
	return cache_of_pub(r->pub);
}

static inline struct region *region_of_node(struct mmun_interval *node)
{
	return (struct region *)((char *)node - offsetof(struct region, node));
}

static inline bool is_word_alive(uint64_t word)
{
	return !(word & (R_DEAD | R_PRIVATE));
}

/* ORDER(cache-alive): pairs with publish(): what it is is seen with it. */
static inline bool is_pub_alive(const struct mmun_regcache_region *pub)
{
	return is_word_alive(mmun_load_acquire(&pub->mmun_word));
}

static inline bool is_alive(const struct region *r)
{
	return is_pub_alive(r->pub);
}

static inline bool fits(const struct mmun_regcache_region *pub, unsigned long addr,
			size_t len, unsigned int access)
{
	return addr >= pub->start && addr + len <= pub->end &&
	       addr < addr + len && !(access & ~pub->access);
}

/*
 * No lookup that begins later returns it, and a pending registration will not be
 * published.  Return: was it alive? Then the caller is to call mmun_cache_bury().
 *
 * ORDER(cache-pending): a read-modify-write, dead or not; pairs with
 * begin_attempt().
 */
static inline bool kill_region(struct region *r)
{
	return is_word_alive(mmun_fetch_or(&r->pub->mmun_word, R_DEAD));
}

/* Statistics are counted anywhere. */
#define count(counter) mmun_fetch_add((counter), 1)

static inline void lock_cache(struct cache *c)
{
	mmun_lock(&c->lock);
}

static inline void unlock_cache(struct cache *c)
{
	mmun_unlock(&c->lock);
}

/* -- memory.c; under c->lock -- */

/* Return: a region that is dead, with a reference, @spare if there is one; or NULL. */
struct region *mmun_cache_alloc_region(struct cache *c, struct region *spare);
void mmun_cache_free_region(struct region *r);
/* Alive or not. */
void mmun_cache_for_each_region(struct cache *c,
				void (*call)(struct region *r, void *arg), void *arg);
void mmun_cache_free_chunks(struct chunk *chunk);

/* -- table.c; under c->lock -- */

struct table {
	uint32_t bits;		/* 1 << bits slots */
	uint64_t slots[] __attribute__((aligned(64)));
};

/* Of a cache that has nothing yet, or any more. */
extern struct table mmun_cache_empty_table;
extern struct mmun_regcache_region mmun_cache_nothing;

static inline uint64_t mmun_cache_empty_slot(void)
{
	return (uintptr_t)&mmun_cache_nothing;
}

/* Of the empty table, which all caches have. */
static inline bool mmun_cache_is_constant(const uint64_t *slot)
{
	return (uintptr_t)slot - (uintptr_t)mmun_cache_empty_table.slots < 64;
}

/* Of keys however regular; that of lookups in line is but a multiplication. */
static inline uint64_t mmun_cache_hash(uint64_t key)
{
	uint64_t hash = MMUN_REGCACHE_HASH(key);

	return MMUN_REGCACHE_HASH(hash ^ hash >> 32);
}

/* Of a lookup; notes the first use. */
static inline bool is_hit(struct mmun_regcache_region *pub, unsigned long addr,
			  size_t len, unsigned int access)
{
	if (!is_pub_alive(pub) || !fits(pub, addr, len, access))
		return false;
	if (mmun_unlikely(mmun_read(&pub->mmun_word) & R_UNUSED))
		mmun_fetch_and(&pub->mmun_word, ~R_UNUSED);
	return true;
}

struct table *mmun_cache_new_table(uint32_t bits);
/* It goes with the cache. */
void mmun_cache_retire_table(struct cache *c, struct table *t);

/* -- hints.c -- */

/* Lookups of @addr shall find it.  Context: any. */
void mmun_cache_hint(struct cache *c, const struct mmun_regcache_region *pub,
		     unsigned long addr);
void mmun_cache_hint_at_times(struct cache *c, const struct mmun_regcache_region *pub,
			      unsigned long addr);
/* ... of that page, at least those that are not in line. */
void mmun_cache_hint_page(struct cache *c, const struct mmun_regcache_region *pub,
			  unsigned long addr);
struct mmun_regcache_region *
mmun_cache_look_up_page(const struct cache *c, unsigned long addr, size_t len,
			unsigned int access);
/* Room for one more.  Return: 0 or -ENOMEM.  Under c->lock. */
int mmun_cache_grow_hints(struct cache *c);
/* Many regions are of this size, or up to four times of it.  Under c->lock. */
void mmun_cache_set_granule(struct cache *c, unsigned int shift);
/* It is empty; what it was is lost.  Context: any. */
void mmun_cache_forget_hints(struct cache *c);

/* -- index.c -- */

/* Context: in a section.  Return: an alive region around the range, or NULL. */
struct mmun_regcache_region *mmun_cache_look_up(struct cache *c, unsigned long addr,
						size_t len, unsigned int access);
/* Under c->lock, as are those that follow: where it was not, let it be again. */
void mmun_cache_index(struct cache *c, const struct region *r);
void mmun_cache_add_to_index(struct cache *c, const struct region *r);
void mmun_cache_take_from_index(struct cache *c, const struct region *r);
/* Room for one more.  Return: 0 or -ENOMEM. */
int mmun_cache_grow_index(struct cache *c);
/* It is empty; what it was is lost.  Context: any. */
void mmun_cache_forget_index(struct cache *c);

/* -- section.c -- */

/* This thread's sections are in line from now on, if they can.  Allocates. */
void mmun_cache_join_sections(struct cache *c);
unsigned int mmun_cache_enter_counted(struct cache *c);
void mmun_cache_leave_counted(struct cache *c, unsigned int bank);
struct grace mmun_cache_begin_grace(struct cache *c);
bool mmun_cache_is_grace_over(struct cache *c, const struct grace *grace);
/* Context: not in a section, it would wait for itself. */
void mmun_cache_wait_for_grace(struct cache *c, const struct grace *grace);
bool mmun_cache_is_in_section(void);
/* Signals are blocked. */
void mmun_cache_sections_fork_prepare(void);
void mmun_cache_sections_fork_parent(void);
void mmun_cache_sections_fork_child(void);

/* -- register.c -- */

/* As mmun_cache_look_up(), where that finds nothing.  Takes c->lock. */
struct mmun_regcache_region *
mmun_cache_look_up_slowly(struct cache *c, unsigned long addr, size_t len,
			  unsigned int access);

int mmun_cache_register_region(struct cache *c, unsigned long addr, size_t len,
		    unsigned int access, struct region **ret_region);

/* -- reclaim.c -- */

/* Of who has killed it.  Context: any, the event path. */
void mmun_cache_bury(struct region *r);
/* Nobody holds it any more. */
void mmun_cache_ready(struct region *r);
/* Context: calls the registrar; @wait: for read sections. */
void mmun_cache_reclaim(struct cache *c, bool wait);
/*
 * The same, without waiting.  Return: one that was for this range, or more; the
 * caller's, to begin another life with or to retire.  NULL: there is none.
 */
struct region *mmun_cache_reclaim_for(struct cache *c, unsigned long start,
				      unsigned long end);
/* No event is told to it any more.  Context: sleeps, until none is being told. */
void mmun_cache_unwatch(struct region *r);
void mmun_cache_retire_region(struct cache *c, struct region *r);
static inline bool is_to_do(struct cache *c)
{
	return mmun_read(&c->to_do);
}
/* After a change of what lookups find: forget what is overlapped. */
void mmun_cache_kill_range(struct cache *c, unsigned long start, unsigned long end);
int mmun_cache_start_reclaimer(struct cache *c);
void mmun_cache_stop_reclaimer(struct cache *c);
/* Take it out of where lookups under the lock find it.  Under c->lock. */
void mmun_cache_unlist(struct cache *c, struct region *r);

/* -- evict.c; under c->lock -- */

void mmun_cache_enqueue(struct cache *c, struct region *r);
void mmun_cache_dequeue(struct cache *c, struct region *r);
/*
 * Kill idle regions until so many, and so many bytes, have gone.
 * Return: how many went.
 */
size_t mmun_cache_evict(struct cache *c, size_t regions, uint64_t bytes);
/* Until there is room for one of so many bytes.  Return: is there? */
bool mmun_cache_make_room(struct cache *c, uint64_t bytes);

/* May one region of so many bytes come to what there is? */
static inline bool has_room(const struct cache *c, uint64_t bytes)
{
	return (!c->attr.max_regions || c->nr < c->attr.max_regions) &&
	       (!c->attr.max_bytes || c->bytes + bytes <= c->attr.max_bytes);
}

#endif /* MMUN_CACHE_CACHE_H */
