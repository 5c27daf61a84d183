/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCH_READER_H
#define BENCH_READER_H
/*
 * Ways to protect a reader of a list.  Each is one file, for the flavours of
 * liburcu exclude each other in one, and all of them are inlined into the same
 * loops, reader_loops.h.
 */
#include <mmunotify/mmu_notifier.h>

struct reader {
	const char *name;
	/* Each thread that reads does this first, and undoes it. */
	void (*attach)(void);
	void (*detach)(void);
	/* n empty read sections */
	void (*section)(void *unused, long n);
	/* n walks of a struct list, each in a read section */
	void (*walk)(void *list, long n);
	/* n grace periods */
	void (*synchronize)(void *unused, long n);
};

extern const struct reader reader_none, reader_rwlock, reader_mmunotify,
	reader_urcu_memb, reader_urcu_bp, reader_urcu_qsbr;

/* Subscribers as the library has them: an ops table behind each. */
struct node {
	struct mmu_notifier mn;
	struct node *next;
};

struct list {
	struct node *first;
	struct mmu_notifier_range range;
};

#endif /* BENCH_READER_H */
