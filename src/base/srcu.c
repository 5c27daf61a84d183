// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Grace periods.
 *
 * A grace period is a small state machine that everybody who waits for it
 * pushes on, under gp_lock, which nobody holds while waiting:
 *
 *   IDLE     somebody wants one                           -> STARTING
 *   STARTING     membarrier                               -> DRAIN_OTHER
 *   DRAIN_OTHER  the bank that nobody enters now is empty:
 *	      flip idx                                     -> DRAIN_OLD
 *   DRAIN_OLD    the bank that was entered until then is empty:
 *	      gp_seq++                                     -> IDLE
 *
 * Why one membarrier is enough.  Let the caller have unlinked something before.
 * A reader whose lock count is not visible after the membarrier runs its
 * section after it, and cannot find what was unlinked.  Any other has counted
 * itself, visibly, into one of the two banks; both are waited for.
 *
 * Why both.  A reader may load idx, lose the CPU for as long as it likes, and
 * count itself into that bank after flips of idx and scans of the bank have
 * gone by.  So readers may be in the bank that nobody enters "now".
 *
 * Why a scan can be trusted.  It sums the unlocks first, with acquire, then the
 * locks: every unlock that it counted has its lock in the sum (ORDER(srcu-exit)
 * and ORDER(srcu-scan)), so the difference is never too small; and all locks
 * from before the membarrier are in the sum.  When it is zero these have left.
 *
 * Why it ends.  After the flip only readers that had loaded the old idx enter
 * the old bank, one section for each thread at most: readers that keep coming
 * do not hold it up.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <mmunotify/monitor.h>

#include "base/export.h"
#include "base/mutants.h"
#include "base/srcu.h"
#include "base/syscall.h"

enum gp_state {
	GP_IDLE,
	GP_STARTING,
	GP_DRAIN_OTHER,
	GP_DRAIN_OLD,
};

/* Decided once, by flavor_init(). */
static struct {
	struct mmun_lock lock;
	uint32_t ready;
	uint32_t ncpus;		/* 0 in the atomic flavor */
	uint32_t restarts;	/* membarrier knows restartable sequences */
	char *barrier_page;	/* for a membarrier that got forbidden later */
} flavor;

/* All domains.  Held over fork(); below it only gp_lock, and the locks of mms. */
static struct {
	struct mmun_lock lock;
	struct mmun_sigmask saved;	/* by fork_prepare() */
	struct mmun_srcu *head;
} domains;

/* One synchronize_all() at a time has targets to set. */
static struct mmun_lock all_lock;

/* -- the flavor -- */

static long membarrier(int command)
{
	return mmun_syscall(SYS_membarrier, command, 0, 0);
}

/* "0-3", "0-3,8-11": the last number counts. */
static uint32_t last_of_list(const char *text, long len)
{
	uint32_t last = 0;

	for (long i = 0; i < len; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			last = last * 10 + (text[i] - '0');
		else if (text[i] != '\n')
			last = 0;
	}
	return last;
}

/*
 * CPU numbers are below this, ever; 0 when that cannot be known.  Without /sys
 * the size of the kernel's CPU sets is a bound, if a generous one.
 */
static uint32_t possible_cpus(void)
{
	char text[256];
	unsigned long set[MMUN_SRCU_MAX_CPUS / 64 + 1];
	long fd, len;

	fd = mmun_syscall(SYS_openat, AT_FDCWD,
			  "/sys/devices/system/cpu/possible",
			  O_RDONLY | O_CLOEXEC, 0);
	if (fd >= 0) {
		len = mmun_syscall(SYS_read, fd, text, sizeof(text));
		mmun_syscall(SYS_close, fd);
		if (len > 0)
			return last_of_list(text, len) + 1;
	}
	len = mmun_syscall(SYS_sched_getaffinity, 0, sizeof(set), set);
	return len > 0 ? len * 8 : 0;
}

static bool rseq_usable(void)
{
	const char *wish = getenv("MMUNOTIFY_SRCU");
	long commands = membarrier(MEMBARRIER_CMD_QUERY);

	if (!mmun_rseq_available() || (wish && !strcmp(wish, "atomic")))
		return false;
	if (!flavor.ncpus || flavor.ncpus > MMUN_SRCU_MAX_CPUS)
		return false;
	if (commands < 0 || !(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return false;
	return !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
	       !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

/* Since Linux 5.10. */
static bool can_restart(void)
{
	return membarrier(MEMBARRIER_CMD_QUERY) &
		       MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ &&
	       !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ) &&
	       !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
}

static void flavor_init(void)
{
	if (mmun_load_acquire(&flavor.ready))
		return;
	mmun_lock(&flavor.lock);
	if (!flavor.ready) {
		long page = mmun_syscall(SYS_mmap, 0, 1, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		flavor.barrier_page = page < 0 && page > -4096 ? NULL : (char *)page;
		flavor.ncpus = possible_cpus();
		if (!rseq_usable())
			flavor.ncpus = 0;
		flavor.restarts = flavor.ncpus && can_restart();
		mmun_rseq_use(flavor.ncpus);
		if (!flavor.restarts)
			mmun_rseq_check_nothing();
		mmun_store_release(&flavor.ready, 1);
	}
	mmun_unlock(&flavor.lock);
}

const char *mmun_srcu_flavor(void)
{
	flavor_init();
	return flavor.ncpus ? "rseq+membarrier" : "atomic";
}
EXPORT_SYMBOL(mmun_srcu_flavor);

static struct mmun_lock barrier_lock;

/*
 * A full barrier in every running thread of the process.  A sandbox may forbid
 * membarrier after we chose it: taking away access to a page that was just
 * written makes the kernel interrupt the same CPUs, except where it flushes
 * TLBs by broadcast.  There, MMUNOTIFY_SRCU=atomic is for such programs.
 */
static void barrier_all_threads(void)
{
	if (mmun_likely(!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)))
		return;
	if (flavor.barrier_page) {
		mmun_lock(&barrier_lock);
		mmun_syscall(SYS_mprotect, flavor.barrier_page, 1,
			     PROT_READ | PROT_WRITE);
		mmun_write(flavor.barrier_page, 1);
		mmun_syscall(SYS_mprotect, flavor.barrier_page, 1, PROT_NONE);
		mmun_unlock(&barrier_lock);
	}
}

/* -- readers without a CPU of their own -- */

/* Threads spread over the stripes by where their thread pointer lies. */
static struct mmun_srcu_slot *my_stripe(struct mmun_srcu *sp)
{
	uintptr_t tp = (uintptr_t)__builtin_thread_pointer();

	return &sp->slots[sp->ncpus +
			  ((tp >> 12) ^ (tp >> 20)) % MMUN_SRCU_STRIPES];
}

void mmun_srcu_enter_stripe(struct mmun_srcu *sp, unsigned int bank)
{
	mmun_fetch_add(&my_stripe(sp)->lock[bank], 1);
	mmun_fence();
}

void mmun_srcu_leave_stripe(struct mmun_srcu *sp, unsigned int bank)
{
	mmun_fetch_add(&my_stripe(sp)->unlock[bank], 1);
}

/* -- the grace period -- */

static uint64_t sum(struct mmun_srcu *sp, size_t counter)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < sp->nslots; i++)
		total += mmun_load_acquire(
			(uint64_t *)((char *)&sp->slots[i] + counter));
	return total;
}

/*
 * How many are inside, at least those from before the last membarrier.
 * ORDER(srcu-exit) and ORDER(srcu-scan): unlocks with acquire, then locks.
 */
static uint64_t inside(struct mmun_srcu *sp, unsigned int bank)
{
	uint64_t unlocks, locks;

	if (MMUN_BREAK_SRCU_SCAN) {
		locks = sum(sp, offsetof(struct mmun_srcu_slot, lock[bank]));
		return locks - sum(sp, offsetof(struct mmun_srcu_slot,
						unlock[bank]));
	}
	unlocks = sum(sp, offsetof(struct mmun_srcu_slot, unlock[bank]));
	locks = sum(sp, offsetof(struct mmun_srcu_slot, lock[bank]));
	return locks - unlocks;
}

bool mmun_srcu_have_left(struct mmun_srcu *sp)
{
	return !inside(sp, 0) && !inside(sp, 1);
}

/*
 * The waiter's own are counted after the scan: they can only have become fewer,
 * so that nobody else's section passes for one of them.
 */
static bool bank_is_empty(struct mmun_srcu *sp, unsigned int bank)
{
	uint64_t n = inside(sp, bank);

	return !n || (sp->own && n <= sp->own(sp->own_arg, bank));
}

/* ORDER(srcu-enter): pairs with mmun_srcu_read_lock(). */
void mmun_srcu_order_readers(void)
{
	if (MMUN_BREAK_SRCU_ENTER)
		return;
	mmun_fence();
	if (flavor.ncpus)
		barrier_all_threads();
}

/*
 * A sandbox has forbidden it since.  Nobody's check succeeds any more, and those who are
 * between theirs and the addition, two instructions, are given a millisecond: once.
 */
static __attribute__((noinline)) void end_checks(void)
{
	struct timespec ts;

	mmun_rseq_check_nothing();
	mmun_srcu_order_readers();
	mmun_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	while (mmun_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts,
			    NULL))
		;
	mmun_write(&flavor.restarts, 0);
}

/* ORDER(cache-counts): pairs with mmun_this_cpu_add_if(). */
void mmun_srcu_restart_readers(void)
{
	if (MMUN_BREAK_SRCU_RESTART || !mmun_read(&flavor.restarts))
		mmun_srcu_order_readers();
	else if (mmun_unlikely(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)))
		end_checks();
}

/* One step, under gp_lock.  Return: was there anything to do? */
static bool advance(struct mmun_srcu *sp)
{
	uint32_t entered = sp->idx;

	switch (sp->gp_state) {
	case GP_IDLE:
	case GP_STARTING:
		mmun_srcu_order_readers();
		sp->gp_state = GP_DRAIN_OTHER;
		return true;
	case GP_DRAIN_OTHER:
		/* ORDER(srcu-bank): readers that were late are in here. */
		if (!MMUN_BREAK_SRCU_BANK && !bank_is_empty(sp, !entered))
			return false;
		mmun_write(&sp->idx, !entered);
		sp->gp_state = GP_DRAIN_OLD;
		return true;
	default:
		if (!bank_is_empty(sp, !entered))
			return false;
		sp->gp_seq++;
		sp->gp_state = GP_IDLE;
		return true;
	}
}

static bool reached(uint64_t seq, uint64_t target)
{
	return (int64_t)(seq - target) >= 0;
}

/* One that is under way may have begun before the caller unlinked. */
static uint64_t target_locked(struct mmun_srcu *sp)
{
	return sp->gp_seq + (sp->gp_state == GP_IDLE ? 1 : 2);
}

static bool poll_locked(struct mmun_srcu *sp, uint64_t target)
{
	while (!reached(sp->gp_seq, target))
		if (!advance(sp))
			return false;
	return true;
}

uint64_t mmun_srcu_gp_target(struct mmun_srcu *sp)
{
	uint64_t target;

	mmun_lock(&sp->gp_lock);
	target = target_locked(sp);
	mmun_unlock(&sp->gp_lock);
	return target;
}

bool mmun_srcu_gp_poll(struct mmun_srcu *sp, uint64_t target)
{
	bool complete;

	mmun_lock(&sp->gp_lock);
	complete = poll_locked(sp, target);
	mmun_unlock(&sp->gp_lock);
	return complete;
}

/* Most sections last well under a microsecond, a few sleep: spin, then sleep. */
static void back_off(unsigned int round)
{
	if (round < 200) {
		mmun_cpu_relax();
	} else if (round < 220) {
		sched_yield();
	} else {
		long us = round < 260 ? 20 : round < 300 ? 100 : 1000;
		struct timespec ts = { .tv_nsec = us * 1000 };

		mmun_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
	}
}

/* Under gp_lock, which is let go while waiting. */
static void wait_locked(struct mmun_srcu *sp, uint64_t target)
{
	for (unsigned int round = 0; !poll_locked(sp, target); round++) {
		mmun_unlock(&sp->gp_lock);
		back_off(round);
		mmun_lock(&sp->gp_lock);
	}
}

void mmun_srcu_synchronize(struct mmun_srcu *sp)
{
	mmun_lock(&sp->gp_lock);
	wait_locked(sp, target_locked(sp));
	mmun_unlock(&sp->gp_lock);
}

void mmun_srcu_synchronize_except(struct mmun_srcu *sp,
				  uint32_t (*own)(void *arg, unsigned int bank),
				  void *arg)
{
	mmun_lock(&sp->gp_lock);
	sp->own = own;
	sp->own_arg = arg;
	wait_locked(sp, target_locked(sp));
	sp->own = NULL;
	mmun_unlock(&sp->gp_lock);
}

/* -- domains -- */

static void add_domain(struct mmun_srcu *sp)
{
	struct mmun_sigmask saved;

	sp->ncpus = flavor.ncpus;
	sp->nslots = flavor.ncpus + MMUN_SRCU_STRIPES;
	sp->refs = 1;
	mmun_lock_save(&domains.lock, &saved);
	sp->next = domains.head;
	if (sp->next)
		sp->next->prev = sp;
	domains.head = sp;
	mmun_unlock_restore(&domains.lock, &saved);
}

void mmun_srcu_init_static(struct mmun_srcu *sp)
{
	flavor_init();
	sp->is_static = true;
	add_domain(sp);
}

void mmun_srcu_set_owner(struct mmun_srcu *sp, void *owner)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&domains.lock, &saved);
	sp->owner = owner;
	mmun_unlock_restore(&domains.lock, &saved);
}

struct mmun_srcu *mmun_srcu_create(void)
{
	struct mmun_srcu *sp;
	size_t size;

	flavor_init();
	size = sizeof(*sp) + (flavor.ncpus + MMUN_SRCU_STRIPES) *
				     sizeof(struct mmun_srcu_slot);
	sp = aligned_alloc(64, size);
	if (!sp)
		return NULL;
	memset(sp, 0, size);
	add_domain(sp);
	return sp;
}

void mmun_srcu_ref(struct mmun_srcu *sp)
{
	mmun_fetch_add(&sp->refs, 1);
}

/* Under the list's lock, where its walkers take references.  Return: the last? */
static bool unref_locked(struct mmun_srcu *sp)
{
	if (mmun_fetch_sub(&sp->refs, 1) != 1)
		return false;
	if (sp->prev)
		sp->prev->next = sp->next;
	else
		domains.head = sp->next;
	if (sp->next)
		sp->next->prev = sp->prev;
	return !sp->is_static;
}

void mmun_srcu_unref(struct mmun_srcu *sp)
{
	uint32_t refs = mmun_read(&sp->refs);
	struct mmun_sigmask saved;
	bool last;

	while (refs > 1)
		if (mmun_cas(&sp->refs, &refs, refs - 1))
			return;
	mmun_lock_save(&domains.lock, &saved);
	last = unref_locked(sp);
	mmun_unlock_restore(&domains.lock, &saved);
	if (last)
		free(sp);
}

void mmun_srcu_free(struct mmun_srcu *sp)
{
	/* Somebody may still wait on the domain; its owner is gone. */
	mmun_srcu_set_owner(sp, NULL);
	mmun_srcu_unref(sp);
}

/* -- all of them -- */

/*
 * Looking at the list blocks no signals, which would cost more than the rest.  A
 * handler that forks meanwhile finds that its own thread has the lock.
 */
static __thread bool looking __attribute__((tls_model("initial-exec")));

static void look_lock(void)
{
	mmun_write(&looking, true);
	mmun_barrier();
	mmun_lock(&domains.lock);
}

static void look_unlock(void)
{
	mmun_unlock(&domains.lock);
	mmun_barrier();
	mmun_write(&looking, false);
}

/* The next with an owner, or the first; moves the walker's reference. */
static struct mmun_srcu *next_domain(struct mmun_srcu *sp)
{
	struct mmun_srcu *next;

	look_lock();
	next = sp ? sp->next : domains.head;
	while (next && !next->owner)
		next = next->next;
	if (next)
		mmun_srcu_ref(next);
	look_unlock();
	if (sp)
		mmun_srcu_unref(sp);
	return next;
}

static void each_owned(void (*fn)(struct mmun_srcu *sp))
{
	look_lock();
	for (struct mmun_srcu *sp = domains.head; sp; sp = sp->next) {
		if (!sp->owner)
			continue;
		mmun_lock(&sp->gp_lock);
		fn(sp);
		mmun_unlock(&sp->gp_lock);
	}
	look_unlock();
}

static void want_one(struct mmun_srcu *sp)
{
	sp->all_target = target_locked(sp);
	if (sp->gp_state == GP_IDLE)
		sp->gp_state = GP_STARTING;
}

/* Still the one that was wanted?  Then the readers have been ordered since. */
static void have_started(struct mmun_srcu *sp)
{
	if (sp->gp_state == GP_STARTING && sp->all_target == sp->gp_seq + 1)
		sp->gp_state = GP_DRAIN_OTHER;
}

void mmun_srcu_synchronize_all(void)
{
	mmun_lock(&all_lock);
	each_owned(want_one);
	mmun_srcu_order_readers();
	each_owned(have_started);
	mmun_unlock(&all_lock);
	for (struct mmun_srcu *sp = next_domain(NULL); sp; sp = next_domain(sp)) {
		mmun_lock(&sp->gp_lock);
		/* Of a later caller, perhaps: that is after ours. */
		wait_locked(sp, sp->all_target);
		mmun_unlock(&sp->gp_lock);
		mmun_srcu_barrier(sp);
	}
}

/* -- fork -- */

/* In a signal handler over look_lock() this thread has the lock already. */
void mmun_srcu_fork_prepare(void)
{
	struct mmun_sigmask saved;

	mmun_block_signals(&saved);
	if (!looking)
		mmun_lock(&domains.lock);
	domains.saved = saved;
}

void mmun_srcu_fork_each(void (*fn)(struct mmun_srcu *sp))
{
	for (struct mmun_srcu *sp = domains.head; sp; sp = sp->next)
		fn(sp);
}

void mmun_srcu_fork_done(void)
{
	struct mmun_sigmask saved = domains.saved;

	if (!looking)
		mmun_unlock(&domains.lock);
	mmun_restore_signals(&saved);
}

/* The parent's other threads are gone, and their sections with them. */
static void forget_readers(struct mmun_srcu *sp)
{
	memset(sp->slots, 0, sp->nslots * sizeof(sp->slots[0]));
	sp->gp_lock.word = 0;
	sp->gp_state = GP_IDLE;
	sp->own = NULL;
}

void mmun_srcu_fork_child(void)
{
	all_lock.word = 0;
	barrier_lock.word = 0;
	flavor.lock.word = 0;
	mmun_srcu_fork_each(forget_readers);
	if (flavor.ncpus)
		membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	if (flavor.restarts)
		membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
}

void mmun_srcu_reenter(struct mmun_srcu *sp, unsigned int bank)
{
	mmun_srcu_enter_stripe(sp, bank);
}
