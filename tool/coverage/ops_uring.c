// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What io_uring does by itself. */
#include <fcntl.h>
#include <sys/mman.h>
#include <linux/falloc.h>

#include "ops.h"
#include "uring.h"

#define OP_FTRUNCATE 55		/* newer than some headers */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static struct uring ring;

static int open_ring(struct subject *s, int (*map)(struct subject *s),
		     unsigned int flags)
{
	int err = map(s);

	return err ? err : uring_open(&ring, flags);
}

static int anon_and_ring(struct subject *s)
{
	return open_ring(s, map_anon, 0);
}

static int anon_and_polled_ring(struct subject *s)
{
	return open_ring(s, map_anon, IORING_SETUP_SQPOLL);
}

static int memfd_and_ring(struct subject *s)
{
	return open_ring(s, map_memfd, 0);
}

static long advise(struct subject *s)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_MADVISE,
		.addr = (unsigned long)s->start,
		.len = s->len,
		.fadvise_advice = s->op->arg,
	};

	return uring_do(&ring, &sqe);
}

static long punch(struct subject *s)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_FALLOCATE,
		.fd = s->fd,
		.len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		.addr = s->len,
	};

	return uring_do(&ring, &sqe);
}

static long cut(struct subject *s)
{
	struct io_uring_sqe sqe = { .opcode = OP_FTRUNCATE, .fd = s->fd };

	return uring_do(&ring, &sqe);
}

static long cut_by_open(struct subject *s)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT,
		.fd = AT_FDCWD,
		.addr = (unsigned long)path_of(s->fd),
		.open_flags = O_RDWR | O_TRUNC,
	};
	long fd = uring_do(&ring, &sqe);

	return fd < 0 ? fd : 0;
}

#define URING_OP(name_, kind_, flags_, setup_, perform_, arg_)                 \
	{ .name = name_, .kind = kind_, .via = VIA_RAW, .flags = flags_,       \
	  .blind = MMUN_BLIND_IO_URING, .setup = setup_, .perform = perform_,  \
	  .arg = arg_ }

const struct op ops_uring[] = {
	URING_OP("IORING_OP_MADVISE(DONTNEED)", "anon", OP_TABLE, anon_and_ring,
		 advise, MADV_DONTNEED),
	URING_OP("IORING_OP_MADVISE(DONTNEED) by SQPOLL", "anon", 0,
		 anon_and_polled_ring, advise, MADV_DONTNEED),
	URING_OP("IORING_OP_MADVISE(GUARD_INSTALL)", "anon", 0, anon_and_ring,
		 advise, MADV_GUARD_INSTALL),
	URING_OP("IORING_OP_FALLOCATE(PUNCH_HOLE)", "memfd", OP_TABLE,
		 memfd_and_ring, punch, 0),
	URING_OP("IORING_OP_FTRUNCATE", "memfd", 0, memfd_and_ring, cut, 0),
	URING_OP("IORING_OP_OPENAT(O_TRUNC)", "memfd", 0, memfd_and_ring,
		 cut_by_open, 0),
	{ 0 }
};
