/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_REGCACHE_H
#define MMUNOTIFY_REGCACHE_H
/**
 * DOC: the registration cache
 *
 * An address range in, a registered handle out, never a stale one.  Who pins,
 * registers or maps memory for a device gives two callbacks; the cache keeps what
 * they made, and drops it before the memory behind it changes.
 *
 * For a handle that outlives the call, as with an operation in flight:
 *
 *	err = mmun_regcache_get(cache, addr, len, access, &region);
 *	... use region->handle, for as long as it takes, in any thread ...
 *	mmun_regcache_put(region);
 *
 * For one that does not, at a fraction of the price:
 *
 *	section = mmun_regcache_read_lock(cache);
 *	region = mmun_regcache_borrow(cache, addr, len, access);
 *	if (region)
 *		... use region->handle ...
 *	mmun_regcache_read_unlock(cache, section);
 *	if (!region)
 *		... not cached: mmun_regcache_get() registers it ...
 *
 * A region is dead from before its memory changes: no lookup that begins later
 * returns it.  Who holds it keeps it; it is deregistered after the last of them,
 * outside of all events.  What is registered while its memory changes is
 * registered again, and not published before.
 *
 * Nothing is cached of which a death could go unseen, unless the attributes
 * accept that (mmun_coverage()).
 *
 * After fork() the handles are the parent's.  In the child the cache finds nothing
 * and gets -ECHILD; it is to be destroyed, which deregisters nothing.  A vfork() child
 * leaves caches alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmunotify/mm.h>
#include <mmunotify/monitor.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mmun_regcache_region - what is registered
 * @mmun_word: whether it is alive, for what access, and its generation
 * @start: first byte
 * @end: the byte after the last
 * @handle: what ->reg() returned
 * @access: what it was registered for
 * @mmun_private: the cache's
 *
 * Constant while it is held, or borrowed; readable as long as the cache exists.
 */
struct mmun_regcache_region {
	uint64_t mmun_word;
	unsigned long start;
	unsigned long end;
	uint64_t handle;
	unsigned int access;
	void *mmun_private[3];
};

/*
 * What follows is for the functions below that are in line, and the library's.
 *
 * The factor is found by search, as one that spreads keys in arithmetic progression
 * better than chance would (tests/cache/index.c).
 */
#define MMUN_REGCACHE_HASH(key) ((key) * 0x7668b750e243067bULL)

/* In mmun_word, above the access that is not granted. */
#define MMUN_REGCACHE_DEAD (1ULL << 32)
#define MMUN_REGCACHE_PRIVATE (1ULL << 33)
#define MMUN_REGCACHE_UNUSED (1ULL << 34)
#define MMUN_REGCACHE_FAR (1ULL << 35)
#define MMUN_REGCACHE_NUMBER 36

/**
 * struct mmun_regcache - a cache
 * @mmun_slots: where lookups begin; the cache's
 * @mmun_granule: ... and what for, as a shift of addresses
 */
struct mmun_regcache {
	uint64_t mmun_slots;
	uint32_t mmun_granule;
};

/**
 * struct mmun_regcache_ops - the registrar
 *
 * Called where a caller of the cache is, or on the reclaimer; never in an event,
 * and with no lock held: they may sleep, allocate, map and unmap, and use other
 * caches.
 */
struct mmun_regcache_ops {
	/**
	 * @reg: register [addr, addr + len) for @access, leave the handle in
	 * *@ret_handle.  Return: 0 or a negative errno; after -ENOMEM idle
	 * regions are deregistered, and it is called again.
	 */
	int (*reg)(void *ctx, unsigned long addr, size_t len,
		   unsigned int access, uint64_t *ret_handle);
	/** @dereg: undo it; exactly once for each success of @reg */
	void (*dereg)(void *ctx, uint64_t handle);
};

/**
 * enum mmun_regcache_flags - policies
 * @MMUN_REGCACHE_MERGE: a new region takes in those that it overlaps, or touches,
 *	and replaces them; without it they stay beside each other
 * @MMUN_REGCACHE_RECLAIMER: a thread of the cache deregisters the dead, as soon
 *	as that is possible; without it the next call does
 */
enum mmun_regcache_flags {
	MMUN_REGCACHE_MERGE = 1 << 0,
	MMUN_REGCACHE_RECLAIMER = 1 << 1,
};

/**
 * struct mmun_regcache_attr - how a cache is to be; zeros are the defaults
 * @flags: of enum mmun_regcache_flags
 * @accept_blind: of enum mmun_blind: memory of which no more than these ways to die
 *	could go unseen is cached; other memory is registered for each get
 * @align: regions begin and end at multiples of it, a power of two, where the
 *	registrar accepts that, and else at pages
 * @max_regions: keep no more than so many; 0: no limit
 * @max_bytes: keep no more than that; 0: no limit
 */
struct mmun_regcache_attr {
	unsigned int flags;
	unsigned int accept_blind;
	size_t align;
	size_t max_regions;
	uint64_t max_bytes;
};

/* One for each enum mmu_notifier_event. */
#define MMUN_REGCACHE_CAUSES 8

/**
 * struct mmun_regcache_stats - what has happened in a cache
 * @gets: gets that found a region, or asked for one to be registered
 * @misses: gets that registered, or tried to
 * @borrow_misses: borrows that found nothing
 * @slow_hits: lookups that found a region by its range, under a lock
 * @shared: gets that waited for somebody else's registration
 * @failures: registrations that the registrar refused
 * @retries: registrations whose memory changed meanwhile, made anew
 * @uncached: regions made for one get: of memory that could die unseen
 * @unstable: the same: of memory that kept changing
 * @crowded: the same: for lack of room
 * @merges: regions that another one took in
 * @upgrades: ... for being registered for more access
 * @evictions: regions that went for lack of room
 * @invalidations: regions that died, by enum mmu_notifier_event
 * @deregistrations: handles given back
 * @regions: living, now
 * @bytes: ... and how much that is
 * @dead: registered still, because held or not reclaimed yet, or for one get
 */
struct mmun_regcache_stats {
	uint64_t gets;
	uint64_t misses;
	uint64_t borrow_misses;
	uint64_t slow_hits;
	uint64_t shared;
	uint64_t failures;
	uint64_t retries;
	uint64_t uncached;
	uint64_t unstable;
	uint64_t crowded;
	uint64_t merges;
	uint64_t upgrades;
	uint64_t evictions;
	uint64_t invalidations[MMUN_REGCACHE_CAUSES];
	uint64_t deregistrations;
	uint64_t regions;
	uint64_t bytes;
	uint64_t dead;
};

/**
 * mmun_regcache_create() - make a cache
 * @mm: mm_self(), or a software mm; held until the cache is destroyed
 * @ops: the registrar; static
 * @ctx: what it is called with
 * @attr: policies; NULL for the defaults
 * @ret_cache: the cache; untouched on error
 *
 * Context: sleeps, allocates; not in a callback or signal handler.
 * Return: 0; -EINVAL; -ENOMEM.
 */
int mmun_regcache_create(struct mm_struct *mm,
			 const struct mmun_regcache_ops *ops, void *ctx,
			 const struct mmun_regcache_attr *attr,
			 struct mmun_regcache **ret_cache);

/**
 * mmun_regcache_destroy() - deregister everything
 * @cache: a cache that nobody uses any more; or NULL
 *
 * With regions that are held it warns, and leaks those and the cache.
 *
 * Context: as mmun_regcache_get().
 */
void mmun_regcache_destroy(struct mmun_regcache *cache);

/**
 * mmun_regcache_get() - find a region, or register it
 * @cache: the cache
 * @addr: first byte
 * @len: how many
 * @access: bits of the registrar's; a region that has them all is a hit
 * @ret_region: a region around the range, held; untouched on error
 *
 * Those who miss the same range at once register it once, and fail together.
 * Memory that keeps changing, that could die unseen, or that there is no room for,
 * is registered for this caller alone.
 *
 * Context: sleeps, and calls the registrar; not in a callback or signal handler,
 * nor in a read section, nor inside a range that the thread has started
 * itself, nor with a lock that the registrar takes.
 * Return: 0; -EINVAL for an empty range, or one that goes beyond the last page;
 *         -ECHILD in a fork()ed child; the registrar's error; the errors of
 *         mmu_interval_notifier_insert(); -ENOMEM.
 */
int mmun_regcache_get(struct mmun_regcache *cache, unsigned long addr,
		      size_t len, unsigned int access,
		      struct mmun_regcache_region **ret_region);

/**
 * mmun_regcache_put() - let a region go
 * @region: from mmun_regcache_get(); NULL does nothing
 *
 * Context: as mmun_regcache_get(); any, in a cache with a reclaimer.
 */
void mmun_regcache_put(struct mmun_regcache_region *region);

/**
 * mmun_regcache_read_lock() - begin a read section
 * @cache: the cache
 *
 * What is borrowed stays registered until the section ends, by the same thread.
 * Sections nest, and may sleep; while one lasts, nothing that dies is deregistered,
 * in no cache.
 *
 * Context: any but a signal handler; the first one of a thread may allocate.
 * Return: what mmun_regcache_read_unlock() wants.
 */
static inline unsigned int
mmun_regcache_read_lock(struct mmun_regcache *cache);

/**
 * mmun_regcache_read_unlock() - end it
 * @cache: the cache
 * @section: from mmun_regcache_read_lock()
 *
 * Context: any.
 */
static inline void mmun_regcache_read_unlock(struct mmun_regcache *cache,
					     unsigned int section);

/**
 * mmun_regcache_borrow() - find a region
 * @cache: the cache
 * @addr: first byte
 * @len: how many
 * @access: bits of the registrar's
 *
 * A hit where this looks first writes nothing that others read.  Else it may take a
 * lock, and leave a hint for the next time.
 *
 * Context: in a read section; any but a signal handler.  Begins with
 * mmun_settle().
 * Return: a region around the range, until the section ends; NULL when none is
 *         cached.
 */
static inline struct mmun_regcache_region *
mmun_regcache_borrow(struct mmun_regcache *cache, unsigned long addr,
		     size_t len, unsigned int access);

/**
 * mmun_regcache_generation() - has anything changed?
 * @region: a region that was got or borrowed at any time, of a cache that exists
 *
 * For who keeps a table of his own, and must not be called back: while this
 * returns what it did when the region was got, nothing in it has changed.  Begin
 * with mmun_settle(); and hold the region, or be in a section, to use the handle.
 *
 * Context: any; one load.
 * Return: a number that none of the next 2^28 registrations in its place has; 0 for
 *         a region that is not cached, or dead.
 */
static inline uint64_t
mmun_regcache_generation(const struct mmun_regcache_region *region)
{
	uint64_t now = __atomic_load_n(&region->mmun_word, __ATOMIC_ACQUIRE);

	return now & (MMUN_REGCACHE_DEAD | MMUN_REGCACHE_PRIVATE) ?
		       0 : now >> MMUN_REGCACHE_NUMBER;
}

/**
 * mmun_regcache_reclaim() - deregister what is dead, now
 * @cache: the cache
 *
 * All but what is held.
 *
 * Context: as mmun_regcache_get(); waits for read sections of other threads.
 */
void mmun_regcache_reclaim(struct mmun_regcache *cache);

/**
 * mmun_regcache_flush() - forget a range
 * @cache: the cache
 * @start: first byte
 * @end: the byte after the last
 *
 * What overlaps it is dead, as after an invalidation.
 *
 * Context: as mmun_regcache_get().
 */
void mmun_regcache_flush(struct mmun_regcache *cache, unsigned long start,
			 unsigned long end);

/**
 * mmun_regcache_get_stats() - ask what has happened
 * @cache: the cache
 * @ret_stats: the numbers, each of some moment during the call
 *
 * Context: any but a callback or signal handler; looks at each region, and CPU.
 */
void mmun_regcache_get_stats(struct mmun_regcache *cache,
			     struct mmun_regcache_stats *ret_stats);

/*
 * In line.  What is called is cold, so that the compiler keeps what the program has
 * in registers there.
 */

/**
 * mmun_regcache_read_lock_slow() - mmun_regcache_read_lock() by a call
 * @cache: the cache
 *
 * Context: any.
 * Return: as that.
 */
unsigned int mmun_regcache_read_lock_slow(struct mmun_regcache *cache)
	__attribute__((cold));

/**
 * mmun_regcache_read_unlock_slow() - mmun_regcache_read_unlock() by a call
 * @cache: the cache
 * @section: from mmun_regcache_read_lock()
 *
 * Context: any.
 */
void mmun_regcache_read_unlock_slow(struct mmun_regcache *cache,
				    unsigned int section)
	__attribute__((cold));

/**
 * mmun_regcache_borrow_slow() - mmun_regcache_borrow() by a call
 * @cache: the cache
 * @addr: first byte
 * @len: how many
 * @access: bits of the registrar's
 *
 * Context: as that.
 * Return: as that.
 */
struct mmun_regcache_region *
mmun_regcache_borrow_slow(struct mmun_regcache *cache, unsigned long addr,
			  size_t len, unsigned int access)
	__attribute__((cold));

#if defined(__SANITIZE_THREAD__)
#define MMUN_REGCACHE_CALLS
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MMUN_REGCACHE_CALLS
#endif
#endif

#if !defined(__x86_64__) && !defined(MMUN_REGCACHE_CALLS)
#define MMUN_REGCACHE_CALLS
#endif

/* The calling thread's: 0 before its first section; a waiter may mark it in one. */
#define MMUN_REGCACHE_IDLE 1ULL
#define MMUN_REGCACHE_INSIDE 2ULL
extern __thread uint64_t mmun_regcache_word
	__attribute__((tls_model("initial-exec")));

/*
 * Bits of sources for which mmun_settle() would wait.  In a line of its own, also
 * where the program has a copy of it.
 */
struct mmun_unsettled {
	uint32_t sources;
} __attribute__((aligned(64)));

extern struct mmun_unsettled mmun_unsettled;

/*
 * Plain stores: whoever waits for sections interrupts all threads first, so that
 * they come before, in the order of the program; and then marks the word of each
 * that is inside, until its thread writes it again.
 */
static inline unsigned int
mmun_regcache_read_lock(struct mmun_regcache *cache)
{
#ifndef MMUN_REGCACHE_CALLS
	if (__builtin_expect(mmun_regcache_word == MMUN_REGCACHE_IDLE, 1)) {
		__atomic_store_n(&mmun_regcache_word, MMUN_REGCACHE_INSIDE,
				 __ATOMIC_RELAXED);
		__asm__ __volatile__("" ::: "memory");
		return 0;
	}
#endif
	return mmun_regcache_read_lock_slow(cache);
}

static inline void mmun_regcache_read_unlock(struct mmun_regcache *cache,
					     unsigned int section)
{
#ifndef MMUN_REGCACHE_CALLS
	if (__builtin_expect(!section, 1)) {
		__atomic_store_n(&mmun_regcache_word, MMUN_REGCACHE_IDLE,
				 __ATOMIC_RELEASE);
		return;
	}
#endif
	mmun_regcache_read_unlock_slow(cache, section);
}

/**
 * mmun_regcache_slot() - where a lookup looks first
 * @cache: the cache
 * @addr: the address
 *
 * The table's address has in its lower bits how far a hash is to be shifted.
 *
 * Context: any; the slot is one of the cache's, not the caller's.
 * Return: what leads to a region, if to a dead one.
 */
static inline uint64_t *mmun_regcache_slot(const struct mmun_regcache *cache,
					   unsigned long addr)
{
	uint64_t key = addr >> (__atomic_load_n(&cache->mmun_granule,
						__ATOMIC_RELAXED) & 63);
	uint64_t slots = __atomic_load_n(&cache->mmun_slots, __ATOMIC_ACQUIRE);

	return (uint64_t *)(slots & ~63ULL) +
	       (MMUN_REGCACHE_HASH(key) >> (slots & 63));
}

/**
 * mmun_regcache_look_once() - find a region where it is most often
 * @cache: the cache
 * @addr: first byte
 * @len: how many
 * @access: bits of the registrar's
 * @ret_word: its mmun_word, of one that is alive; while it has that, it is what it is
 *
 * mmun_regcache_borrow(), but that it calls nothing, and counts nothing.
 *
 * Context: as mmun_regcache_borrow(); outside of a section the region may be another
 *          one at any time.
 * Return: as that; but NULL says nothing, and while anything on mm_self() is to be
 *         told, of a cache of another mm too, it is NULL.
 */
static inline struct mmun_regcache_region *
mmun_regcache_look_once(const struct mmun_regcache *cache, unsigned long addr,
			size_t len, unsigned int access, uint64_t *ret_word)
{
	const uint64_t none_of = access | MMUN_REGCACHE_DEAD |
				 MMUN_REGCACHE_PRIVATE | MMUN_REGCACHE_UNUSED |
				 MMUN_REGCACHE_FAR;
	struct mmun_regcache_region *region;

	if (__builtin_expect(__atomic_load_n(&mmun_unsettled.sources,
					     __ATOMIC_ACQUIRE), 0))
		return NULL;
	region = (struct mmun_regcache_region *)(uintptr_t)
		__atomic_load_n(mmun_regcache_slot(cache, addr), __ATOMIC_ACQUIRE);
	*ret_word = __atomic_load_n(&region->mmun_word, __ATOMIC_ACQUIRE);
	/*
	 * No sum wraps: the address is in the lower half, as what is not has
	 * MMUN_REGCACHE_FAR; nor is the length greater.
	 */
	return __builtin_expect(!(*ret_word & none_of) &&
				(long)len > 0 &&
				(long)addr >= (long)region->start &&
				addr + len <= region->end, 1) ? region : NULL;
}

static inline struct mmun_regcache_region *
mmun_regcache_borrow(struct mmun_regcache *cache, unsigned long addr,
		     size_t len, unsigned int access)
{
	uint64_t word;
	struct mmun_regcache_region *region =
		mmun_regcache_look_once(cache, addr, len, access, &word);

	return __builtin_expect(region != NULL, 1) ? region :
		mmun_regcache_borrow_slow(cache, addr, len, access);
}

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_REGCACHE_H */
