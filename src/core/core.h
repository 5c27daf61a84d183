/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CORE_CORE_H
#define MMUN_CORE_CORE_H
/*
 * The inside of an address space and of a registration.  Start reading here.
 *
 * Lock order, outermost first:
 *
 *   mm->mmap_lock	users; registration		(mm.c)
 *   mm->lock		the list's writers		(mmu_notifier.c)
 *   mm->intervals.lock	the tree's			(interval_notifier.c)
 *
 * and fork() holds the list of domains and the trees, but neither of the former two
 * (fork.c).  Nothing is called under the latter two; the event path (invalidate.c)
 * takes none of them, but the last where a range meets a change of the tree, and a
 * put in a callback the second.
 *
 * Who may run beside whom on one mm (X: excluded by mmap_lock or mm->lock,
 * w: the row waits for the column, -: side by side):
 *
 *		      get/register  put  unregister  start..end  release
 *   get, found		   -	     -	     -		 -	    -
 *   register		   X	     -	     -		 w	    -
 *   put		   -	     -	     -		 -	    -
 *   unregister		   -	     -	     -		 w*	    w
 *   start, end		   -	     -	     -		 -	    -
 *   release		   -	     -	     w		 w*	    X
 *   synchronize	   -	     w**     -		 w*	    w
 *
 *   *  for callbacks that are running, not for the range to end
 *   ** for free_notifier
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmunotify/interval_notifier.h>
#include <mmunotify/mm.h>
#include <mmunotify/mmu_notifier.h>

#include "base/atomic.h"
#include "base/export.h"
#include "base/lock.h"
#include "base/srcu.h"
#include "core/intervals.h"

struct mm_struct {
	/* The newest registration; written under lock, walked in srcu. */
	struct mmu_notifier *first;
	uint32_t wants;			/* MM_WANTS_*: a walk for the others is idle */
	struct mmun_srcu *srcu;		/* walks of the list; frees */
	struct mmun_srcu *in_flight;	/* ranges between start and end */
	struct mmun_intervals intervals; /* have a lock of their own */

	uint32_t mm_users;
	uint32_t mm_count;
	struct mmun_lock lock;
	uint32_t has_notifiers;		/* somebody has registered, ever */
	uint32_t released;		/* under lock: no registration any more */
	uint64_t seq;			/* under lock: registrations, ever */

	pthread_rwlock_t mmap_lock;
	const void *mmap_writer;	/* the task that holds it for writing */
	uint32_t mmap_depth;		/* ... so many times */
	uint32_t mmap_readers;

	/* What mm_self() needs before its first registration; else NULL. */
	int (*arm)(void);
	/* Who wants to know in which parts there is interest; or NULL. */
	const struct mmun_interest_ops *interest;
};

/* What lies outside of a range, of the mappings that it is about, in pages. */
struct mmun_extent {
	uint32_t before;
	uint32_t after;
};

/*
 * Called after an interval was inserted, and after it was removed, where
 * callbacks may be running.  Context: sleeps; not in a callback.
 */
struct mmun_interest_ops {
	void (*declare)(unsigned long start, unsigned long last,
			struct mmun_extent *ret_extent);
	void (*withdraw)(unsigned long start, unsigned long last,
			 struct mmun_extent extent);
};

/* What some notifier, past or present, wants to hear; set before it is listed. */
enum {
	MM_WANTS_END = 1 << 0,	/* invalidate_range_end, invalidate_range */
	MM_WANTS_ARCH = 1 << 1,	/* arch_invalidate_secondary_tlbs */
};

/* In mn->mmun_private.  Valid when mn_is_known(), whatever was there before. */
struct mn_private {
	uint64_t state;			/* mn_known() of this address, and flags */
	struct mmu_notifier *next;
	struct mmu_notifier **pprev;	/* under mm->lock */
	uint64_t seq;			/* of mm->seq; constant while listed */
	struct mmun_srcu_head head;
};

_Static_assert(sizeof(struct mn_private) <=
		       sizeof(((struct mmu_notifier *)0)->mmun_private),
	       "the private part fits");

enum {
	MN_LISTED = 1 << 0,	/* on mm->first */
	MN_PINNED = 1 << 1,	/* holds mm_count: not yet put or unregistered */
	MN_RELEASED = 1 << 2,	/* ->release has been claimed ... */
	MN_SILENT = 1 << 3,	/* ... and has returned: it hears nothing more */
	MN_FREEING = 1 << 4,	/* put for the last time, not freed yet */
	MN_FLAGS = 31,
};

static inline struct mn_private *mn_private(struct mmu_notifier *mn)
{
	return (struct mn_private *)mn->mmun_private;
}

/* So that memory that was never registered, or a copy, is told apart. */
static inline uint64_t mn_known(const struct mmu_notifier *mn)
{
	return ((uint64_t)(uintptr_t)mn ^ 0x6d6d756e6f746966ULL) & ~(uint64_t)MN_FLAGS;
}

/* What the calling thread is doing inside the library. */
struct mmun_walk {
	struct mm_struct *mm;
	struct mmun_srcu *srcu;
	unsigned int bank;
	struct mmun_walk *outer;
};

/* Thread-local storage that a dlopen()ed library may have is scarce. */
#define MMUN_OWN_RANGES 8

struct mmun_task {
	struct mmun_walk *walk;		/* the callback we are in, innermost */
	/* Ranges that this thread has started and not ended (own_ranges.h). */
	uint32_t nr_own;
	int *errno_at;			/* of this thread; see task_errno() */
	uint64_t last_range;
	struct {
		struct mmu_notifier_range *range;
		uint64_t id;
	} own[MMUN_OWN_RANGES];
};

extern __thread struct mmun_task mmun_task
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* errno, without a call but the first time.  Context: any. */
static inline int *task_errno(void)
{
	int *at = mmun_task.errno_at;

	if (mmun_unlikely(!at))
		at = mmun_task.errno_at = &errno;
	return at;
}

/*
 * A walk: a section of mm->srcu, or for intervals of another domain, known to
 * the thread.  Context: any.
 *
 *	walk_begin(mm, mm->srcu, &walk);
 *	for_each_notifier(mn, mm) ...
 *	walk_end(&walk);
 */
static inline void walk_begin(struct mm_struct *mm, struct mmun_srcu *srcu,
			      struct mmun_walk *walk)
{
	walk->mm = mm;
	walk->srcu = srcu;
	walk->outer = mmun_task.walk;
	walk->bank = mmun_srcu_read_lock(srcu);
	mmun_write(&mmun_task.walk, walk);
}

static inline void walk_end(struct mmun_walk *walk)
{
	mmun_write(&mmun_task.walk, walk->outer);
	mmun_srcu_read_unlock(walk->srcu, walk->bank);
}

/* ORDER(sub-publish): pairs with the store_release in list_add(). */
#define for_each_notifier(mn, mm)                                              \
	for ((mn) = mmun_load_acquire(&(mm)->first); (mn);                     \
	     (mn) = mmun_load_acquire(&mn_private(mn)->next))

/* Would anybody be told of a range? Context: any. */
static inline bool mmun_has_listeners(const struct mm_struct *mm)
{
	return mmun_load_acquire(&mm->first) ||
	       mmun_has_intervals(&mm->intervals);
}

/* Is the calling thread in a callback of this mm? Context: any. */
bool mmun_in_callback(const struct mm_struct *mm);

/* mm.c */
bool mmun_mmap_write_held(const struct mm_struct *mm);
/* Make the static mm of this process; see monitor/monitor.c. */
void mmun_mm_init_static(struct mm_struct *mm, struct mmun_srcu *srcu,
			 struct mmun_srcu *in_flight, int (*arm)(void));
/* The process exits: ->release, whatever mm_users is. */
void mmun_mm_exit(struct mm_struct *mm);
/* In a fork()ed child: nobody holds its locks. */
void mmun_mm_fork_child(struct mm_struct *mm);
/* Counts of a static mm do not fall below their first reference. */
bool mmun_mm_is_static(const struct mm_struct *mm);

/* mmu_notifier.c */
/*
 * What a first registration needs, and every later one finds done.
 * Context: not in a callback; takes the dynamic linker's lock.
 */
int mmun_prepare_mm(struct mm_struct *mm);

/* invalidate.c */
/* Wait until every range that is in flight now, but this thread's, has ended. */
void mmun_wait_for_ranges(struct mm_struct *mm);
/* A range of everything that is told to interval notifiers alone. */
void mmun_invalidate_intervals(struct mm_struct *mm,
			       enum mmu_notifier_event event);

/* release.c */
void mmun_release_notifiers(struct mm_struct *mm);
/*
 * As mmun_mm_exit(), waiting for nobody.  Context: any, a signal handler too; in a
 * callback it does nothing, as that may hold what ->release wants.
 */
void mmun_mm_exit_now(struct mm_struct *mm);
/* Call ->release unless somebody has; in a walk. */
void mmun_release_one(struct mmu_notifier *mn, struct mm_struct *mm);

/* fork.c */
int mmun_fork_init(void);
/* Keep the library's code in memory from now on. */
void mmun_pin_library(void);

#endif /* MMUN_CORE_CORE_H */
