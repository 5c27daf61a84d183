// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/safe_read.h"
#include "base/syscall.h"
#include "monitor/decode.h"
#include "monitor/decode_parts.h"
#include "monitor/proc_maps.h"

/* Of newer kernels than the C library's headers. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define MAP_HUGE_SHIFT_BITS 26
/* 8 is PROT_SEM; 0x10 and 0x20 are aarch64's BTI and MTE. */
#define PROT_KNOWN                                                             \
	(PROT_READ | PROT_WRITE | PROT_EXEC | 0x38 | PROT_GROWSDOWN |          \
	 PROT_GROWSUP)
#define PIDFD_SELF_THREAD_FD (-10000)
#define PIDFD_SELF_THREAD_GROUP_FD (-10001)

unsigned long mmun_page_size = 4096;
static unsigned long huge_page_size = 2UL << 20;	/* the default one */

/* "Hugepagesize:    2048 kB" */
static void learn_huge_page_size(void)
{
	static const char field[] = "\nHugepagesize:";
	static char text[4096];
	long len = mmun_read_file("/proc/meminfo", text, sizeof(text) - 1);
	unsigned long kib = 0;
	const char *at;

	text[len > 0 ? len : 0] = 0;
	at = strstr(text, field);
	if (!at)
		return;
	for (at += sizeof(field) - 1; *at == ' '; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		kib = kib * 10 + (*at - '0');
	if (kib && !(kib & (kib - 1)))
		huge_page_size = kib << 10;
}

void mmun_decode_init(void)
{
	mmun_page_size = sysconf(_SC_PAGESIZE);
	learn_huge_page_size();
}

/* -- spans -- */

/* More than there is room for are merged into the last, conservatively. */
void mmun_span_add(struct mmun_spans *s, unsigned long start, unsigned long end,
		   enum mmu_notifier_event event, unsigned int flags)
{
	struct mmun_span *last;

	if (s->n < MMUN_MAX_SPANS) {
		s->span[s->n++] = (struct mmun_span){ start, end, event, flags };
		return;
	}
	last = &s->span[MMUN_MAX_SPANS - 1];
	if (start < last->start)
		last->start = start;
	if (end > last->end)
		last->end = end;
}

/* -- mmap: what MAP_FIXED replaces -- */

/* A file of huge pages, or MAP_HUGETLB, is mapped in these units. */
static unsigned long mapping_unit(unsigned long flags, long fd)
{
	unsigned int shift = (flags >> MAP_HUGE_SHIFT_BITS) & 63;
	struct statfs fs;

	if (flags & MAP_ANONYMOUS) {
		if (!(flags & MAP_HUGETLB))
			return mmun_page_size;
		return shift ? 1UL << shift : huge_page_size;
	}
	if (!mmun_syscall(SYS_fstatfs, fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		return fs.f_bsize;
	return mmun_page_size;
}

static void decode_mmap(const unsigned long *arg, struct mmun_spans *s)
{
	unsigned long flags = arg[3], type = flags & MAP_TYPE, unit, len;

	if (!(flags & MAP_FIXED) || (flags & MAP_FIXED_NOREPLACE))
		return;
	/* Newer kernels have more types than these headers. */
	if (!type || !mmun_page_aligned(arg[5]))
		return;
	unit = mapping_unit(flags, (int)arg[4]);
	len = (arg[1] + unit - 1) & ~(unit - 1);
	if (len >= arg[1])
		mmun_span_add_pages(s, arg[0], len, MMU_NOTIFY_UNMAP);
}

/* Maps another part of the file over it, in whole pages, rounded down. */
static void decode_remap_file_pages(const unsigned long *arg,
				    struct mmun_spans *s)
{
	if (!arg[2])
		mmun_span_add_pages(s, mmun_page_down(arg[0]),
				    mmun_page_down(arg[1]), MMU_NOTIFY_UNMAP);
}

/* -- mremap -- */

/*
 * A destination goes first, then the tail that a smaller size cuts off, then
 * what moves.  Whether growing moves is known afterwards: the caller tries to
 * grow in place before it comes here.
 */
static void decode_mremap(const unsigned long *arg, struct mmun_spans *s)
{
	unsigned long old = mmun_untag(arg[0]), flags = arg[3];
	unsigned long old_len = mmun_page_up(arg[1]), new_len = mmun_page_up(arg[2]);

	if (!mmun_page_aligned(old) || !new_len ||
	    (flags & ~(unsigned long)(MREMAP_MAYMOVE | MREMAP_FIXED |
				      MREMAP_DONTUNMAP)))
		return;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) &&
	    !(flags & MREMAP_MAYMOVE))
		return;
	if ((flags & MREMAP_DONTUNMAP) && old_len != new_len)
		return;
	if (flags & MREMAP_FIXED) {
		if (!mmun_page_aligned(arg[4]) ||
		    (arg[4] < old + old_len && old < arg[4] + new_len))
			return;
		mmun_span_add_pages(s, arg[4], new_len, MMU_NOTIFY_UNMAP);
	}
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		mmun_span_add_pages(s, old, old_len, MMU_NOTIFY_UNMAP);
	} else if (new_len < old_len) {
		mmun_span_add_pages(s, old + new_len, old_len - new_len, MMU_NOTIFY_UNMAP);
	} else if (new_len > old_len && (flags & MREMAP_MAYMOVE)) {
		mmun_span_add_pages(s, old, old_len, MMU_NOTIFY_UNMAP);
	}
}

/* -- process_madvise -- */

/* The last number of the line that begins with @field, or 0. */
static long last_number(const char *text, const char *field)
{
	const char *at = strstr(text, field);
	long number = 0;

	for (; at && *at && *at != '\n'; at++) {
		if (*at == '\t')
			number = 0;
		else if (*at >= '0' && *at <= '9')
			number = number * 10 + (*at - '0');
	}
	return number;
}

/*
 * Is it this process that the descriptor names?  Its innermost number tells.
 * When in doubt, yes.
 */
static bool pidfd_is_self(int fd)
{
	char path[40] = "/proc/self/fdinfo/", digits[12], text[512];
	unsigned int n = 18, d = 0;
	long pid, len;

	if (fd == PIDFD_SELF_THREAD_FD || fd == PIDFD_SELF_THREAD_GROUP_FD)
		return true;
	if (mmun_syscall(SYS_fcntl, fd, F_GETFD) == -EBADF)
		return false;
	for (int rest = fd; !d || rest; rest /= 10)
		digits[d++] = '0' + rest % 10;
	while (d)
		path[n++] = digits[--d];
	path[n] = 0;
	len = mmun_read_file(path, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = 0;
	pid = last_number(text, "NSpid:\t");
	return !pid || pid == mmun_syscall(SYS_getpid);
}

static void decode_process_madvise(const unsigned long *arg, struct mmun_spans *s)
{
	unsigned long n = arg[2];
	struct iovec iov[16];

	if (n > IOV_MAX || arg[4] || !pidfd_is_self((int)arg[0]))
		return;
	for (unsigned long done = 0, part; done < n; done += part) {
		part = n - done < 16 ? n - done : 16;
		/* If it is not there, the kernel will say so. */
		if (!mmun_safe_read(iov, (struct iovec *)arg[1] + done,
				    part * sizeof(*iov)))
			return;
		for (unsigned long i = 0; i < part; i++)
			mmun_decode_advice((int)arg[3],
					   (unsigned long)iov[i].iov_base,
					   iov[i].iov_len, s);
	}
}

/* -- mprotect -- */

struct grows_down {
	unsigned long addr;
	unsigned long start;
};

static bool find_start(const struct mmun_mapping *m, void *arg)
{
	struct grows_down *g = arg;

	if (g->addr >= m->end)
		return true;
	if (g->addr >= m->start)
		g->start = m->start;
	return false;
}

static void decode_mprotect(const unsigned long *arg, struct mmun_spans *s)
{
	unsigned int flags = arg[2] & PROT_READ ? MMUN_RANGE_READABLE : 0;
	unsigned long start = mmun_untag(arg[0]);
	struct grows_down g = { start, start };

	if (!mmun_are_pages(start, arg[1]) ||
	    (arg[2] & ~(unsigned long)PROT_KNOWN))
		return;
	/* From the start of the stack, wherever that is. */
	if (arg[2] & PROT_GROWSDOWN)
		mmun_each_mapping(find_start, &g);
	mmun_span_add(s, g.start, start + mmun_page_up(arg[1]),
		      MMU_NOTIFY_PROTECTION_VMA, flags);
}

/* -- brk -- */

unsigned long mmun_current_brk(void)
{
	return mmun_syscall(SYS_brk, 0);
}

static void decode_brk(const unsigned long *arg, struct mmun_spans *s)
{
	unsigned long now, start, end;

	if (!arg[0])
		return;
	now = mmun_current_brk();
	start = mmun_page_up(arg[0]);
	end = mmun_page_up(now);
	if (start < end)
		mmun_span_add(s, start, end, MMU_NOTIFY_UNMAP, 0);
}

/* -- System V shared memory -- */

static void decode_shmat(const unsigned long *arg, struct mmun_spans *s)
{
	unsigned long addr = arg[1];
	struct shmid_ds ds;
	long err;

	if (!(arg[2] & SHM_REMAP) || !addr)
		return;
	if (arg[2] & SHM_RND)
		addr -= addr % SHMLBA;
	err = mmun_syscall(SYS_shmctl, (int)arg[0], IPC_STAT, &ds);
	/* One of huge pages is mapped in these; what it consists of it doesn't say. */
	if (!err && !(addr & (huge_page_size - 1)))
		ds.shm_segsz = (ds.shm_segsz + huge_page_size - 1) &
			       ~(huge_page_size - 1);
	if (!err)
		mmun_span_add_pages(s, addr, ds.shm_segsz, MMU_NOTIFY_UNMAP);
	else if (err != -EINVAL && err != -EIDRM && mmun_page_aligned(addr))
		mmun_span_add(s, addr, ULONG_MAX, MMU_NOTIFY_UNMAP, 0);	/* not to be known */
}

/*
 * shmdt() finds the first part of a segment at or above the address that is as
 * far into its segment as it is from the address, and takes away all parts of
 * that segment of which this is true.
 */
struct segment {
	unsigned long addr;
	unsigned long inode;	/* 0: not found yet */
	struct mmun_spans *spans;
};

static bool part_of_segment(const struct mmun_mapping *m, void *arg)
{
	struct segment *seg = arg;

	if (m->kind != MMUN_MAPPING_SYSV || m->start < seg->addr ||
	    m->start - seg->addr != m->offset)
		return true;
	if (!seg->inode)
		seg->inode = m->inode;
	if (m->inode == seg->inode)
		mmun_span_add(seg->spans, m->start, m->end, MMU_NOTIFY_UNMAP, 0);
	return true;
}

static void decode_shmdt(const unsigned long *arg, struct mmun_spans *s)
{
	struct segment seg = { .addr = arg[0], .spans = s };

	if (!mmun_page_aligned(arg[0]))
		return;
	/* Not to be known: then it may be anything from there on. */
	if (mmun_each_mapping(part_of_segment, &seg))
		mmun_span_add(s, arg[0], ULONG_MAX, MMU_NOTIFY_UNMAP, 0);
}

/* -- all of them -- */

unsigned int mmun_decode_any(const struct mmun_raw_event *ev,
			     struct mmun_span span[MMUN_MAX_SPANS])
{
	struct mmun_spans s = { span, 0 };

	switch (ev->nr) {
	case SYS_mmap:
		decode_mmap(ev->arg, &s);
		break;
	case SYS_madvise:
		mmun_decode_advice((int)ev->arg[2], ev->arg[0], ev->arg[1], &s);
		break;
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		decode_mprotect(ev->arg, &s);
		break;
	case SYS_mremap:
		decode_mremap(ev->arg, &s);
		break;
	case SYS_brk:
		decode_brk(ev->arg, &s);
		break;
	case SYS_process_madvise:
		decode_process_madvise(ev->arg, &s);
		break;
	case SYS_shmdt:
		decode_shmdt(ev->arg, &s);
		break;
	case SYS_shmat:
		decode_shmat(ev->arg, &s);
		break;
	case SYS_remap_file_pages:
		decode_remap_file_pages(ev->arg, &s);
		break;
	case SYS_execve:
	case SYS_execveat:
		mmun_span_add(&s, 0, ULONG_MAX, MMU_NOTIFY_UNMAP, 0);
		break;
	default:
		mmun_decode_file(ev, &s);
		break;
	}
	return s.n;
}

bool mmun_is_event_call(long nr)
{
	switch (nr) {
	case SYS_munmap:
	case SYS_mmap:
	case SYS_madvise:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_mremap:
	case SYS_brk:
	case SYS_process_madvise:
	case SYS_shmdt:
	case SYS_shmat:
	case SYS_remap_file_pages:
	case SYS_execve:
	case SYS_execveat:
		return true;
	default:
		return mmun_is_file_call(nr);
	}
}

static bool failure_changes_nothing(const struct mmun_raw_event *ev, int error)
{
	switch (ev->nr) {
	case SYS_execve:
	case SYS_execveat:
	case SYS_munmap:	/* cuts all mappings first, then unmaps all */
	case SYS_shmdt:
		return true;
	case SYS_mmap:		/* a file's own mmap comes after the unmapping */
		return error == EBADF;
	case SYS_mremap:	/* a move that fails is undone; a destination is not */
		return !(ev->arg[3] & MREMAP_FIXED);
	case SYS_shmat:
		return error == EACCES || error == EIDRM;
	default:		/* advice and protection stop where they fail */
		return mmun_is_file_call(ev->nr) && mmun_file_unchanged(error);
	}
}

bool mmun_unchanged(const struct mmun_raw_event *ev, int error)
{
	return error && failure_changes_nothing(ev, error);
}
