/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_INTERVAL_FILTER_H
#define MMUN_BASE_INTERVAL_FILTER_H
/*
 * In front of a tree of intervals: which addresses lie in none of them.  Where the
 * tree walks down a path of cache misses, this reads a line, and most events are
 * of memory in which nobody has an interest.
 *
 * A bit for each granule, in blocks of 64, which are found by a hash.  Intervals of
 * more than 64 granules of 4 KiB have bits for larger ones, each level's 64 times
 * as large as those of the level before: so each interval lies in two blocks at
 * most, whatever its size.
 *
 * A bit may be set where there is nothing (any more).  Where it is not, there is
 * nothing.
 *
 * Context: any, under the lock of the tree; but for mmun_filter_may_overlap(), which
 * may be asked beside changes, and is right if there was none, as
 * mmun_interval_first() is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/interval_tree.h"

#define MMUN_FILTER_LEVELS 9

struct mmun_filter_table;

struct mmun_filter {
	struct mmun_filter_table *table;
	uint32_t levels;	/* that have intervals: a bit for each */
	uint32_t off;		/* there was no room: it may be anywhere */
	uint32_t blocks;	/* that have bits */
	uint32_t intervals[MMUN_FILTER_LEVELS];
};

/*
 * Before so many more are added.  Return: 0, or how large a table is needed for
 * that.  Context: any; in a section of whoever frees tables.
 */
size_t mmun_filter_lacks(const struct mmun_filter *filter, size_t intervals);
/* Return: NULL without memory.  Context: any; makes system calls. */
struct mmun_filter_table *mmun_filter_new_table(size_t blocks);
void mmun_filter_free_table(struct mmun_filter_table *table);
/*
 * A change.  Return: the table that is of no use any more, this one or the one
 * before: then, to be freed after a grace period.
 */
struct mmun_filter_table *mmun_filter_grow(struct mmun_filter *filter,
					   const struct mmun_interval_tree *tree,
					   struct mmun_filter_table *table,
					   size_t intervals);
/* A change.  Needs no memory; without room it gives up, until it has grown. */
void mmun_filter_add(struct mmun_filter *filter, unsigned long start,
		     unsigned long last);
/* A change, when the interval is no longer in the @tree. */
void mmun_filter_remove(struct mmun_filter *filter,
			const struct mmun_interval_tree *tree,
			unsigned long start, unsigned long last);
/* Return: false where no interval overlaps [start, last]. */
bool mmun_filter_may_overlap(const struct mmun_filter *filter,
			     unsigned long start, unsigned long last);
/* Nobody asks any more. */
void mmun_filter_free(struct mmun_filter *filter);

#endif /* MMUN_BASE_INTERVAL_FILTER_H */
