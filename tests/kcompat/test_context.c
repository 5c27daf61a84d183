// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The driver context.c: mmu_notifier_get() and put(). */
#include "memory.h"
#include "waits.h"
#include "context.h"

static void fault_five(void *ctx)
{
	mmun_kcompat_use_mm(memory[0].mm);
	if (context_fault(ctx, memory_addr(5)))
		bail("a fault fails");
}

static void test_sharing(void)
{
	struct context *a, *b, *other;

	mmun_kcompat_use_mm(memory[0].mm);
	a = context_open();
	b = context_open();
	mmun_kcompat_use_mm(memory[1].mm);
	other = context_open();
	ok(!IS_ERR(a) && a == b, "openers in one process share a context");
	ok(!IS_ERR(other) && other != a, "another process has its own");
	ok(context_count() == 2, "there are two");
	context_close(other);
	context_close(a);
	mmu_notifier_synchronize();
	ok(context_count() == 1, "the last to close frees it");
	context_close(b);
	mmu_notifier_synchronize();
	ok(!context_count(), "all are freed");
	mmun_kcompat_use_mm(NULL);
	ok(PTR_ERR(context_open()) == -EINVAL, "a kernel thread has none");
}

static void test_no_memory(void)
{
	struct context *ctx;

	mmun_kcompat_use_mm(memory[0].mm);
	mmun_kcompat_fail_alloc(0);
	ctx = context_open();
	mmun_kcompat_fail_alloc(-1);
	ok(PTR_ERR(ctx) == -ENOMEM, "an allocation that fails is told");
}

static void test_range(void)
{
	struct memory *m = &memory[0];
	struct mmu_notifier_range range;
	struct context *ctx;
	struct job job;

	mmun_kcompat_use_mm(m->mm);
	ctx = context_open();
	ok(!context_fault(ctx, memory_addr(5)) &&
		   !context_fault(ctx, memory_addr(6)), "pages are found");
	ok(context_look(ctx, memory_addr(5)) == memory_number(m, 5),
	   "the device sees them");
	memory_replace(m, 6, 1);
	ok(context_look(ctx, memory_addr(5)) &&
		   !context_look(ctx, memory_addr(6)),
	   "it forgets what is in the range, and no more");
	memory_range(m, &range, 0, 1);
	mmu_notifier_invalidate_range_start(&range);
	start_job(&job, fault_five, ctx);
	ok(job_waits(&job), "a fault waits for the end of a range");
	mmu_notifier_invalidate_range_end(&range);
	finish_job(&job);
	ok(context_look(ctx, memory_addr(5)) == memory_number(m, 5),
	   "and then succeeds");
	context_close(ctx);
}

static void test_exit(void)
{
	struct memory *m = &memory[2];
	struct context *ctx;

	memory_init(m);
	mmun_kcompat_use_mm(m->mm);
	ctx = context_open();
	context_fault(ctx, memory_addr(1));
	memory_exit(m);
	ok(!context_look(ctx, memory_addr(1)), "the end of a process flushes");
	ok(context_fault(ctx, memory_addr(1)) == -ESRCH, "and ends faults");
	context_close(ctx);
	mmun_kcompat_use_mm(NULL);
}

/* -- all at once -- */

#define ROUNDS 1500
#define USERS 2

static int stale, changers;

static void *user(void *arg)
{
	struct memory *m = arg;
	uint64_t seed = my_tid();

	mmun_kcompat_use_mm(m->mm);
	while (READ_ONCE(changers)) {
		struct context *ctx = context_open();
		int times = next_random(&seed) % 8;

		if (IS_ERR(ctx))
			bail("context_open: %ld", PTR_ERR(ctx));
		while (times--)
			context_fault(ctx, memory_addr(next_random(&seed) %
						       MEMORY_PAGES));
		context_close(ctx);
	}
	return NULL;
}

/* The memory's only changer knows what the device may see. */
static void *changer(void *arg)
{
	struct memory *m = arg;
	uint64_t seed = my_tid();
	struct context *ctx;

	mmun_kcompat_use_mm(m->mm);
	ctx = context_open();
	for (int i = 0; i < ROUNDS; i++) {
		int first = next_random(&seed) % MEMORY_PAGES;
		int n = 1 + next_random(&seed) % (MEMORY_PAGES - first);

		if (next_random(&seed) % 4)
			memory_replace(m, first, n);
		else
			(void)memory_replace_nonblock(m, first, n);
		for (int j = 0; j < MEMORY_PAGES; j++) {
			unsigned long seen = context_look(ctx, memory_addr(j));

			if (seen && seen != memory_number(m, j))
				__atomic_fetch_add(&stale, 1, __ATOMIC_RELAXED);
		}
		if (!(i % 64)) {
			context_close(ctx);
			ctx = context_open();
		}
	}
	context_close(ctx);
	__atomic_fetch_sub(&changers, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void test_storm(void)
{
	pthread_t users[USERS], change[2];

	WRITE_ONCE(changers, 2);
	for (int i = 0; i < 2; i++)
		spawn(&change[i], changer, &memory[i]);
	for (int i = 0; i < USERS; i++)
		spawn(&users[i], user, &memory[i % 2]);
	for (int i = 0; i < 2; i++)
		pthread_join(change[i], NULL);
	for (int i = 0; i < USERS; i++)
		pthread_join(users[i], NULL);
	ok(!stale, "nothing stale is seen by the device");
}

int main(void)
{
	tap_begin(100);
	ok(!mmun_kcompat_init_modules(), "the module is loaded");
	memory_init(&memory[0]);
	memory_init(&memory[1]);
	test_sharing();
	test_no_memory();
	test_range();
	test_exit();
	test_storm();
	memory_exit(&memory[0]);
	memory_exit(&memory[1]);
	mmun_kcompat_exit_modules();
	ok(!context_count(), "the module's exit waits for the last context");
	ok(!mmun_kcompat_warnings(), "no warning");
	return tap_end();
}
