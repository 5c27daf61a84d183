/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TWIN_CALLS_H
#define TWIN_CALLS_H
/*
 * Random mapping calls: by libc's function, by syscall(), by an instruction.
 */
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "live.h"

#define AREA 64 /* pages */
#define HEAP 32 /* pages above the break */
#define RW (PROT_READ | PROT_WRITE)
#define NR_SEGMENTS 3
#define PICK(...)                                                              \
	({                                                                     \
		static const int choice[] = { __VA_ARGS__ };                   \
		choice[rnd(sizeof(choice) / sizeof(choice[0]))];               \
	})
#define CALL_SBRK (-1)

static char *area, *heap;
static int file, mem_file, self_fd, mem;
static int segment[NR_SEGMENTS];
static const unsigned int segment_pages[NR_SEGMENTS] = { 1, 3, 8 };

struct call {
	long nr;
	long arg[6];
	size_t asked;	/* how much it wants to map where the kernel likes */
};

static unsigned long rnd_state;

static unsigned long rnd(unsigned long below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (rnd_state >> 11) % below;
}

static long any_page(void)
{
	long page = rnd(12) ? (long)area + rnd(AREA - 8) * PAGE :
			      (long)heap + rnd(HEAP - 8) * PAGE;

	return page + (rnd(20) ? 0 : rnd(PAGE));
}

static long any_len(void)
{
	return rnd(40) ? rnd(8) * PAGE + rnd(PAGE) + 1 : -rnd(3) * PAGE;
}

static int any_prot(void)
{
	return PICK(RW, RW, RW, PROT_READ, PROT_NONE, RW | PROT_EXEC);
}

static void any_munmap(struct call *c)
{
	*c = (struct call){ SYS_munmap, { any_page(), any_len() }, 0 };
}

static void any_mmap(struct call *c)
{
	int flags = PICK(MAP_FIXED, MAP_FIXED, MAP_FIXED, MAP_FIXED_NOREPLACE, 0);
	int fd = PICK(-1, -1, 0, 1), len = any_len();
	long offset = rnd(8) * PAGE + (rnd(30) ? 0 : 512);

	flags |= PICK(MAP_PRIVATE, MAP_PRIVATE, MAP_SHARED, 0x03, 0);
	flags |= PICK(0, 0, 0, MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED,
		      MAP_GROWSDOWN);
	if (fd < 0)
		flags |= MAP_ANONYMOUS;
	else
		fd = !rnd(20) ? 9999 : fd ? file : mem_file;
	*c = (struct call){ SYS_mmap,
			    { any_page(), len, any_prot(), flags, fd, offset },
			    len };
}

static void any_mremap(struct call *c)
{
	int flags = PICK(0, 1, 1, 3, 3, 3, 5, 7, 2, 4, 6, 8);
	long old = any_len(), len = rnd(3) ? any_len() : old;

	/* A shared mapping is doubled by a move of nothing. */
	if (!rnd(20))
		old = 0;
	*c = (struct call){ SYS_mremap,
			    { any_page(), old, len, flags, any_page() }, len };
}

/* 0 to 25, and 100 to 103: poisoning, migration, guards.  And some nonsense. */
static int any_advice(void)
{
	return rnd(2) ? PICK(MADV_DONTNEED, MADV_DONTNEED, MADV_REMOVE,
			     MADV_FREE, 102, 103) :
	       rnd(8) ? (int)rnd(26) :
			PICK(100, 101, 102, 103, 9999, -1);
}

static void any_madvise(struct call *c)
{
	*c = (struct call){ SYS_madvise,
			    { any_page(), any_len(), any_advice() }, 0 };
}

static void any_process_madvise(struct call *c)
{
	static struct iovec iov[4];
	int n = rnd(5);

	for (int i = 0; i < 4; i++)
		iov[i] = (struct iovec){ (void *)any_page(), any_len() };
	*c = (struct call){ SYS_process_madvise,
			    { rnd(20) ? self_fd : 9999, (long)iov, n,
			      any_advice(), !rnd(30) },
			    0 };
}

static void any_mprotect(struct call *c)
{
	long prot = rnd(20) ? any_prot() :
			      PICK(0x40000, PROT_READ | PROT_GROWSDOWN);

	*c = (struct call){ SYS_mprotect, { any_page(), any_len(), prot }, 0 };
	if (!rnd(8)) {
		c->nr = SYS_pkey_mprotect;
		c->arg[3] = PICK(-1, -1, 0, 9);
	}
}

static void any_brk(struct call *c)
{
	long to = rnd(10) ? (long)heap + rnd(HEAP * PAGE) : 0;

	*c = (struct call){ SYS_brk, { to }, 0 };
}

/* libc's own idea of the break is behind when others have moved it. */
static void any_sbrk(struct call *c)
{
	long to = (long)heap + rnd(HEAP * PAGE);

	*c = (struct call){ CALL_SBRK, { rnd(4) ? to - (long)sbrk(0) : 0 }, 0 };
}

static void any_shmat(struct call *c)
{
	int i = rnd(NR_SEGMENTS);
	int flags = PICK(SHM_REMAP, SHM_REMAP, SHM_REMAP | SHM_RND, 0, SHM_RND,
			 SHM_REMAP | SHM_RDONLY, SHM_RDONLY, SHM_EXEC);

	*c = (struct call){ SYS_shmat,
			    { rnd(20) ? segment[i] : 1 << 30,
			      rnd(20) ? any_page() : 0, flags },
			    segment_pages[i] * PAGE };
}

static void any_shmdt(struct call *c)
{
	*c = (struct call){ SYS_shmdt, { any_page() }, 0 };
}

static void any_remap_file_pages(struct call *c)
{
	*c = (struct call){ SYS_remap_file_pages,
			    { any_page(), any_len(), !rnd(20), rnd(8),
			      rnd(2) ? 0 : MAP_NONBLOCK },
			    0 };
}

static void any_ftruncate(struct call *c)
{
	*c = (struct call){ SYS_ftruncate,
			    { PICK(0, 1) ? file : mem_file,
			      rnd(16) * PAGE + rnd(2) * rnd(PAGE) },
			    0 };
}

/* Allocate, punch, collapse, zero, insert, unshare; with the size kept or not. */
static void any_fallocate(struct call *c)
{
	*c = (struct call){ SYS_fallocate,
			    { PICK(0, 1) ? file : mem_file,
			      PICK(0, 1, 3, 3, 3, 2, 8, 0x10, 0x11, 0x20, 0x40),
			      rnd(12) * PAGE + rnd(2) * rnd(PAGE),
			      rnd(4) * PAGE + rnd(2) * rnd(PAGE) },
			    0 };
}

static void (*const any_call[])(struct call *) = {
	any_mmap,    any_mmap,	 any_mmap,  any_munmap, any_mremap,
	any_mremap,  any_mremap, any_shmat, any_madvise, any_madvise,
	any_mprotect, any_brk,	 any_sbrk,  any_shmdt,	any_process_madvise,
	any_remap_file_pages,	 any_ftruncate,		any_fallocate,
};

static void random_call(struct call *c)
{
	any_call[rnd(sizeof(any_call) / sizeof(any_call[0]))](c);
}

static long by_function(const struct call *c)
{
	const long *a = c->arg;

	switch (c->nr) {
	case SYS_munmap:
		return munmap((void *)a[0], a[1]);
	case SYS_mmap:
		return (long)mmap((void *)a[0], a[1], a[2], a[3], a[4], a[5]);
	case SYS_mremap:
		return (long)mremap((void *)a[0], a[1], a[2], a[3], a[4]);
	case SYS_madvise:
		return madvise((void *)a[0], a[1], a[2]);
	case SYS_process_madvise:
		return process_madvise(a[0], (void *)a[1], a[2], a[3], a[4]);
	case SYS_mprotect:
		return mprotect((void *)a[0], a[1], a[2]);
	case SYS_pkey_mprotect:
		return pkey_mprotect((void *)a[0], a[1], a[2], a[3]);
	case SYS_brk:
		return brk((void *)a[0]);
	case SYS_shmat:
		return (long)shmat(a[0], (void *)a[1], a[2]);
	case SYS_shmdt:
		return shmdt((void *)a[0]);
	case SYS_remap_file_pages:
		return remap_file_pages((void *)a[0], a[1], a[2], a[3], a[4]);
	case SYS_ftruncate:
		return ftruncate(a[0], a[1]);
	case SYS_fallocate:
		return fallocate(a[0], a[1], a[2], a[3]);
	case CALL_SBRK:
		return (long)sbrk(a[0]);
	}
	bail("no function for call %ld", c->nr);
}

static long by_instruction(const struct call *c)
{
	const long *a = c->arg;
	long ret = raw(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (ret >= 0 || ret < -4095)
		return ret;
	errno = -ret;
	return -1;
}

static long make_call(const struct call *c)
{
	const long *a = c->arg;
	int way = rnd(4);

	if (c->nr == CALL_SBRK || way < 2)
		return by_function(c);
	if (way == 2)
		return syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return by_instruction(c);
}

/* Bytes of our own, into what is mapped, whatever its protection. */
static void stamp(void)
{
	char byte = rnd(256);

	pwrite(mem, &byte, 1, (off_t)area + rnd(AREA * PAGE));
	pwrite(mem, &byte, 1, (off_t)heap + rnd(HEAP * PAGE));
}

#endif /* TWIN_CALLS_H */
