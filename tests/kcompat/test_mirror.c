// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The driver mirror.c: interval notifiers. */
#include "memory.h"
#include "waits.h"
#include "mirror.h"

static void fault(void *mirror)
{
	if (mirror_fault(mirror))
		bail("a fault fails");
}

static void destroy(void *mirror)
{
	mirror_destroy(mirror);
}

static void test_range(void)
{
	struct memory *m = &memory[0];
	struct mmu_notifier_range range;
	struct mirror *mirror;
	struct job job;

	mmun_kcompat_use_mm(m->mm);
	ok(PTR_ERR(mirror_create(memory_addr(1), 0)) == -EOVERFLOW,
	   "an empty mirror is refused");
	mmun_kcompat_fail_alloc(0);
	ok(PTR_ERR(mirror_create(memory_addr(1), 1)) == -ENOMEM,
	   "an allocation that fails is told");
	mmun_kcompat_fail_alloc(-1);
	mirror = mirror_create(memory_addr(4), 4);
	ok(!IS_ERR(mirror) && !mirror_look(mirror, memory_addr(4)),
	   "a mirror is empty at first");
	ok(!mirror_fault(mirror) &&
		   mirror_look(mirror, memory_addr(7)) == memory_number(m, 7),
	   "the device sees the memory");
	memory_replace(m, 0, 5);
	ok(!mirror_look(mirror, memory_addr(4)) &&
		   mirror_look(mirror, memory_addr(5)),
	   "it forgets what is in the range, and no more");
	memory_replace(m, 0, 4);
	ok(mirror_look(mirror, memory_addr(5)), "nothing of what is beside it");

	memory_range(m, &range, 5, 1);
	mmu_notifier_invalidate_range_start(&range);
	start_job(&job, fault, mirror);
	ok(job_waits(&job), "a fault waits for the end of a range that hits");
	mmu_notifier_invalidate_range_end(&range);
	finish_job(&job);
	ok(mirror_look(mirror, memory_addr(5)) == memory_number(m, 5),
	   "and then succeeds");

	WRITE_ONCE(memory_disturb, 1);
	ok(!mirror_fault(mirror) && mirror_retries() == 1 &&
		   mirror_look(mirror, memory_addr(5)) == memory_number(m, 5),
	   "one that comes in the middle is noticed");

	memory_range(m, &range, 5, 1);
	mmu_notifier_invalidate_range_start(&range);
	start_job(&job, destroy, mirror);
	ok(job_waits(&job), "so does who removes it");
	mmu_notifier_invalidate_range_end(&range);
	finish_job(&job);
}

static void test_exit(void)
{
	struct memory *m = &memory[1];
	struct mirror *mirror;

	memory_init(m);
	mmun_kcompat_use_mm(m->mm);
	mirror = mirror_create(memory_addr(0), MEMORY_PAGES);
	mirror_fault(mirror);
	memory_exit(m);
	ok(!mirror_look(mirror, memory_addr(3)),
	   "the end of a process hits all");
	ok(mirror_fault(mirror) == -EFAULT, "and nothing is mirrored any more");
	mirror_destroy(mirror);
}

/* -- all at once -- */

#define ROUNDS 1000

static int stale, refused, changing;
static struct mirror *shared;

/* Mirrors come and go beside the one that all use. */
static void *device(void *arg)
{
	uint64_t seed = my_tid();

	(void)arg;
	mmun_kcompat_use_mm(memory[0].mm);
	while (READ_ONCE(changing)) {
		int first = next_random(&seed) % MEMORY_PAGES;
		int n = 1 + next_random(&seed) % (MEMORY_PAGES - first);
		struct mirror *mine = mirror_create(memory_addr(first), n);

		if (IS_ERR(mine) || mirror_fault(mine) || mirror_fault(shared))
			bail("a mirror fails");
		mirror_look(mine, memory_addr(first + n - 1));
		mirror_destroy(mine);
	}
	return NULL;
}

static void test_storm(void)
{
	struct memory *m = &memory[0];
	pthread_t devices[2];
	uint64_t seed = 4711;

	mmun_kcompat_use_mm(m->mm);
	shared = mirror_create(memory_addr(0), MEMORY_PAGES);
	WRITE_ONCE(changing, 1);
	for (int i = 0; i < 2; i++)
		spawn(&devices[i], device, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		int first = next_random(&seed) % MEMORY_PAGES;
		int n = 1 + next_random(&seed) % (MEMORY_PAGES - first);

		if (next_random(&seed) % 4)
			memory_replace(m, first, n);
		else if (!memory_replace_nonblock(m, first, n))
			refused++;
		for (int j = 0; j < MEMORY_PAGES; j++) {
			unsigned long seen = mirror_look(shared,
							 memory_addr(j));

			if (seen && seen != memory_number(m, j))
				stale++;
		}
	}
	WRITE_ONCE(changing, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(devices[i], NULL);
	mirror_destroy(shared);
	diag("%lu retries, %d ranges refused", mirror_retries(), refused);
	ok(!stale, "nothing stale is seen by the device");
}

int main(void)
{
	tap_begin(100);
	memory_init(&memory[0]);
	test_range();
	test_exit();
	test_storm();
	memory_exit(&memory[0]);
	ok(!mmun_kcompat_warnings(), "no warning");
	return tap_end();
}
