/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_DECODE_PARTS_H
#define MMUN_MONITOR_DECODE_PARTS_H
/*
 * Between the files of decode.h: decode.c (mappings), decode_madvise.c and
 * decode_file.c.
 */

#include "monitor/decode.h"

struct mmun_spans {
	struct mmun_span *span;
	unsigned int n;
};

/* More than there is room for are merged into the last, conservatively. */
void mmun_span_add(struct mmun_spans *s, unsigned long start, unsigned long end,
		   enum mmu_notifier_event event, unsigned int flags);

/* [addr, addr + len rounded up); nothing when empty, unaligned or too long. */
static inline void mmun_span_add_pages(struct mmun_spans *s, unsigned long addr,
				       unsigned long len,
				       enum mmu_notifier_event event)
{
	addr = mmun_untag(addr);
	if (mmun_are_pages(addr, len))
		mmun_span_add(s, addr, addr + mmun_page_up(len), event, 0);
}

/* One range of the advice, which is applied to each of several by one call. */
void mmun_decode_advice(long advice, unsigned long addr, unsigned long len,
			struct mmun_spans *s);

/* Is it one that mmun_decode_file() knows? */
bool mmun_is_file_call(long nr);

/*
 * Calls that take pages away from a file, under everybody who maps it: where
 * this process does.  Return: was it such a call?
 */
bool mmun_decode_file(const struct mmun_raw_event *ev, struct mmun_spans *s);

/*
 * The same for what is mapped at [addr, addr + len): the other mappings of it.
 */
void mmun_decode_shared(unsigned long addr, unsigned long len,
			struct mmun_spans *s);

/* A call of mmun_decode_file() failed with @error: before it did anything? */
bool mmun_file_unchanged(int error);

#endif /* MMUN_MONITOR_DECODE_PARTS_H */
