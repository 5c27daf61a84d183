// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The driver userptr.c: a notifier, an interval tree, a work queue. */
#include "memory.h"
#include "waits.h"
#include "userptr.h"

static void pin_object(void *obj)
{
	if (userptr_pin(obj))
		bail("it cannot be pinned");
}

static void test_range(void)
{
	struct memory *m = &memory[0];
	struct mmu_notifier_range range;
	struct userptr *a, *b;
	struct job job;

	mmun_kcompat_use_mm(m->mm);
	a = userptr_create(memory_addr(2), 3);
	b = userptr_create(memory_addr(4), 2);
	ok(!IS_ERR(a) && !IS_ERR(b) && userptr_mms() == 1,
	   "objects of one process have one notifier");
	ok(!userptr_pin(a) && !userptr_pin(b), "their pages are pinned");
	ok(userptr_look(a, 2) == memory_number(m, 4) &&
		   userptr_look(b, 0) == memory_number(m, 4),
	   "the device sees them");
	memory_replace(m, 5, 3);
	ok(userptr_look(a, 0) && !userptr_look(b, 0),
	   "who is hit is unpinned, and nobody else");
	ok(memory_replace_nonblock(m, 0, 3) && !userptr_look(a, 0),
	   "even where nobody may sleep");

	memory_range(m, &range, 5, 1);
	mmu_notifier_invalidate_range_start(&range);
	start_job(&job, pin_object, b);
	ok(job_waits(&job), "pages are not pinned in a range");
	mmu_notifier_invalidate_range_end(&range);
	finish_job(&job);
	ok(userptr_look(b, 1) == memory_number(m, 5), "but after it");
	WRITE_ONCE(memory_disturb, 1);
	ok(!userptr_pin(a) && !memory_disturb &&
		   userptr_look(a, 0) == memory_number(m, 2),
	   "one that comes in the middle is noticed");
	userptr_put(a);
	userptr_put(b);
}

static void test_errors(void)
{
	struct userptr *obj;

	mmun_kcompat_use_mm(memory[0].mm);
	for (int i = 0; i < 2; i++) {
		mmun_kcompat_fail_alloc(0);
		obj = userptr_create(memory_addr(2), 3);
		mmun_kcompat_fail_alloc(-1);
		ok(PTR_ERR(obj) == -ENOMEM, "an allocation that fails is told");
	}
	obj = userptr_create(memory_addr(MEMORY_PAGES - 1), 2);
	ok(userptr_pin(obj) == -EFAULT, "so is memory that is not there");
	userptr_put(obj);
}

static void test_exit(void)
{
	struct memory *m = &memory[1];
	struct userptr *obj;

	memory_init(m);
	mmun_kcompat_use_mm(m->mm);
	obj = userptr_create(memory_addr(0), MEMORY_PAGES);
	userptr_pin(obj);
	memory_exit(m);
	ok(!userptr_look(obj, 0), "the end of a process unpins");
	ok(userptr_pin(obj) == -ESRCH, "and nothing is pinned any more");
	userptr_put(obj);
}

/* -- all at once -- */

#define ROUNDS 500

static int stale, changing;
static struct userptr *shared;

static void *user(void *arg)
{
	uint64_t seed = my_tid();

	(void)arg;
	mmun_kcompat_use_mm(memory[0].mm);
	while (READ_ONCE(changing)) {
		int first = next_random(&seed) % MEMORY_PAGES;
		int n = 1 + next_random(&seed) % (MEMORY_PAGES - first);
		struct userptr *mine = userptr_create(memory_addr(first), n);

		if (IS_ERR(mine) || userptr_pin(mine) || userptr_pin(shared))
			bail("an object fails");
		userptr_put(mine);
	}
	return NULL;
}

static void test_storm(void)
{
	struct memory *m = &memory[0];
	pthread_t users[2];
	uint64_t seed = 4711;

	mmun_kcompat_use_mm(m->mm);
	shared = userptr_create(memory_addr(0), MEMORY_PAGES);
	WRITE_ONCE(changing, 1);
	for (int i = 0; i < 2; i++)
		spawn(&users[i], user, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		int first = next_random(&seed) % MEMORY_PAGES;
		int n = 1 + next_random(&seed) % (MEMORY_PAGES - first);

		memory_replace(m, first, n);
		for (int j = 0; j < MEMORY_PAGES; j++) {
			unsigned long seen = userptr_look(shared, j);

			if (seen && seen != memory_number(m, j))
				stale++;
		}
	}
	WRITE_ONCE(changing, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(users[i], NULL);
	userptr_put(shared);
	ok(!stale, "nothing stale is seen by the device");
}

int main(void)
{
	tap_begin(100);
	ok(!mmun_kcompat_init_modules(), "the module is loaded");
	memory_init(&memory[0]);
	test_range();
	test_errors();
	test_exit();
	test_storm();
	mmun_kcompat_exit_modules();
	ok(!userptr_objects() && !userptr_mms(), "everything is freed");
	memory_exit(&memory[0]);
	ok(!mmun_kcompat_warnings(), "no warning");
	return tap_end();
}
