// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "subscriber.h"

#define ALIVE 0xa11fe
#define POISON 0xdead

const char *const violation_names[VIOLATIONS] = {
	[LATE_CALLBACK] = "[S36][S66] no callback after the free",
	[TOO_OLD] = "[S34] nothing is freed while it is held",
	[END_WITHOUT_START] = "[S25] no end without its start",
	[START_WITHOUT_END] = "no start without its end, for who stays",
	[MISSED_START] =
		"[S25] no range is in flight at the return of a registration whose start it missed",
	[FREED_TWICE] = "[S36] freed exactly once",
	[RELEASED_TWICE] = "[S64] released at most once",
	[NOT_RELEASED] = "[S52] the last mmput releases",
	[WRONG_RESULT] = "calls return what they must",
	[CHILD_FAILED] = "[S61] children of fork work",
};

atomic_ulong violations[VIOLATIONS];
atomic_ulong held_in_callback[AGES], held_by_user[AGES];
atomic_ulong grace_periods;
atomic_ulong allocated, freed;
atomic_ulong self_events;
uint64_t first_transient_id = UINT64_MAX;

static _Atomic uint64_t next_id = 1;
__thread struct subscriber *made_last;
static __thread unsigned int callbacks;
static __thread struct seen self_seen;

/* -- ages -- */

static unsigned int age_of(struct subscriber *sub)
{
	unsigned long since;

	if (atomic_load_explicit(&sub->state, memory_order_acquire) != ALIVE) {
		since = atomic_load(&grace_periods) -
			atomic_load(&sub->freed_at);
		return since < AGES - 3 ? 2 + since : AGES - 1;
	}
	return __atomic_load_n(&sub->mn.users, __ATOMIC_RELAXED) ? 0 : 1;
}

static void note_age(struct subscriber *sub, atomic_ulong *histogram,
		     unsigned int allowed)
{
	unsigned int age = age_of(sub);

	/* The first bucket of all threads would be one hot cache line. */
	if (age || callbacks % 64 == 0)
		atomic_fetch_add(&histogram[age], 1);
	if (age > allowed)
		violate(TOO_OLD);
}

void look_at(struct subscriber *sub)
{
	callbacks++;
	note_age(sub, held_by_user, 0);
}

/* -- life -- */

struct subscriber *new_subscriber(const struct mmu_notifier_ops *ops)
{
	struct subscriber *sub = calloc(1, sizeof(*sub));

	if (!sub)
		abort();
	sub->mn.ops = ops;
	sub->id = atomic_fetch_add(&next_id, 1);
	atomic_init(&sub->state, ALIVE);
	atomic_fetch_add(&allocated, 1);
	return sub;
}

static struct mmu_notifier *alloc_notifier(struct mm_struct *mm)
{
	(void)mm;
	made_last = new_subscriber(NULL);
	return &made_last->mn;
}

/* The last so many that were freed. */
static struct {
	pthread_mutex_t lock;
	struct subscriber *kept[512];
	unsigned int next;
} pen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void quarantine(struct subscriber *sub)
{
	struct subscriber **place;

	pthread_mutex_lock(&pen.lock);
	place = &pen.kept[pen.next++ % 512];
	free(*place);
	*place = sub;
	pthread_mutex_unlock(&pen.lock);
}

void empty_quarantine(void)
{
	for (int i = 0; i < 512; i++) {
		free(pen.kept[i]);
		pen.kept[i] = NULL;
	}
}

void subscribers_after_fork(void)
{
	pthread_mutex_init(&pen.lock, NULL);
	memset(pen.kept, 0, sizeof(pen.kept));
}

void free_subscriber(struct subscriber *sub)
{
	atomic_store(&sub->freed_at, atomic_load(&grace_periods));
	if (atomic_exchange(&sub->state, POISON) != ALIVE) {
		violate(FREED_TWICE);
		return;
	}
	atomic_fetch_add(&freed, 1);
	quarantine(sub);
}

static void free_notifier(struct mmu_notifier *mn)
{
	atomic_fetch_add(&grace_periods, 1);
	free_subscriber((struct subscriber *)mn);
}

/* -- callbacks -- */

static struct seen *seen_of(const struct mmu_notifier_range *range)
{
	if (range->mm == mm_self())
		return &self_seen;
	return &((struct torture_range *)range)->seen;
}

void forget_self_events(void)
{
	atomic_store_explicit(&self_seen.count, 0, memory_order_relaxed);
}

/* Return: the place in @seen, or MAX_SAW. */
static unsigned int find_start(const struct seen *seen, uint64_t id)
{
	unsigned int n = atomic_load_explicit(&seen->count,
					      memory_order_acquire);

	for (unsigned int i = 0; i < n && i < MAX_SAW; i++)
		if (atomic_load_explicit(&seen->id[i],
					 memory_order_relaxed) == id)
			return i;
	return MAX_SAW;
}

/* Only the thread that walks writes; others may look (saw()). */
static void note_start(struct seen *seen, uint64_t id)
{
	unsigned int n = atomic_load_explicit(&seen->count,
					      memory_order_relaxed);
	unsigned int place = find_start(seen, id);

	if (place < MAX_SAW) {
		seen->depth[place]++;
		return;
	}
	seen->depth[n % MAX_SAW] = 1;
	atomic_store_explicit(&seen->id[n % MAX_SAW], id, memory_order_relaxed);
	atomic_store_explicit(&seen->count, n + 1, memory_order_release);
}

static void note_end(struct seen *seen, uint64_t id)
{
	unsigned int place = find_start(seen, id);

	if (place == MAX_SAW)
		violate(END_WITHOUT_START);
	else if (!--seen->depth[place])
		atomic_store_explicit(&seen->id[place], 0, memory_order_relaxed);
}

bool saw(const struct seen *seen, uint64_t id)
{
	return find_start(seen, id) < MAX_SAW;
}

void check_ended(struct torture_range *r)
{
	unsigned int n = atomic_load(&r->seen.count);

	for (unsigned int i = 0; i < n && i < MAX_SAW; i++) {
		uint64_t id = atomic_load(&r->seen.id[i]);

		if (id && id < first_transient_id)
			violate(START_WITHOUT_END);
	}
}

static struct subscriber *enter_callback(struct mmu_notifier *mn)
{
	struct subscriber *sub = (struct subscriber *)mn;

	if (atomic_load_explicit(&sub->state, memory_order_acquire) != ALIVE)
		violate(LATE_CALLBACK);
	return sub;
}

/* Some stay in the section for long; some use the library in it. */
static void leave_callback(struct subscriber *sub)
{
	if (++callbacks % 512 == 0)
		sched_yield();
	if (callbacks % 256 == 1) {
		struct mmu_notifier *mn;

		mn = mmu_notifier_get(&shared_ops[0], sub->mn.mm);
		if (!IS_ERR(mn))
			mmu_notifier_put(mn);
		else if (PTR_ERR(mn) != -EDEADLK)
			violate(WRONG_RESULT);
	}
	note_age(sub, held_in_callback, 1);
}

static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	struct subscriber *sub = enter_callback(mn);

	note_start(seen_of(range), sub->id);
	if (range->mm == mm_self())
		atomic_fetch_add(&self_events, 1);
	leave_callback(sub);
	return 0;
}

static void end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct subscriber *sub = enter_callback(mn);

	note_end(seen_of(range), sub->id);
	leave_callback(sub);
}

/* Refuses, now and then, what must not block. */
static int start_or_refuse(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *range)
{
	struct subscriber *sub = enter_callback(mn);

	leave_callback(sub);
	if (mmu_notifier_range_blockable(range) || callbacks % 4)
		return 0;
	return -EAGAIN;
}

static void flush(struct mmu_notifier *mn, struct mm_struct *mm,
		  unsigned long from, unsigned long to)
{
	(void)mm, (void)from, (void)to;
	leave_callback(enter_callback(mn));
}

static bool young(struct mmu_notifier *mn, struct mm_struct *mm,
		  unsigned long address)
{
	(void)mm, (void)address;
	leave_callback(enter_callback(mn));
	return false;
}

static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct subscriber *sub = enter_callback(mn);

	(void)mm;
	if (atomic_fetch_add(&sub->released, 1))
		violate(RELEASED_TWICE);
	note_age(sub, held_in_callback, 1);
}

#define PAIRED { .invalidate_range_start = start, .invalidate_range_end = end, \
		 .release = release, .alloc_notifier = alloc_notifier,         \
		 .free_notifier = free_notifier }
#define REFUSING { .invalidate_range_start = start_or_refuse,                  \
		   .invalidate_range = flush, .test_young = young,             \
		   .release = release, .alloc_notifier = alloc_notifier,       \
		   .free_notifier = free_notifier }

const struct mmu_notifier_ops shared_ops[SHARED] = {
	PAIRED, PAIRED, PAIRED, REFUSING,	/* the anchors */
	PAIRED, PAIRED, PAIRED, PAIRED, REFUSING, PAIRED,
};
const struct mmu_notifier_ops own_ops = PAIRED;
