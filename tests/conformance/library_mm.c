// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Address spaces as the trace names them, and gates. */
#include <stdio.h>
#include <time.h>

#include "base/syscall.h"
#include "library.h"

/* -- address spaces -- */

#define NR_WATCHED 16

static struct mm_struct *watched[NR_WATCHED];
static atomic_uint nr_watched;
static atomic_int blocked_in[NR_WATCHED + 1];
struct mm_struct *bridged_mm;

void watch_mm(struct mm_struct *mm)
{
	unsigned int nr = atomic_load(&nr_watched);

	for (unsigned int i = 0; i < nr; i++)
		if (watched[i] == mm)
			return;
	if (nr == NR_WATCHED)
		return;
	watched[nr] = mm;
	atomic_store(&nr_watched, nr + 1);
}

static unsigned int mm_id(const struct mm_struct *mm)
{
	unsigned int nr = atomic_load(&nr_watched);

	for (unsigned int i = 0; i < nr; i++)
		if (watched[i] == mm)
			return i + 1;
	return 0;
}

struct mm_text mm_text(struct mm_struct *mm)
{
	struct mm_text ret;

	unsigned int users = mmun_mm_users(mm);
	/* The bridge's; and that of all users, which mm_self() never gives up. */
	unsigned int own = mm == bridged_mm || (mm == mm_self() && !users);

	snprintf(ret.text, sizeof(ret.text), " mm%u mu=%u mc=%u", mm_id(mm),
		 users, mmun_mm_count(mm) - own);
	return ret;
}

const char *event_name(enum mmu_notifier_event event)
{
	static const char *const names[] = {
		"UNMAP", "CLEAR", "PROT_VMA", "PROT_PAGE", "SOFT_DIRTY",
		"RELEASE", "MIGRATE", "EXCLUSIVE",
	};

	return event < sizeof(names) / sizeof(*names) ? names[event] : "EV?";
}

bool is_ours(const struct mmu_notifier_range *range)
{
	const unsigned long end = REGION_BASE + NR_REGIONS * REGION_SIZE;

	/* The runner's own memory comes and goes, too. */
	return (range->start < end && range->end > REGION_BASE) ||
	       range->start >= -PAGE || range->end <= PAGE;
}

/* -- gates -- */

__thread atomic_bool *in_gate;

void gate_close(struct gate *gate)
{
	atomic_store(&gate->open, 0);
}

void gate_open(struct gate *gate)
{
	atomic_store(&gate->open, 1);
	mmun_futex_wake((uint32_t *)&gate->open);
}

void gate_wait(struct gate *gate, struct mm_struct *mm)
{
	unsigned int id = mm ? mm_id(mm) : 0;

	atomic_fetch_add(&blocked_in[id], 1);
	if (in_gate)
		atomic_store(in_gate, true);
	while (!atomic_load(&gate->open))
		mmun_futex_wait((uint32_t *)&gate->open, 0, 0);
	if (in_gate)
		atomic_store(in_gate, false);
	atomic_fetch_sub(&blocked_in[id], 1);
}

bool gate_holds(const struct mm_struct *mm)
{
	return atomic_load(&blocked_in[mm_id(mm)]);
}

void mms_reset(void)
{
	atomic_store(&nr_watched, 0);
}

long now_in_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
