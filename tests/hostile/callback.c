// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A callback that unmaps: while the memory that it is told of goes away, by libc
 * and past it, watched and not.  Who tells of it must not wait for itself.
 */
#include "live.h"

#define NR_PAIRS 200

static char *mine[2 * NR_PAIRS];
static int nr_mine;
static __thread bool inside;
static atomic_int told;
static atomic_bool right;

static void unmap_one(const struct mmu_notifier_range *range)
{
	atomic_fetch_add(&told, 1);
	if (inside || nr_mine == 2 * NR_PAIRS)
		return;
	(void)range;
	inside = true;
	if (munmap(mine[nr_mine++], PAGE))
		atomic_store(&right, false);
	inside = false;
}

static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	(void)mn;
	unmap_one(range);
	return 0;
}

static void end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	unmap_one(range);
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = start,
	.invalidate_range_end = end,
};
static struct mmu_notifier unmapper = { .ops = &ops };

/* Each page a mapping of its own, with a hole to the next. */
static char *separate_page(char *from, int i)
{
	char *p = from + 2 * i * PAGE;

	drop(p + PAGE, 1);
	return p;
}

static void make_mine(bool watched)
{
	static struct mmun_watch watch;
	char *all = pages(4 * NR_PAIRS);

	for (nr_mine = 0; nr_mine < 2 * NR_PAIRS; nr_mine++)
		mine[nr_mine] = separate_page(all, nr_mine);
	nr_mine = 0;
	if (watched && mmun_watch(&watch, mm_self(), (unsigned long)all,
				  (unsigned long)all + 4 * NR_PAIRS * PAGE))
		bail("watch");
}

/* Unmap with a callback that unmaps at the start and at the end. */
static int unmap_pairs(bool watched, bool past_libc)
{
	char *p = pages(2 * NR_PAIRS);
	static struct mmun_watch watch;

	make_mine(watched);
	if (watched && mmun_watch(&watch, mm_self(), (unsigned long)p,
				  (unsigned long)p + 2 * NR_PAIRS * PAGE))
		bail("watch");
	atomic_store(&right, true);
	if (mmu_notifier_register(&unmapper, mm_self()))
		return 1;
	for (int i = 0; i < NR_PAIRS; i++) {
		if (past_libc)
			drop(p + 2 * i * PAGE, 1);
		else
			munmap(p + 2 * i * PAGE, PAGE);
	}
	mmun_settle(mm_self());
	if (!atomic_load(&right) || nr_mine != 2 * NR_PAIRS)
		return 2;
	/* Of each, and of what its start and its end unmapped. */
	return atomic_load(&told) == 6 * NR_PAIRS ? 0 : 3;
}

static void child(bool watched, bool past_libc, const char *claim)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(15);
		_exit(unmap_pairs(watched, past_libc));
	}
	status = reap(pid);
	if (!ok(!status, "%s", claim))
		diag("exit status %d", status);
}

int main(void)
{
	tap_begin(60);
	child(false, false, "a callback unmaps, and is told of that too");
	child(true, false, "what it unmaps is watched, as what it is told of");
	child(true, true, "what it is told of goes past libc");
	return tap_end();
}
