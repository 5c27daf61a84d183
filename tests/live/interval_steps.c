// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A signal handler at any instruction of a range, start and end, of an address
 * space with interval notifiers: it may do whatever it likes.  The processor stops
 * at one instruction after the other; at the n-th the handler does its deed, and
 * the rest goes undisturbed; for one n after the other, with a stride, until there
 * is none.  Where the stride begins depends on the time.
 *
 * Restartable sequences would start again for ever: MMUNOTIFY_SRCU=atomic.
 */
#include <time.h>
#include <ucontext.h>

#include <mmunotify/interval_notifier.h>

#include "live.h"

#define TRAP_FLAG 0x100

static struct mm_struct *mm;

struct interval {
	struct mmu_interval_notifier sub;
	atomic_int hits;
};
static struct interval stays, moves, comes;

static bool on_hit(struct mmu_interval_notifier *sub,
		   const struct mmu_notifier_range *range, unsigned long seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	atomic_fetch_add(&((struct interval *)sub)->hits, 1);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = on_hit };

static void insert(struct interval *i, unsigned long first, unsigned long nr)
{
	if (mmu_interval_notifier_insert(&i->sub, mm, first * PAGE, nr * PAGE,
					 &ops))
		bail("insert");
}

static void invalidate(unsigned long first, unsigned long nr)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, first * PAGE,
				(first + nr) * PAGE);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

/* -- another thread, which does what it is told -- */

static struct {
	pthread_t thread;
	atomic_int asked, done;
	void (*_Atomic deed)(void);
} other;

static void *obey(void *arg)
{
	for (int n = 1;; n++) {
		while (atomic_load(&other.asked) < n)
			sched_yield();
		atomic_load(&other.deed)();
		atomic_store(&other.done, n);
	}
	return arg;
}

static void ask_other(void (*deed)(void))
{
	atomic_store(&other.deed, deed);
	atomic_fetch_add(&other.asked, 1);
}

static void wait_for_other(void)
{
	while (atomic_load(&other.done) < atomic_load(&other.asked))
		sched_yield();
}

/* -- deeds -- */

static void nested_range(void)
{
	invalidate(0, 8);
}

static void insert_and_invalidate(void)
{
	insert(&comes, 1, 1);
	invalidate(0, 8);
}

static void let_other_insert(void)
{
	ask_other(insert_and_invalidate);
	wait_for_other();
}

/* It waits for us who look, and so we must not wait for it. */
static void move(void)
{
	mmu_interval_notifier_remove(&moves.sub);
	insert(&moves, 16, 4);
}

static void let_other_move(void)
{
	ask_other(move);
	for (int i = 0; i < 20; i++)
		sched_yield();
}

static void fork_there(void)
{
	pid_t pid = fork();

	if (!pid)
		raw3(SYS_exit_group, 0, 0, 0);
	reap(pid);
}

struct deed {
	void (*what)(void);
	const char *claim;
	int hits;
	int stride;		/* instructions from one to the next */
};

/* -- stepping -- */

static void (*deed)(void);
static int step, deed_at;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (++step < deed_at)
		return;
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	deed();
}

/* Below the red zone. */
#define SET_TRAP_FLAG "lea -128(%%rsp), %%rsp\n\tpushfq\n\t"                   \
	"orq $0x100, (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp"
#define CLEAR_TRAP_FLAG "lea -128(%%rsp), %%rsp\n\tpushfq\n\t"                 \
	"andq $~0x100, (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp"

static __attribute__((noinline)) void stepwise(struct mmu_notifier_range *range)
{
	__asm__ volatile(SET_TRAP_FLAG ::: "memory", "cc");
	mmu_notifier_invalidate_range_start(range);
	mmu_notifier_invalidate_range_end(range);
	__asm__ volatile(CLEAR_TRAP_FLAG ::: "memory", "cc");
}

/* Return: was there an n-th instruction? */
static bool range_with_deed(unsigned long first, int n)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, first * PAGE,
				(first + 4) * PAGE);
	step = 0;
	deed_at = n;
	stepwise(&range);
	wait_for_other();
	return step >= n;
}

/* As if nothing had happened: nobody waits, and a range hits, and is over. */
static bool all_is_well(void)
{
	unsigned long seq = mmu_interval_read_begin(&stays.sub);
	int hits = atomic_load(&stays.hits);

	if (mmu_interval_read_retry(&stays.sub, seq))
		return false;
	invalidate(0, 1);
	return atomic_load(&stays.hits) == hits + 1 &&
	       mmu_interval_read_begin(&stays.sub) > seq;
}

static void try_deed(const struct deed *d, unsigned long first,
		     int hits_of_outer)
{
	bool right = true, more = true;
	int n = 1 + time(NULL) % d->stride, hits = 0;

	deed = d->what;
	for (; more && right; n += d->stride) {
		atomic_store(&stays.hits, 0);
		more = range_with_deed(first, n);
		if (comes.sub.mm) {
			mmu_interval_notifier_remove(&comes.sub);
			comes.sub.mm = NULL;
		}
		hits = atomic_load(&stays.hits);
		right = hits == hits_of_outer + (more ? d->hits : 0) &&
			all_is_well();
	}
	ok(right && n > 100, "%s, at one in %d instructions of a %s", d->claim,
	   d->stride, hits_of_outer ? "hit" : "miss");
	diag("%d instructions, the last with %d hits", n - d->stride, hits);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	const struct deed deeds[] = {
		{ nested_range, "a range in a handler", 1, 2 },
		{ let_other_insert, "a handler that waits for who inserts", 1, 5 },
		{ let_other_move, "a handler amid a removal", 0, 5 },
		{ fork_there, "fork() in a handler", 0, 11 },
	};

	tap_begin(55);
	if (strcmp(mmun_srcu_flavor(), "atomic"))
		bail("MMUNOTIFY_SRCU=atomic");
	sigaction(SIGTRAP, &sa, NULL);
	mm = mm_alloc();
	insert(&stays, 0, 4);
	insert(&moves, 16, 4);
	if (pthread_create(&other.thread, NULL, obey, NULL))
		bail("no thread");
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		try_deed(&deeds[i], 0, 1);
		try_deed(&deeds[i], 8, 0);
	}
	mmu_interval_notifier_remove(&stays.sub);
	mmu_interval_notifier_remove(&moves.sub);
	ok(mmun_mm_count(mm) == 1, "and mm_count is back at 1");
	return tap_end();
}
