// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An interval notifier: a copy of one range, as a device's page table would be,
 * which is never used when it is older than the memory.
 */
#include <mmunotify/interval_notifier.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static struct mirror {
	struct mmu_interval_notifier sub;	/* the first member */
	pthread_mutex_t lock;
	bool valid;
	char copy[4096];
} mirror = { .lock = PTHREAD_MUTEX_INITIALIZER };

/*
 * In an event: nothing may be allocated while the lock is held, and no signal
 * handler may unmap memory in between.
 */
static bool invalidate(struct mmu_interval_notifier *sub,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	(void)range;
	pthread_mutex_lock(&mirror.lock);
	mmu_interval_set_seq(sub, cur_seq);
	mirror.valid = false;
	pthread_mutex_unlock(&mirror.lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static void update(const char *page)
{
	char now[4096];
	unsigned long seq;
	bool again;

	do {
		seq = mmu_interval_read_begin(&mirror.sub);
		memcpy(now, page, sizeof(now));
		pthread_mutex_lock(&mirror.lock);
		again = mmu_interval_read_retry(&mirror.sub, seq);
		if (!again) {
			memcpy(mirror.copy, now, sizeof(now));
			mirror.valid = true;
		}
		pthread_mutex_unlock(&mirror.lock);
	} while (again);
}

int main(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool valid, still;
	int err;

	err = mmu_interval_notifier_insert(&mirror.sub, mm_self(),
					   (unsigned long)page, 4096, &ops);
	if (err)
		return printf("insert: %s\n", strerror(-err)), 1;
	page[0] = 'a';
	update(page);
	valid = mirror.valid && mirror.copy[0] == 'a';
	madvise(page, 4096, MADV_DONTNEED);
	still = mirror.valid;
	update(page);
	printf("%s, then %s, then \"%s\"\n", valid ? "valid" : "not valid",
	       still ? "valid" : "not valid", mirror.copy);
	mmu_interval_notifier_remove(&mirror.sub);
	return !valid || still || mirror.copy[0];
}
