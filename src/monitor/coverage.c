// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What would go unseen: of the ways in which such memory can die, those that no
 * running source takes away.
 */
#include <errno.h>

#include "base/atomic.h"
#include "base/export.h"
#include "core/core.h"
#include "monitor/bracket.h"
#include "monitor/sources.h"
#include "monitor/watch.h"

/* How it can die, but for calls through the C library. */
static unsigned int ways_to_die(const struct mmun_mapping *m)
{
	const unsigned int any = MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD |
				 MMUN_BLIND_RAW_SHM | MMUN_BLIND_RAW_EXIT |
				 MMUN_BLIND_RAW_SHARER |
				 MMUN_BLIND_LDSO | MMUN_BLIND_IO_URING;

	switch (m->kind) {
	case MMUN_MAPPING_ANON:
	case MMUN_MAPPING_SPECIAL:
		return any;
	case MMUN_MAPPING_SHMEM:
	case MMUN_MAPPING_SYSV:
	case MMUN_MAPPING_HUGETLB:
	case MMUN_MAPPING_FILE:
		break;
	}
	return any | MMUN_BLIND_RAW_FILE | MMUN_BLIND_OTHERS;
}

struct question {
	unsigned long at;	/* all before has been answered */
	unsigned long end;
	unsigned int blind;
};

/*
 * Part of it may be unmapped, and mapped anew, between our look and a source's: then
 * it is one mapping no more, as what a source watches merges with nothing else.
 */
static unsigned int seen_of_watched(const struct mmun_mapping *m)
{
	unsigned int bits = mmun_watch_seen(m);

	return mmun_mapping_stands(m) ? bits : 0;
}

static unsigned int seen(const struct mmun_mapping *m, unsigned long start,
			 unsigned long end)
{
	unsigned int bits = 0;
	bool any_watches = false;

	for_each_running_source(s) {
		if (s->ops->sees)
			bits |= s->ops->sees(m);
		any_watches |= !!s->ops->watch;
	}
	if (any_watches && mmun_is_all_watched(start, end))
		bits |= seen_of_watched(m);
	return bits;
}

static bool ask(const struct mmun_mapping *m, void *arg)
{
	unsigned long start = m->start, end = m->end;
	struct question *q = arg;

	if (start > q->at)
		q->blind |= MMUN_BLIND_UNKNOWN;
	if (start < q->at)
		start = q->at;
	if (end > q->end)
		end = q->end;
	q->blind |= ways_to_die(m) & ~seen(m, start, end);
	q->at = end;
	return q->at < q->end;
}

int mmun_coverage(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct question q = { start, end, 0 };

	if (!mm || start >= end)
		return -EINVAL;
	if (mm != &mmun_self)
		return 0;
	if (mmun_in_callback(mm))
		return -EDEADLK;
	if (!mmun_monitors_run())
		return -EAGAIN;
	if (mmun_each_mapping_in(start, end, ask, &q) || q.at < end)
		q.blind |= MMUN_BLIND_UNKNOWN;
	return q.blind;
}
EXPORT_SYMBOL(mmun_coverage);
