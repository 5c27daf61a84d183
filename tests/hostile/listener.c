// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * To be preloaded: a notifier that counts, in a process that knows nothing of it,
 * in the file that HOSTILE_COUNTS names.
 *
 * With HOSTILE_WATCH the heap, and a block that comes and goes, are watched.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "counts.h"

#define BLOCK (4UL << 20)
#define HEAP (64UL << 20)
#define TLS __thread __attribute__((tls_model("initial-exec")))

static struct counts *counts;
static TLS int depth;

/* An exec that succeeds has no end. */
static bool is_everything(const struct mmu_notifier_range *range)
{
	return !range->start && range->end == ULONG_MAX;
}

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	(void)mn;
	if (is_everything(range))
		return 0;
	atomic_fetch_add(&counts->starts, 1);
	depth++;
	return 0;
}

static void on_end(struct mmu_notifier *mn,
		   const struct mmu_notifier_range *range)
{
	(void)mn;
	if (is_everything(range))
		return;
	if (!depth--)
		atomic_fetch_add(&counts->lonely, 1);
	atomic_fetch_add(&counts->ends, 1);
}

static struct mmu_notifier notifier;

static struct mmu_notifier *alloc(struct mm_struct *mm)
{
	(void)mm;
	return &notifier;
}

static void free_it(struct mmu_notifier *mn)
{
	(void)mn;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
	.alloc_notifier = alloc,
	.free_notifier = free_it,
};

static void give_up(const char *what, long err)
{
	fprintf(stderr, "listener: %s: %s\n", what, strerror(-err));
	_exit(98);
}

static void watch_some(void)
{
	static struct mmun_watch heap, block;
	unsigned long brk = (unsigned long)sbrk(0);
	void *at = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (at == MAP_FAILED)
		give_up("block", -errno);
	err = mmun_watch(&heap, mm_self(), brk - 4096, brk + HEAP);
	if (!err)
		err = mmun_watch(&block, mm_self(), (unsigned long)at,
				 (unsigned long)at + BLOCK);
	if (err)
		give_up("watch", err);
	/* The first death of watched memory is our own. */
	munmap(at, BLOCK / 2);
}

static void find_counts(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (counts == MAP_FAILED)
		give_up(path, -errno);
	close(fd);
	atomic_fetch_add(&counts->processes, 1);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("HOSTILE_COUNTS");
	struct mmu_notifier *mn;

	if (!path)
		return;
	find_counts(path);
	mn = mmu_notifier_get(&ops, mm_self());
	if (IS_ERR(mn))
		give_up("get", PTR_ERR(mn));
	if (getenv("HOSTILE_WATCH"))
		watch_some();
}
