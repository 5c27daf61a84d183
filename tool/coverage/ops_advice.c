// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* madvise() and its like. */
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ops.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

static long advise(struct subject *s)
{
	return CALL(s, madvise(s->start, s->len, s->op->arg), SYS_madvise,
		    s->start, s->len, s->op->arg);
}

static long advise_inside(struct subject *s)
{
	return CALL(s, madvise(s->victim, 2 * page_size, s->op->arg),
		    SYS_madvise, s->victim, 2 * page_size, s->op->arg);
}

static long advise_posix(struct subject *s)
{
	return -posix_madvise(s->start, s->len, s->op->arg);
}

static int map_locked(struct subject *s)
{
	int err = map_anon(s);

	if (!err && mlock(s->start, s->len))
		err = -errno;
	return err;
}

/* Small pages where a huge one would fit. */
static int map_small(struct subject *s)
{
	const size_t huge = 2UL << 20;
	char *p = NULL;
	int err = map_pages(NULL, 2 * huge, MAP_PRIVATE | MAP_ANONYMOUS, -1, &p);

	if (err)
		return err;
	p = (char *)(((unsigned long)p + huge - 1) & -huge);
	madvise(p, huge, MADV_NOHUGEPAGE);
	fill(p, huge);
	madvise(p, huge, MADV_HUGEPAGE);
	return use_memory(s, p, huge, 4 * page_size);
}

static int self_fd;

static int map_for_process(struct subject *s)
{
	self_fd = raw_call(SYS_pidfd_open, getpid(), 0);
	return self_fd < 0 ? self_fd : map_anon(s);
}

/* musl has no function for it. */
#ifndef __GLIBC__
#define process_madvise(...) syscall(SYS_process_madvise, __VA_ARGS__)
#endif

static long advise_process(struct subject *s)
{
	struct iovec iov = { s->start, s->len };
	long ret = CALL(s, process_madvise(self_fd, &iov, 1, s->op->arg, 0),
			SYS_process_madvise, self_fd, &iov, 1, s->op->arg, 0);

	return ret == (long)s->len ? 0 : ret;
}

#define ADVICE_OP(name_, kind_, flags_, blind_, setup_, perform_, arg_)        \
	{ .name = name_, .kind = kind_, .via = VIA_BOTH, .flags = flags_,      \
	  .blind = blind_, .setup = setup_, .perform = perform_, .arg = arg_ }

const struct op ops_advice[] = {
	ADVICE_OP("madvise(MADV_DONTNEED) anon", "anon", OP_TABLE,
		  MMUN_BLIND_RAW, map_anon, advise, MADV_DONTNEED),
	ADVICE_OP("madvise(MADV_DONTNEED) memfd", "memfd", OP_TABLE,
		  MMUN_BLIND_RAW, map_memfd, advise, MADV_DONTNEED),
	ADVICE_OP("madvise(MADV_DONTNEED) System V", "sysv", 0,
		  MMUN_BLIND_RAW, map_sysv, advise, MADV_DONTNEED),
	ADVICE_OP("madvise(MADV_DONTNEED) inside a huge page", "thp", 0,
		  MMUN_BLIND_RAW, map_thp, advise_inside, MADV_DONTNEED),
	ADVICE_OP("madvise(MADV_DONTNEED) hugetlb", "hugetlb", 0,
		  MMUN_BLIND_RAW, map_hugetlb, advise, MADV_DONTNEED),
	{ .name = "posix_madvise(POSIX_MADV_DONTNEED) (glibc: no-op)", .kind = "anon",
	  .via = VIA_LIBC, .flags = OP_TABLE, .setup = map_anon,
	  .perform = advise_posix, .arg = POSIX_MADV_DONTNEED },
	ADVICE_OP("madvise(MADV_FREE)", "anon", OP_TABLE, MMUN_BLIND_RAW,
		  map_anon, advise, MADV_FREE),
	ADVICE_OP("madvise(MADV_PAGEOUT)", "anon", 0, MMUN_BLIND_RAW,
		  map_anon, advise, MADV_PAGEOUT),
	ADVICE_OP("madvise(MADV_REMOVE) memfd", "memfd", OP_TABLE,
		  MMUN_BLIND_RAW, map_memfd, advise, MADV_REMOVE),
	ADVICE_OP("madvise(MADV_DONTNEED_LOCKED)", "anon", OP_TABLE,
		  MMUN_BLIND_RAW, map_locked, advise, MADV_DONTNEED_LOCKED),
	ADVICE_OP("madvise(MADV_GUARD_INSTALL)", "anon", OP_TABLE,
		  MMUN_BLIND_RAW_GUARD, map_anon, advise, MADV_GUARD_INSTALL),
	ADVICE_OP("madvise(MADV_GUARD_INSTALL) memfd", "memfd", 0,
		  MMUN_BLIND_RAW_GUARD, map_memfd, advise, MADV_GUARD_INSTALL),
	ADVICE_OP("madvise(MADV_COLLAPSE)", "anon", OP_TABLE | OP_MAY_FAIL,
		  MMUN_BLIND_RAW, map_small, advise, MADV_COLLAPSE),
	ADVICE_OP("process_madvise(self, DONTNEED)", "anon", OP_TABLE,
		  MMUN_BLIND_RAW, map_for_process, advise_process,
		  MADV_DONTNEED),
	{ 0 }
};
