// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One thread changes a page through libc, another one by instruction, in the same
 * moment: userfaultfd's event of the second may be dropped, as the first has been
 * told, and is in flight.  A third enters what the page holds, as a mirror does:
 * not while a range is in flight, nor if one was since it began; and what it had
 * it has again when nothing has changed.
 *
 * In turn both drop the page; or it is replaced by instruction, while through libc
 * somebody fails to move it.  It is only written to while it is zero, so that it
 * has one number until it dies.
 *
 * ORDER(bracket-slot): no entry may survive the return of the raw call that
 * killed what it is about; and in the end it is what the page holds.
 *
 *	uffd-bracket [RULE to break] [seed]
 */
#include "mutant.h"
#include "uffd.h"

#define ROUNDS 20000

static _Atomic uint64_t *page;
static _Atomic uint64_t number;		/* the last one given */
static uint64_t seed;

/* -- the mirror -- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long events;		/* under lock, as what follows */
static int in_flight;
static uint64_t entry, entry_before;

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	(void)mn;
	pthread_mutex_lock(&lock);
	events++;
	entry_before = in_flight++ ? 0 : entry;
	if (range->start < (unsigned long)page + PAGE &&
	    range->end > (unsigned long)page)
		entry = 0;
	pthread_mutex_unlock(&lock);
	return 0;
}

static void on_end(struct mmu_notifier *mn,
		   const struct mmu_notifier_range *range)
{
	(void)mn;
	pthread_mutex_lock(&lock);
	if (!--in_flight && range->flags & MMUN_RANGE_UNCHANGED)
		entry = entry_before;
	pthread_mutex_unlock(&lock);
}

static uint64_t look_up(void)
{
	uint64_t found;

	settle();
	pthread_mutex_lock(&lock);
	found = entry;
	pthread_mutex_unlock(&lock);
	return found;
}

static void enter(void)
{
	uint64_t new = atomic_fetch_add(&number, 1) + 1, held = 0;
	unsigned long before;
	bool may;

	pthread_mutex_lock(&lock);
	before = events;
	may = !entry && !in_flight;
	pthread_mutex_unlock(&lock);
	if (!may)
		return;
	if (atomic_compare_exchange_strong(page, &held, new))
		held = new;
	pthread_mutex_lock(&lock);
	if (events == before)
		entry = held;
	pthread_mutex_unlock(&lock);
}

/* -- others, who make a range last before its start is told, and after its end -- */

static void last(const struct mmu_notifier_range *range)
{
	const int most = broken_name ? 100000 : 20000;

	if (!(range->flags & MMUN_RANGE_AFTER))
		for (volatile int i = 0; i < most; i++)
			;
}

static int last_before(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	if (range->event == MMU_NOTIFY_UNMAP)
		last(range);
	return 0;
}

static void last_after(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	if (range->event == MMU_NOTIFY_UNMAP)
		last(range);
}

/* In this order: the newest is called first. */
static const struct mmu_notifier_ops ops[] = {
	{ .invalidate_range_end = last_after },
	{ .invalidate_range_start = on_start, .invalidate_range_end = on_end },
	{ .invalidate_range_start = last_before },
};
static struct mmu_notifier mn[3];

/* -- the threads -- */

static pthread_barrier_t begin, end;
static atomic_int changing;		/* so many have yet to */
static bool replacing;			/* in this round; or else dropping */
static atomic_bool over;

static bool begins(void)
{
	pthread_barrier_wait(&begin);
	return !atomic_load(&over);
}

static void *enter_always(void *unused)
{
	while (begins()) {
		while (atomic_load(&changing))
			enter();
		pthread_barrier_wait(&end);
	}
	return unused;
}

static void *change_through_libc(void *unused)
{
	while (begins()) {
		if (!replacing)
			madvise(page, PAGE, MADV_DONTNEED);
		else if (mremap(page, PAGE, 1UL << 56, MREMAP_MAYMOVE) !=
			 MAP_FAILED)
			bail("mremap");
		atomic_fetch_sub(&changing, 1);
		pthread_barrier_wait(&end);
	}
	return unused;
}

static void change_by_instruction(void)
{
	const unsigned int most = replacing ? 50000 : 2000;
	volatile unsigned int delay;

	seed = seed * 6364136223846793005 + 1442695040888963407;
	for (delay = (seed >> 33) % most; delay; delay--)
		;
	if (!replacing)
		raw3(SYS_madvise, (long)page, PAGE, MADV_DONTNEED);
	else if (raw(SYS_mmap, (long)page, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (long)page)
		bail("mmap");
}

/* Return: is anything found that is dead? */
static bool one_round(int n)
{
	uint64_t before;
	bool stale;

	replacing = n % 2;
	atomic_store(&changing, 2);
	enter();
	before = atomic_load(page);
	pthread_barrier_wait(&begin);
	change_by_instruction();
	stale = look_up() == before;
	atomic_fetch_sub(&changing, 1);
	pthread_barrier_wait(&end);
	/* What has replaced it is watched from now on. */
	mmun_coverage(mm_self(), (unsigned long)page, (unsigned long)page + PAGE);
	return stale || (look_up() && look_up() != atomic_load(page));
}

static void set_up(struct mmun_watch *watch, pthread_t threads[2])
{
	for (int i = 0; i < 3; i++) {
		mn[i].ops = &ops[i];
		if (mmu_notifier_register(&mn[i], mm_self()))
			bail("register");
	}
	page = (_Atomic uint64_t *)watched(watch, 1);
	atomic_store(page, 0);
	pthread_barrier_init(&begin, NULL, 3);
	pthread_barrier_init(&end, NULL, 3);
	if (pthread_create(&threads[0], NULL, enter_always, NULL) ||
	    pthread_create(&threads[1], NULL, change_through_libc, NULL))
		bail("no thread");
}

int main(int argc, char **argv)
{
	const char *claim = "an event that is dropped is told by another's range";
	struct mmun_watch watch;
	pthread_t threads[2];
	bool stale = false;
	int n = 0;

	tap_begin(50);
	break_rule(&argc, &argv);
	if (!source_runs())
		return tap_end();
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	set_up(&watch, threads);
	while (!stale && has_time(n, ROUNDS))
		stale = one_round(n++);
	atomic_store(&over, true);
	pthread_barrier_wait(&begin);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	if (broken_name)
		rule(!stale, claim);
	else
		ok_by_entries(!stale, claim);
	diag("%d rounds", n);
	mmun_unwatch(&watch);
	for (int i = 0; i < 3; i++)
		mmu_notifier_unregister(&mn[i], mm_self());
	return tap_end();
}
