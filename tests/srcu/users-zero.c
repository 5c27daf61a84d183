// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ORDER(users-zero): the last put against a get.
 *
 *	left				right
 *	write own field			get
 *	put, the last one		... found the old one: freed meanwhile?
 *					write own field, put
 *
 * [Forbidden: the notifier is freed while the get holds it; or the free does
 * not see what a user wrote before its put.]
 */
#include <mmunotify/mmu_notifier.h>

#include "litmus.h"

struct shared {
	struct mmu_notifier mn;
	uint64_t by_left, by_right;	/* plain: the puts order them */
	bool got;
	uint64_t freed;
};

static struct mm_struct *mm;
static struct shared pool[64];		/* never given back to malloc() */
static unsigned int next_in_pool;
static struct shared *present;
static uint64_t stale;			/* frees that missed a user, or his write */

static struct mmu_notifier *take_from_pool(struct mm_struct *unused)
{
	struct shared *s = &pool[next_in_pool++ % 64];

	(void)unused;
	memset(s, 0, sizeof(*s));
	return &s->mn;
}

static void note_free(struct mmu_notifier *mn)
{
	struct shared *s = (struct shared *)mn;

	if (s == present && (!s->by_left || s->got != (s->by_right == 1)))
		mmun_fetch_add(&stale, 1);
	mmun_store_release(&s->freed, 1);
}

static const struct mmu_notifier_ops ops = {
	.alloc_notifier = take_from_pool,
	.free_notifier = note_free,
};

/* All is put and freed: whoever was counted has been taken off again. */
static void make(uint64_t round)
{
	mmu_notifier_synchronize();
	if (present && mmun_read(&present->mn.users))
		mmun_fetch_add(&stale, 1);
	present = (struct shared *)mmu_notifier_get(&ops, mm);
	if (IS_ERR(present))
		bail("get in round %llu: %ld", (unsigned long long)round,
		     PTR_ERR(present));
}

static void put_last(uint64_t round)
{
	present->by_left = round;
	mmu_notifier_put(&present->mn);
}

static bool get(uint64_t round)
{
	struct shared *s = (struct shared *)mmu_notifier_get(&ops, mm);
	bool forbidden = false;

	if (IS_ERR(s))
		bail("get in round %llu: %ld", (unsigned long long)round,
		     PTR_ERR(s));
	if (s == present) {
		s->got = true;
		for (int i = 0; i < 300 && !forbidden; i++) {
			forbidden = mmun_load_acquire(&s->freed);
			mmun_cpu_relax();
		}
		s->by_right = 1;
	}
	mmu_notifier_put(&s->mn);
	return forbidden || mmun_read(&stale);
}

int main(int argc, char **argv)
{
	mm = mm_alloc();
	if (!mm)
		bail("out of memory");
	return litmus(argc, argv,
		      "[S11] users-zero: what a get returned is not freed by the last put before it",
		      make, put_last, get);
}
