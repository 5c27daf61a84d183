/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_DECODE_H
#define MMUN_MONITOR_DECODE_H
/*
 * From a raw event, a system call about to be made, to the ranges that it
 * changes: the one place that knows what each call does to memory.
 *
 * Context: the event path.  No allocation, no lock, no libc; errno untouched.
 */

#include <stdbool.h>
#include <sys/syscall.h>

#include <mmunotify/mmu_notifier.h>

struct mmun_raw_event {
	long nr;		/* of the system call */
	unsigned long arg[6];
};

struct mmun_span {
	unsigned long start;
	unsigned long end;
	enum mmu_notifier_event event;
	unsigned int flags;
};

#define MMUN_MAX_SPANS 8

extern unsigned long mmun_page_size __attribute__((visibility("hidden")));

static inline bool mmun_page_aligned(unsigned long addr)
{
	return !(addr & (mmun_page_size - 1));
}

static inline unsigned long mmun_page_down(unsigned long addr)
{
	return addr & ~(mmun_page_size - 1);
}

/* 0 when it overflows. */
static inline unsigned long mmun_page_up(unsigned long addr)
{
	return mmun_page_down(addr + mmun_page_size - 1);
}

/* No kernel of these architectures gives user space more. */
#define MMUN_ADDRESS_END (1UL << 56)

/* What the memory calls make of a tagged pointer. */
static inline unsigned long mmun_untag(unsigned long addr)
{
#ifdef __aarch64__
	return addr & (MMUN_ADDRESS_END - 1);
#else
	return addr & ~(0x3fUL << 57);	/* LAM; bit 63 is no tag */
#endif
}

/* Are these pages that a call can be about: some, aligned, not too many? */
static inline bool mmun_are_pages(unsigned long addr, unsigned long len)
{
	unsigned long size = mmun_page_up(len);

	return size && mmun_page_aligned(addr) && size <= MMUN_ADDRESS_END &&
	       addr <= MMUN_ADDRESS_END - size;
}

/* See mmun_decode(). */
unsigned int mmun_decode_any(const struct mmun_raw_event *ev,
			     struct mmun_span span[MMUN_MAX_SPANS]);

/*
 * What the call would change, in the order in which the kernel does it; a call
 * that the kernel refuses for its arguments, or that changes nothing, has none.
 * Return: how many spans, at most MMUN_MAX_SPANS.
 */
static inline unsigned int mmun_decode(const struct mmun_raw_event *ev,
				       struct mmun_span span[MMUN_MAX_SPANS])
{
	/* The most frequent, and the simplest. */
	if (ev->nr == SYS_munmap) {
		unsigned long addr = mmun_untag(ev->arg[0]);

		if (!mmun_are_pages(addr, ev->arg[1]))
			return 0;
		span[0] = (struct mmun_span){
			.start = addr,
			.end = addr + mmun_page_up(ev->arg[1]),
			.event = MMU_NOTIFY_UNMAP,
		};
		return 1;
	}
	return mmun_decode_any(ev, span);
}

/* By its number, may mmun_decode() have anything to say of it? */
bool mmun_is_event_call(long nr);

/*
 * Did the call, which failed with @error, or didn't and it is 0, surely leave
 * everything as it was?  Many calls stop half way.
 */
bool mmun_unchanged(const struct mmun_raw_event *ev, int error);

/*
 * For the calls that cut files: is there something to lose, so that it is worth
 * the look at all mappings?  Not for a file that is new, or grows.
 */
bool mmun_file_at_stake(const struct mmun_raw_event *ev);

/* Does this advice, to madvise(), take pages away?  Pure. */
bool mmun_advice_takes(unsigned int advice);

/* The end of the data segment.  Context: any. */
unsigned long mmun_current_brk(void);

/* Learn the page size.  Context: before the first event. */
void mmun_decode_init(void);

#endif /* MMUN_MONITOR_DECODE_H */
