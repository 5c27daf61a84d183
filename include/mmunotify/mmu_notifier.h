/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_MMU_NOTIFIER_H
#define MMUNOTIFY_MMU_NOTIFIER_H
/**
 * DOC: MMU notifiers
 *
 * A subscriber that mirrors (pins, registers, caches the translation of) the
 * memory of an address space embeds a struct mmu_notifier, fills in a struct
 * mmu_notifier_ops and registers.  From then on each change of a mapping is
 * bracketed by ->invalidate_range_start() and ->invalidate_range_end().
 *
 * Ranges are half-open, [start, end), in bytes; those of mm_self() are page
 * aligned.  "Everything" is [0, ULONG_MAX).
 *
 * Semantics are those of Linux's mm/mmu_notifier.c; doc/contract.md lists the
 * deliberate differences.
 *
 * Callbacks of mm_self() run inside munmap(), madvise() and their like, which
 * may run inside free(), in a signal handler, or in a thread about to exit.
 * They must not allocate or free memory, use stdio, or wait for a lock that
 * somebody holds while doing so.  They may call mmu_notifier_put(), and get a
 * notifier that exists.  errno is preserved around them.  They return: a jump,
 * an exception or a cancelled thread would leave a read section behind.
 */

#include <stdbool.h>
#include <stdint.h>

#include <mmunotify/err.h>
#include <mmunotify/mm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmu_notifier;
struct mmu_notifier_range;

/** typedef pte_t - a page table entry, as the owner of a software mm has it */
typedef unsigned long pte_t;

/**
 * enum mmu_notifier_event - why a range is invalidated
 * @MMU_NOTIFY_UNMAP: the mapping goes away or moves: munmap(), mremap(),
 *	MAP_FIXED, brk(), shmdt()
 * @MMU_NOTIFY_CLEAR: the pages go away, the mapping stays: madvise(), copy on
 *	write, truncation
 * @MMU_NOTIFY_PROTECTION_VMA: the protection of a whole range changes: mprotect()
 * @MMU_NOTIFY_PROTECTION_PAGE: the protection of pages changes: fork()
 * @MMU_NOTIFY_SOFT_DIRTY: soft-dirty accounting
 * @MMU_NOTIFY_RELEASE: the address space goes away
 * @MMU_NOTIFY_MIGRATE: pages move to or from device memory
 * @MMU_NOTIFY_EXCLUSIVE: a device takes a page for itself
 */
enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP = 0,
	MMU_NOTIFY_CLEAR,
	MMU_NOTIFY_PROTECTION_VMA,
	MMU_NOTIFY_PROTECTION_PAGE,
	MMU_NOTIFY_SOFT_DIRTY,
	MMU_NOTIFY_RELEASE,
	MMU_NOTIFY_MIGRATE,
	MMU_NOTIFY_EXCLUSIVE,
};

/** The callbacks of this range may sleep. Set and cleared by the core. */
#define MMU_NOTIFIER_RANGE_BLOCKABLE (1U << 0)
/** The memory stays readable; see mmu_notifier_range_update_to_read_only(). */
#define MMUN_RANGE_READABLE (1U << 16)
/** In ->invalidate_range_end(): the call failed, nothing has changed. */
#define MMUN_RANGE_UNCHANGED (1U << 17)
/**
 * In both: the source could tell only afterwards.  The memory has changed before
 * the start, and may be in use for something else already.
 */
#define MMUN_RANGE_AFTER (1U << 18)

/**
 * struct mmu_notifier_range - one invalidation
 * @mm: the address space
 * @start: first byte
 * @end: the byte after the last
 * @flags: MMU_NOTIFIER_RANGE_BLOCKABLE, MMUN_RANGE_READABLE,
 *	MMUN_RANGE_UNCHANGED, MMUN_RANGE_AFTER
 * @event: why
 * @owner: for MIGRATE and EXCLUSIVE, whose operation this is, so that a
 *	subscriber can skip its own; otherwise NULL
 * @mmun_private: the core's, between start and end
 */
struct mmu_notifier_range {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned int flags;
	enum mmu_notifier_event event;
	void *owner;
	uint64_t mmun_private[4];
};

/**
 * struct mmu_notifier_ops - what a subscriber wants to hear
 *
 * Any callback may be NULL and is then skipped.  The address of the structure
 * is the identity of the subscriber for mmu_notifier_get(); it must stay
 * valid, with the code behind it, until mmu_notifier_synchronize() or
 * mmu_notifier_unregister() has returned after the last use.
 *
 * Unless said otherwise a callback runs in the thread that causes the event,
 * in a read section of the mm's SRCU domain; it must not register on the mm
 * (-EDEADLK), and must not call mmu_notifier_unregister() or
 * mmu_notifier_synchronize() (both warn and leave things as they are).
 */
struct mmu_notifier_ops {
	/**
	 * @release: the address space is going away: exit(), or the last
	 * mmput().  Called once per registration, before anything is torn down
	 * and also, if it has not run yet, from mmu_notifier_unregister().
	 * May sleep; may mmu_notifier_put() @mn.
	 */
	void (*release)(struct mmu_notifier *mn, struct mm_struct *mm);

	/**
	 * @clear_flush_young: test and clear the accessed state of [start, end)
	 * and drop cached translations.  Return: was it accessed?
	 */
	bool (*clear_flush_young)(struct mmu_notifier *mn, struct mm_struct *mm,
				  unsigned long start, unsigned long end);

	/** @clear_young: clear_flush_young without dropping translations. */
	bool (*clear_young)(struct mmu_notifier *mn, struct mm_struct *mm,
			    unsigned long start, unsigned long end);

	/** @test_young: was the page at @address accessed? Clears nothing. */
	bool (*test_young)(struct mmu_notifier *mn, struct mm_struct *mm,
			   unsigned long address);

	/**
	 * @change_pte: the entry for @address changes to @pte, between a start
	 * and an end that cover it (Linux up to 6.9).
	 */
	void (*change_pte)(struct mmu_notifier *mn, struct mm_struct *mm,
			   unsigned long address, pte_t pte);

	/**
	 * @invalidate_range_start: the range is about to change: stop using the
	 * mirror of it, and make no new one until the end.  May sleep if
	 * mmu_notifier_range_blockable(), within what the overview allows.
	 *
	 * Return: 0; or, when the range is not blockable, -EAGAIN, upon which
	 * the operation is refused.  Such an ops should have no
	 * @invalidate_range_end.
	 */
	int (*invalidate_range_start)(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *range);

	/**
	 * @invalidate_range_end: the range has changed.  Called for each
	 * successful start that this notifier saw, and for no other.  Not
	 * called when the notifier was put or unregistered in between.
	 */
	void (*invalidate_range_end)(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range);

	/**
	 * @invalidate_range: translations of [start, end) must be flushed:
	 * between start and end, and again just before this notifier's end
	 * (Linux up to 6.5).
	 */
	void (*invalidate_range)(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long start, unsigned long end);

	/**
	 * @arch_invalidate_secondary_tlbs: translations of [start, end) must be
	 * flushed.  For subscribers that share the page table itself; excludes
	 * @invalidate_range_start and @invalidate_range_end.  Must not sleep.
	 */
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *mn,
					       struct mm_struct *mm,
					       unsigned long start,
					       unsigned long end);

	/**
	 * @alloc_notifier: make the notifier for mmu_notifier_get().  Called
	 * with the write side of the mmap lock held; may sleep and allocate.
	 * Return: the notifier, which must not be registered yet, or
	 * ERR_PTR(); NULL counts as -ENOMEM.
	 */
	struct mmu_notifier *(*alloc_notifier)(struct mm_struct *mm);

	/**
	 * @free_notifier: the last reference was put, no callback of @mn runs,
	 * and none will.  Called once, on mmunotify's own thread, in the order
	 * of the puts of one mm; mn->mm is valid until it returns.  Also
	 * called, in the context of mmu_notifier_get(), when registration
	 * failed after @alloc_notifier.  May free memory; must not sleep for
	 * long, for it holds up the other frees, nor call
	 * mmu_notifier_synchronize() or mmu_notifier_unregister().
	 */
	void (*free_notifier)(struct mmu_notifier *mn);
};

/**
 * struct mmu_notifier - a registration, embedded in what the subscriber keeps
 * @ops: what to call; for mmu_notifier_register() the caller sets it, for
 *	mmu_notifier_get() the core does, after alloc_notifier
 * @mm: the address space; set by the core when registration succeeds, valid
 *	until the notifier is unregistered or freed.  mmget_not_zero() makes
 *	it active.
 * @users: references by get; changed by the core only
 * @mmun_private: the core's; need not be initialised
 */
struct mmu_notifier {
	const struct mmu_notifier_ops *ops;
	struct mm_struct *mm;
	unsigned int users;
	unsigned int mmun_reserved;
	uint64_t mmun_private[8];
};

/**
 * mmu_notifier_get() - take a reference on the one notifier for (@ops, @mm)
 * @ops: identity, by address, and callbacks; to make a notifier, alloc_notifier
 *	and free_notifier must be set
 * @mm: an address space with mm_users above zero for the whole call
 *
 * Finds the notifier of @ops on @mm and counts one user more, or makes it by
 * ops->alloc_notifier() and registers it.  Also finds a notifier registered
 * with mmu_notifier_register() and the same ops.
 *
 * Context: finding takes no lock, does not sleep or allocate, and is allowed
 * in callbacks and signal handlers.  Making takes the write side of the mmap
 * lock, sleeps and allocates: not in a callback of @mm, nor with its mmap lock
 * held, nor in a signal handler.  It waits for the ranges that other threads
 * have in flight: do not hold what these need to end, be it a range of one's
 * own that they, registering too, wait for.
 * Ordering: what alloc_notifier wrote happens before the return, in every
 * thread that gets the notifier.  When a new notifier is returned, no
 * invalidation that it did not see the start of is in flight on @mm, except
 * those that the calling thread itself has started (of more than 8, the latest).
 * Ownership: pair with mmu_notifier_put().  Until then mn->mm stays valid.
 * Return: the notifier, or ERR_PTR:
 * -EINVAL     @ops or @mm is NULL; or a new notifier is needed, and @ops lacks
 *             alloc_notifier or free_notifier, has
 *             arch_invalidate_secondary_tlbs beside start or end, or
 *             alloc_notifier returned a registered notifier; or, on mm_self(),
 *             MMUNOTIFY_SOURCES makes no sense
 * -ENOMEM     out of memory, or alloc_notifier returned NULL
 * -EOVERFLOW  UINT_MAX users already
 * -ESRCH      mm_users is zero: @mm was released
 * -EDEADLK    a new notifier is needed, and the caller is a callback of @mm or
 *             holds its mmap lock for writing
 * -EOPNOTSUPP mm_self(): the system forbids every event source (see
 *             mmunotify/monitor.h for the reasons), or this build has none
 * and whatever alloc_notifier returned.
 * Source: Linux mm/mmu_notifier.c, mmu_notifier_get().
 */
struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops,
				      struct mm_struct *mm);

/**
 * mmu_notifier_get_locked() - mmu_notifier_get() with the mmap lock held
 * @ops: as for mmu_notifier_get()
 * @mm: as for mmu_notifier_get(), its mmap lock held for writing by the caller
 *
 * Context: as for mmu_notifier_get(), with the mmap lock held.
 * Return: as mmu_notifier_get(), and -EINVAL, with a warning, when the caller
 *         does not hold the lock.
 * Source: Linux mm/mmu_notifier.c, mmu_notifier_get_locked().
 */
struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops,
					     struct mm_struct *mm);

/**
 * mmu_notifier_put() - drop a reference on the notifier
 * @mn: a notifier from mmu_notifier_get(), or one that was registered and
 *	whose ops have free_notifier
 *
 * With the last reference the notifier is off the mm's list at once, and
 * ops->free_notifier() runs asynchronously after every callback that may be
 * looking at it has returned.  ->release is not called.  A range whose start
 * the notifier saw gets no end.
 *
 * As ->release may never be called, the caller must have dropped its mirror
 * before the last put.
 *
 * A put without users, or of a notifier that was never registered, warns and
 * changes nothing.  The last put after mmu_notifier_unregister() warns and
 * leaks: who unregisters owns the memory again.
 *
 * A subscriber that can be unloaded calls mmu_notifier_synchronize() after its
 * last put and before it goes.
 *
 * Context: any thread, callbacks included (->release too); never sleeps for a
 * callback, never allocates.  Not from a signal handler in a fork()ed child
 * that has not used the library yet.
 * Source: Linux mm/mmu_notifier.c, mmu_notifier_put().
 */
void mmu_notifier_put(struct mmu_notifier *mn);

/**
 * mmu_notifier_synchronize() - wait until what was put is freed
 *
 * When it returns, every callback of any mm that was running when it was
 * called has returned, and free_notifier has returned for every last put that
 * happened before the call.  Stronger than Linux, where it is one grace period
 * and may return before free_notifier has run.
 *
 * Modules that use mmu_notifier_put() call it before they are unloaded, after
 * their last put.
 *
 * Context: sleeps.  In a callback, or in free_notifier, it would wait for
 * itself: it warns and returns at once.  Do not hold a lock that free_notifier
 * or a callback takes.
 * Source: Linux mm/mmu_notifier.c, mmu_notifier_synchronize().
 */
void mmu_notifier_synchronize(void);

/**
 * mmu_notifier_register() - register a notifier on an address space
 * @mn: the notifier; the caller has set mn->ops
 * @mm: the address space to attach it to, with mm_users above zero for the
 *	whole call
 *
 * The memory is the caller's and must live until mmu_notifier_unregister()
 * returned, or until free_notifier after a put.  Two notifiers with the same
 * ops hear everything twice.  mm_count is held until then.
 *
 * Either mmu_notifier_unregister() or mmu_notifier_put() must be called to
 * undo it, after the address space was released too, and in a fork()ed child
 * that wants to register its copy of @mn.
 *
 * Context: sleeps, allocates; takes the write side of the mmap lock; not in a
 * callback of @mm, nor in a signal handler.
 * Ordering: as mmu_notifier_get() for a new notifier.
 * Return: 0, or -EINVAL (an argument or mn->ops is NULL, @mn is registered
 *         already, arch_invalidate_secondary_tlbs beside start or end),
 *         -ENOMEM, -ESRCH, -EDEADLK, -EOPNOTSUPP as mmu_notifier_get().
 * Source: Linux mm/mmu_notifier.c, mmu_notifier_register().
 */
int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm);

/**
 * __mmu_notifier_register() - mmu_notifier_register() with the mmap lock held
 * @mn: as for mmu_notifier_register()
 * @mm: its mmap lock held for writing by the caller
 *
 * Context: as mmu_notifier_register(), with the mmap lock held.
 * Return: as mmu_notifier_register(), and -EINVAL, with a warning, when the
 *         caller does not hold the lock.
 * Source: Linux mm/mmu_notifier.c, __mmu_notifier_register().
 */
int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm);

/**
 * mmu_notifier_unregister() - end a registration
 * @mn: the notifier, whatever mn->users says
 * @mm: the address space that it is registered on
 *
 * Calls ->release if it has not run for @mn, removes @mn, and waits until
 * every callback that may be looking at it has returned.  Never calls
 * free_notifier.  May free @mm: who needs it longer holds mmgrab().
 *
 * Not registered, or registered elsewhere: warns and does nothing.
 *
 * Context: sleeps; not in a callback of @mm (warns, and leaves @mn registered)
 * nor in a signal handler.
 * Source: Linux mm/mmu_notifier.c, mmu_notifier_unregister().
 */
void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm);

/**
 * mmu_notifier_unregister_no_release() - remove a notifier without waiting
 * @mn: the notifier
 * @mm: the address space that it is registered on
 *
 * Neither calls ->release nor waits for callbacks of @mn that are running:
 * before the memory is reused, call mmu_notifier_synchronize().
 *
 * Context: as mmu_notifier_put().
 * Source: Linux 5.3 mm/mmu_notifier.c, mmu_notifier_unregister_no_release().
 */
void mmu_notifier_unregister_no_release(struct mmu_notifier *mn,
					struct mm_struct *mm);

/**
 * mm_has_notifiers() - was a notifier ever registered on this mm?
 * @mm: the mm
 *
 * Context: any.
 * Return: nonzero from the first registration on, zero again in a fork()ed
 *         child's mm_self().
 */
int mm_has_notifiers(struct mm_struct *mm);

/**
 * mmu_notifier_range_init() - describe an invalidation
 * @range: what to fill in
 * @event: why
 * @flags: 0 or MMUN_RANGE_READABLE; blockable is set by the call that starts it
 * @mm: the address space
 * @start: first byte
 * @end: the byte after the last
 *
 * Context: any.
 */
static inline void mmu_notifier_range_init(struct mmu_notifier_range *range,
					   enum mmu_notifier_event event,
					   unsigned int flags,
					   struct mm_struct *mm,
					   unsigned long start,
					   unsigned long end)
{
	range->mm = mm;
	range->start = start;
	range->end = end;
	range->flags = flags;
	range->event = event;
	range->owner = 0;
	range->mmun_private[0] = 0;
}

/**
 * mmu_notifier_range_init_owner() - mmu_notifier_range_init() with an owner
 * @range: what to fill in
 * @event: MMU_NOTIFY_MIGRATE or MMU_NOTIFY_EXCLUSIVE, usually
 * @flags: as mmu_notifier_range_init()
 * @mm: the address space
 * @start: first byte
 * @end: the byte after the last
 * @owner: compared by subscribers against their own
 *
 * Context: any.
 */
static inline void
mmu_notifier_range_init_owner(struct mmu_notifier_range *range,
			      enum mmu_notifier_event event, unsigned int flags,
			      struct mm_struct *mm, unsigned long start,
			      unsigned long end, void *owner)
{
	mmu_notifier_range_init(range, event, flags, mm, start, end);
	range->owner = owner;
}

/**
 * mmu_notifier_range_blockable() - may the callbacks of this range sleep?
 * @range: the range that a callback was given
 *
 * Context: any.
 * Return: true when they may.
 */
static inline bool
mmu_notifier_range_blockable(const struct mmu_notifier_range *range)
{
	return range->flags & MMU_NOTIFIER_RANGE_BLOCKABLE;
}

/**
 * mmu_notifier_range_update_to_read_only() - does the range only become read-only?
 * @range: the range that a callback was given
 *
 * Context: any.
 * Return: true when the protection changes and the memory stays readable:
 *         then a read-only mirror may be kept.
 * Source: Linux 6.2 mm/mmu_notifier.c.
 */
bool mmu_notifier_range_update_to_read_only(const struct mmu_notifier_range *range);

/**
 * mmu_notifier_invalidate_range_start() - the range is about to change
 * @range: initialised by mmu_notifier_range_init(); must live until the end
 *
 * Calls ->invalidate_range_start() of every notifier, newest first; they may
 * sleep, and cannot refuse (a return value other than 0 warns once).
 *
 * For the owner of a software mm.  Ranges may overlap, nest and run in
 * parallel; nothing needs to be locked.
 *
 * Context: any in which the subscribers' callbacks may run; no lock, no
 * allocation; errno preserved.
 * Ordering: a start happens before the callbacks that it calls, and they before
 * its return.
 * Source: Linux mm/mmu_notifier.c.
 */
void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range);

/**
 * mmu_notifier_invalidate_range_start_nonblock() - start, unless somebody refuses
 * @range: as for mmu_notifier_invalidate_range_start()
 *
 * As mmu_notifier_invalidate_range_start() with callbacks that must not sleep.
 * When any of them returns an error, all are still called, then
 * ->invalidate_range_end() of all, and the range is over: the caller leaves the
 * memory alone and does not call mmu_notifier_invalidate_range_end().
 *
 * Context: as mmu_notifier_invalidate_range_start().
 * Return: 0, or the last error that a callback returned (-EAGAIN; any other
 *         warns once).
 */
int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *range)
	__attribute__((warn_unused_result));

/**
 * mmu_notifier_invalidate_range_end() - the range has changed
 * @range: a range that was started; in any thread
 *
 * Calls ->invalidate_range() and then ->invalidate_range_end() of every
 * notifier that saw the start, newest first.  A range that was not started
 * warns once and is ignored.
 *
 * Context: as mmu_notifier_invalidate_range_start().
 */
void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range);

/**
 * mmu_notifier_invalidate_range_only_end() - end without ->invalidate_range()
 * @range: as for mmu_notifier_invalidate_range_end()
 *
 * For a range whose translations mmu_notifier_invalidate_range() flushed.
 *
 * Context: as mmu_notifier_invalidate_range_start().
 */
void mmu_notifier_invalidate_range_only_end(struct mmu_notifier_range *range);

/**
 * mmu_notifier_invalidate_range() - flush translations, where entries change
 * @mm: the mm
 * @start: first byte
 * @end: the byte after the last
 *
 * Calls ->invalidate_range() of every notifier.
 *
 * Context: as mmu_notifier_invalidate_range_start().
 */
void mmu_notifier_invalidate_range(struct mm_struct *mm, unsigned long start,
				   unsigned long end);

/**
 * mmu_notifier_arch_invalidate_secondary_tlbs() - flush translations (Linux 6.6)
 * @mm: the mm
 * @start: first byte
 * @end: the byte after the last
 *
 * Calls ->arch_invalidate_secondary_tlbs() of every notifier.
 *
 * Context: as mmu_notifier_invalidate_range_start().
 */
void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
						 unsigned long start,
						 unsigned long end);

/**
 * mmu_notifier_clear_flush_young() - test and clear the accessed state, flush
 * @mm: the mm
 * @start: first byte
 * @end: the byte after the last
 *
 * Context: as mmu_notifier_invalidate_range_start().
 * Return: true when any notifier's ->clear_flush_young() did; all are called.
 */
bool mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start,
				    unsigned long end);

/**
 * mmu_notifier_clear_young() - test and clear the accessed state
 * @mm: the mm
 * @start: first byte
 * @end: the byte after the last
 *
 * Context: as mmu_notifier_invalidate_range_start().
 * Return: true when any notifier's ->clear_young() did; all are called.
 */
bool mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start,
			      unsigned long end);

/**
 * mmu_notifier_test_young() - was a page accessed?
 * @mm: the mm
 * @address: an address in the page
 *
 * Context: as mmu_notifier_invalidate_range_start().
 * Return: true at the first notifier whose ->test_young() says so; later ones
 *         are not asked.
 */
bool mmu_notifier_test_young(struct mm_struct *mm, unsigned long address);

/**
 * mmu_notifier_change_pte() - an entry changes in place
 * @mm: the mm
 * @address: an address in the page
 * @pte: the new entry
 *
 * Context: as mmu_notifier_invalidate_range_start(), between start and end.
 */
void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address,
			     pte_t pte);

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_MMU_NOTIFIER_H */
