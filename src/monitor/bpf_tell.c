// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a call that was made to the ranges that it changed.
 *
 * decode.h tells what a call that is about to be made will change.  Afterwards
 * some of what it looks at is gone: then more is told than may have changed,
 * never less.
 */
#include <limits.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "monitor/bpf.h"
#include "monitor/bracket.h"
#include "monitor/proc_maps.h"

static void tell(unsigned long start, unsigned long end,
		 enum mmu_notifier_event event, unsigned int flags)
{
	struct mmu_notifier_range range;

	if (start >= end)
		return;
	mmu_notifier_range_init(&range, event, flags | MMUN_RANGE_AFTER,
				&mmun_self, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmun_end_range(&range, false);
}

static void tell_from(unsigned long start)
{
	tell(mmun_page_down(mmun_untag(start)), ULONG_MAX, MMU_NOTIFY_UNMAP, 0);
}

/* Return: was there anything to tell? */
static bool tell_decoded(const struct mmun_raw_event *ev)
{
	struct mmun_span span[MMUN_MAX_SPANS];
	unsigned int n = mmun_decode(ev, span);

	for (unsigned int i = 0; i < n; i++)
		tell(span[i].start, span[i].end, span[i].event, span[i].flags);
	return n;
}

/* -- brk -- */

/*
 * Where the data segment may end.  Calls of two threads may come in another
 * order than they were made: the bound falls only to what is true at that time.
 */
static unsigned long highest_brk;

static void tell_brk(unsigned long brk, bool quiet)
{
	if (!quiet)
		tell(mmun_page_up(brk), mmun_page_up(highest_brk),
		     MMU_NOTIFY_UNMAP, 0);
	if (brk > highest_brk || brk == mmun_current_brk())
		highest_brk = brk;
}

void mmun_bpf_tell_init(void)
{
	highest_brk = mmun_current_brk();
}

void mmun_bpf_tell_everything(void)
{
	/* It may have grown, too. */
	highest_brk = MMUN_ADDRESS_END;
	tell(0, ULONG_MAX, MMU_NOTIFY_UNMAP, 0);
}

/* -- mmap -- */

/*
 * A file of huge pages is mapped in units of these.  The descriptor may be closed
 * by now, and the address, a multiple of the unit, is all that is left to judge
 * by.
 */
static unsigned long largest_unit(unsigned long addr)
{
	static const unsigned long units[] = {
#ifdef __aarch64__
		16UL << 30, 512UL << 20, 32UL << 20, 64UL << 10,
#endif
		1UL << 30, 2UL << 20,
	};
	unsigned long largest = mmun_page_size;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!(addr & (units[i] - 1)) && units[i] > largest)
			largest = units[i];
	return largest;
}

static void tell_mmap(const struct mmun_raw_event *ev)
{
	unsigned long addr = ev->arg[0], unit = largest_unit(addr);

	if (ev->arg[3] & MAP_ANONYMOUS)
		tell_decoded(ev);
	else if (mmun_are_pages(addr, ev->arg[1]))
		tell(addr, addr + ((ev->arg[1] + unit - 1) & ~(unit - 1)),
		     MMU_NOTIFY_UNMAP, 0);
}

/* -- files -- */

static bool tell_if_file(const struct mmun_mapping *m, void *arg)
{
	(void)arg;
	if (m->inode)
		tell(m->start, m->end, MMU_NOTIFY_CLEAR, 0);
	return true;
}

/* Which file it was, a descriptor or a path does not tell any more. */
static void tell_files(void)
{
	if (mmun_each_mapping(tell_if_file, NULL))
		mmun_bpf_tell_everything();
}

/* -- the others -- */

static void tell_mremap(const struct mmun_raw_event *ev, long ret)
{
	bool grown_in_place = ret == (long)ev->arg[0] &&
			      ev->arg[2] > ev->arg[1] &&
			      !(ev->arg[3] & MREMAP_FIXED);

	if (!grown_in_place)
		tell_decoded(ev);
}

/* The segment may have been removed since: then its size is unknown. */
static void tell_shmat(const struct mmun_raw_event *ev)
{
	if (!tell_decoded(ev))
		tell_from(ev->arg[1]);
}

/* It takes whole pages, rounded down both. */
static void tell_remap_file_pages(const struct mmun_raw_event *ev)
{
	unsigned long start = mmun_page_down(ev->arg[0]);

	if (start + mmun_page_down(ev->arg[1]) > start)
		tell(start, start + mmun_page_down(ev->arg[1]),
		     MMU_NOTIFY_UNMAP, 0);
}

static void tell_one(const struct mmun_raw_event *ev, long ret)
{
	switch (ev->nr) {
	case SYS_mmap:
		tell_mmap(ev);
		break;
	case SYS_mremap:
		tell_mremap(ev, ret);
		break;
	case SYS_shmat:
		tell_shmat(ev);
		break;
	case SYS_shmdt:		/* what was mapped there, nobody knows now */
		tell_from(ev->arg[0]);
		break;
	case SYS_remap_file_pages:
		tell_remap_file_pages(ev);
		break;
	case SYS_truncate:
	case SYS_ftruncate:
	case SYS_fallocate:
	case SYS_openat:
	case SYS_openat2:
#ifdef SYS_open
	case SYS_open:
	case SYS_creat:
#endif
		tell_files();
		break;
	default:
		tell_decoded(ev);
	}
}

void mmun_bpf_tell(const struct mmun_bpf_record *r, bool quiet)
{
	struct mmun_raw_event ev = { r->nr, { r->arg[0], r->arg[1], r->arg[2],
					      r->arg[3], r->arg[4], r->arg[5] } };
	int error = r->ret < 0 && r->ret >= -4095 ? -r->ret : 0;

	if (r->nr == SYS_brk)
		tell_brk(r->ret, quiet || r->told);
	else if (!quiet && !r->told && !mmun_unchanged(&ev, error))
		tell_one(&ev, r->ret);
}
