/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_SRCU_H
#define MMUN_BASE_SRCU_H
/*
 * Sleepable RCU, one domain per use.
 *
 * A read section is entered and left in any thread, with no registration, no
 * allocation and no lock; it may sleep, nest, migrate, run in a signal handler
 * or in a thread about to exit, and end in another thread.
 *
 * Two banks of counters, each a pair (lock, unlock) per CPU.  A reader counts
 * itself into bank idx, and out of the same bank, on whatever CPU it is then.
 * Nobody is inside a bank when the sums of its two counters are equal.
 *
 * A grace period (srcu.c) lets new readers enter the other bank and waits until
 * the old one is empty.  Flavors:
 *
 *   rseq+membarrier   The counters are plain words of the CPU, incremented in a
 *		       restartable sequence; the grace period pays for the order
 *		       with one membarrier.  Threads without an rseq area use
 *		       the stripes.
 *   atomic	       Every reader increments a stripe with a locked
 *		       instruction and a fence; nothing of the system is needed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/rseq.h"

#define MMUN_SRCU_STRIPES 8
/* On a larger machine the flavor is "atomic". */
#define MMUN_SRCU_MAX_CPUS 1024

/* A cache line per CPU or stripe.  mmun_this_cpu_inc() knows the 64. */
struct mmun_srcu_slot {
	uint64_t lock[2];
	uint64_t unlock[2];
} __attribute__((aligned(64)));

/* Embedded in what is to be freed. */
struct mmun_srcu_head {
	struct mmun_srcu_head *next;
	void (*func)(struct mmun_srcu_head *head);
};

struct mmun_srcu {
	/* Read by readers. */
	uint32_t idx;		/* the bank to enter; written under gp_lock */
	uint32_t ncpus;		/* slots with plain counters: all CPUs, or none */
	uint32_t nslots;	/* those and the stripes */

	/* Grace periods; all under gp_lock. */
	struct mmun_lock gp_lock __attribute__((aligned(64)));
	uint32_t gp_state;	/* enum in srcu.c */
	uint64_t gp_seq;	/* grace periods completed */
	uint64_t all_target;	/* what synchronize_all() waits for */
	/* Sections of the waiter's own, which it does not wait for; or NULL. */
	uint32_t (*own)(void *owner, unsigned int bank);
	void *own_arg;

	/* Deferred callbacks (callback.c). */
	struct mmun_srcu_head *incoming;	/* pushed by anybody, newest first */
	struct mmun_srcu_head *waiting;		/* the worker's, oldest first */
	uint64_t waiting_seq;			/* ... run when gp_seq is there */
	uint32_t called;			/* callbacks ever queued ... */
	uint32_t done;				/* ... and returned; a futex */
	uint32_t barrier_waiters;		/* who waits on it */
	uint32_t active;			/* on the worker's list */
	struct mmun_srcu *next_active;

	/* The list of all domains, under its lock. */
	struct mmun_srcu *prev, *next;
	void *owner;
	uint32_t refs;		/* the creator, the worker, who waits */
	bool is_static;

	struct mmun_srcu_slot slots[];
};

/* A domain that needs no memory at run time. */
#define MMUN_SRCU_STATIC(name)                                                 \
	union {                                                                \
		struct mmun_srcu srcu;                                         \
		char room[sizeof(struct mmun_srcu) +                           \
			  (MMUN_SRCU_MAX_CPUS + MMUN_SRCU_STRIPES) *           \
				  sizeof(struct mmun_srcu_slot)];              \
	} name

void mmun_srcu_enter_stripe(struct mmun_srcu *sp, unsigned int bank);
void mmun_srcu_leave_stripe(struct mmun_srcu *sp, unsigned int bank);

/*
 * Enter a read section, where that takes no call; else do nothing.
 * Context: any.  Return: was it entered?  Then *bank is what the unlock needs.
 *
 * ORDER(srcu-enter): pairs with the membarrier, or fence, of begin() in srcu.c.
 * Store buffering: either the grace period sees our count, or we see all that
 * its caller did before.
 */
static inline __attribute__((always_inline)) bool
mmun_srcu_try_read_lock(struct mmun_srcu *sp, unsigned int *bank)
{
	/* ORDER(srcu-bank): may be old by the time of the count. */
	*bank = mmun_read(&sp->idx);
	return mmun_this_cpu_inc((uint64_t *)sp + *bank,
				 offsetof(struct mmun_srcu, slots[0].lock));
}

/* Enter a read section.  Context: any.  Return: what the unlock needs. */
static inline __attribute__((always_inline)) unsigned int
mmun_srcu_read_lock(struct mmun_srcu *sp)
{
	unsigned int bank;

	if (mmun_unlikely(!mmun_srcu_try_read_lock(sp, &bank)))
		mmun_srcu_enter_stripe(sp, bank);
	return bank;
}

/*
 * Leave a read section; in any thread.  Context: any.
 *
 * ORDER(srcu-exit): a release; pairs with the acquire in bank_is_empty().  Who
 * sees our count sees the section's accesses done.
 */
static inline __attribute__((always_inline)) void
mmun_srcu_read_unlock(struct mmun_srcu *sp, unsigned int bank)
{
	if (mmun_unlikely(!mmun_this_cpu_inc(
		    (uint64_t *)sp + bank,
		    offsetof(struct mmun_srcu, slots[0].unlock))))
		mmun_srcu_leave_stripe(sp, bank);
}

/* Make a domain.  Context: sleeps, allocates.  Return: NULL when out of memory. */
struct mmun_srcu *mmun_srcu_create(void);
/* The same in memory of the caller's, zeroed, that is never freed. */
void mmun_srcu_init_static(struct mmun_srcu *sp);
/*
 * Say what the domain is for; from then on mmun_srcu_synchronize_all() waits for
 * it, and a fork looks at the owner.
 */
void mmun_srcu_set_owner(struct mmun_srcu *sp, void *owner);
/* Drop the creator's reference; queued callbacks still run.  Context: frees. */
void mmun_srcu_free(struct mmun_srcu *sp);

/*
 * Wait until every section that was entered before has been left.
 * Context: sleeps; not in a section of the domain.
 */
void mmun_srcu_synchronize(struct mmun_srcu *sp);

/*
 * mmun_srcu_synchronize() and mmun_srcu_barrier() of all domains with an owner,
 * for the price of one membarrier.
 * Context: sleeps, frees; not in a section of any, nor on the worker.
 */
void mmun_srcu_synchronize_all(void);

/*
 * The same but for sections of the caller's own: own(arg, bank) says how many
 * it has in a bank; others may leave them for it meanwhile, nobody enters more.
 * In a domain on which nobody else waits.
 */
void mmun_srcu_synchronize_except(struct mmun_srcu *sp,
				  uint32_t (*own)(void *arg, unsigned int bank),
				  void *arg);

/*
 * A full barrier in every thread of the process that runs, where readers need one:
 * with the flavor rseq+membarrier.  Context: any.
 */
void mmun_srcu_order_readers(void);
/*
 * The same; and who was in a sequence that checks (mmun_this_cpu_add_if()) begins it
 * again.  The kernel does that where it interrupts a CPU, or has taken it from the
 * thread, and the return from either is a full barrier on x86-64.  Where that is
 * forbidden, none adds anything any more.
 * Context: any; sleeps when membarrier has come to be forbidden, once.
 */
void mmun_srcu_restart_readers(void);
/*
 * Has everybody left who was inside when the caller ordered the readers?  False
 * proves nothing.  Context: any.
 */
bool mmun_srcu_have_left(struct mmun_srcu *sp);

/*
 * Run func(head) on the worker, after a grace period, in the order of the
 * calls.  Context: any; needs no memory.
 */
void mmun_srcu_call(struct mmun_srcu *sp, struct mmun_srcu_head *head,
		    void (*func)(struct mmun_srcu_head *head));
/*
 * Wait until every callback queued before has returned.
 * Context: sleeps; not in a section of the domain, nor on the worker.
 */
void mmun_srcu_barrier(struct mmun_srcu *sp);

/*
 * Have the worker run, so that mmun_srcu_call() never has to start it.
 * Context: sleeps, allocates.  Return: 0 or -ENOMEM.
 */
int mmun_srcu_start_worker(void);
/*
 * The same for as long as something may be queued, until unwanted as often;
 * then the worker ends by itself.  Context of the second: any.
 */
int mmun_srcu_want_worker(void);
void mmun_srcu_unwant_worker(void);
/* Is this thread the worker? Context: any. */
bool mmun_srcu_on_worker(void);

/*
 * fork(): hold the list of domains still, in both processes, from prepare to
 * parent or child; in the child, forget all readers, then the worker, first.
 * Context: pthread_atfork() handlers; signals are blocked in between.
 */
void mmun_srcu_fork_prepare(void);
void mmun_srcu_fork_child(void);
void mmun_srcu_callbacks_fork_child(void);
/* Call fn for each domain, meanwhile. */
void mmun_srcu_fork_each(void (*fn)(struct mmun_srcu *sp));
void mmun_srcu_fork_done(void);
/* In the child: the calling thread is still in this section. */
void mmun_srcu_reenter(struct mmun_srcu *sp, unsigned int bank);
/* Between srcu.c and callback.c: */
/* The grace period to wait for, from now on.  */
uint64_t mmun_srcu_gp_target(struct mmun_srcu *sp);
/* Push the grace period on, without waiting.  Return: is it complete? */
bool mmun_srcu_gp_poll(struct mmun_srcu *sp, uint64_t target);
void mmun_srcu_ref(struct mmun_srcu *sp);
void mmun_srcu_unref(struct mmun_srcu *sp);

#endif /* MMUN_BASE_SRCU_H */
