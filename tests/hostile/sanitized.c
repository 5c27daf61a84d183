// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A subscriber that is built with a sanitizer: its runtime interposes the calls
 * that we patch, and has an allocator of its own.
 *
 * A callback may run in a thread that ThreadSanitizer has let go, for the stack
 * is given back after that: it must not be instrumented.
 */
#include "live.h"

#define NR_THREADS 4

static atomic_long starts, ends;

__attribute__((no_sanitize("thread")))
static int start(struct mmu_notifier *mn,
		 const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&starts, 1);
	return 0;
}

__attribute__((no_sanitize("thread")))
static void end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&ends, 1);
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = start,
	.invalidate_range_end = end,
};
static struct mmu_notifier notifier = { .ops = &ops };

static void *work(void *arg)
{
	for (int i = 0; i < 200; i++) {
		size_t len = (1 + i % 9) * PAGE;
		char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *q = malloc(100 * i + 1);

		p[len - 1] = q[100 * i] = 1;
		if (madvise(p, PAGE, MADV_DONTNEED) || munmap(p, len))
			arg = NULL;
		free(q);
	}
	return arg;
}

int main(void)
{
	pthread_t thread[NR_THREADS];
	bool right = true;
	void *ret;

	tap_begin(60);
	ok(!mmu_notifier_register(&notifier, mm_self()), "it registers");
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < NR_THREADS; i++)
			if (pthread_create(&thread[i], NULL, work, &right))
				bail("no thread");
		for (int i = 0; i < NR_THREADS; i++) {
			pthread_join(thread[i], &ret);
			right = right && ret;
		}
	}
	ok(right, "threads map, advise, unmap, allocate and free");
	mmu_notifier_unregister(&notifier, mm_self());
	diag("%ld starts, %ld ends", starts, ends);
	ok(starts >= 5 * NR_THREADS * 400 && starts == ends,
	   "each call was heard, and its end");
	return tap_end();
}
