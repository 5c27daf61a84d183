/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TWIN_CALLS_H
#define TWIN_CALLS_H
/*
 * Random calls of all that is watched: by libc's function, by syscall(), by an
 * instruction.  Most of their arguments make sense, many do not; none reaches
 * the memory that the program itself lives in.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "live.h"

#define HUGE_PAGE (2L << 20)
#define AREA 32		/* pages from the start of the arena */
#define NR_HUGE 3	/* huge pages, from the second one of the arena on */
#define ARENA (8 * HUGE_PAGE)
#define HEAP 16		/* pages above the break */
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define NR_SEGMENTS 3
#define PICK(...)                                                              \
	({                                                                     \
		static const long choice[] = { __VA_ARGS__ };                  \
		choice[rnd(sizeof(choice) / sizeof(choice[0]))];               \
	})

/* What has no system call of its own. */
#define CALL_SBRK (-1)
#define CALL_FEXECVE (-2)

static char *const arena = (char *)(1UL << 40);
static char *const huge = (char *)(1UL << 40) + HUGE_PAGE;
static char *heap;

/* Descriptors, in both twins the same numbers. */
static int file, mem_file, sealed, read_only, directory;
static int self_pidfd, other_pidfd, dead_pidfd;
static int mem;		/* /proc/self/mem */
static int segment[NR_SEGMENTS];
static const unsigned int segment_pages[NR_SEGMENTS] = { 1, 3, 8 };

/* Names in the twin's directory. */
#define FILE_NAME "file"
#define LINK_NAME "link"
#define NEW_NAME "new"
static char mem_file_name[32], long_name[5000];

/*
 * What is freed may go at any time, which advice makes likely: so in a life
 * there is advice of one kind or of the other.
 */
static bool frees;
static bool watching;	/* in one twin */

enum way { FUNCTION, SYSCALL, INSTRUCTION };

struct kind;

struct call {
	const struct kind *kind;
	enum way way;
	bool large;	/* the function with 64 in its name */
	int err;	/* errno before */
	long nr;
	long arg[6];
	size_t asked;	/* how much it wants to map, wherever that is */
};

static unsigned long rnd_state;

static unsigned long rnd(unsigned long below)
{
	unsigned long z = rnd_state += 0x9e3779b97f4a7c15UL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
	return (z ^ z >> 31) % below;
}

static bool one_in(unsigned long n)
{
	return !rnd(n);
}

/* -- addresses and lengths -- */

/* Nothing is there, or can be: low, past the end, the kernel's, or tagged. */
static long wild_addr(void)
{
	return PICK(0, PAGE, 1L << 47, 0x7ffffffff000, 1L << 56, LONG_MIN, -1,
		    -PAGE, 0xffff888000000000, (1L << 40) | (1L << 57),
		    (1L << 40) | (1L << 62), (1L << 40) | LONG_MIN);
}

/* Too much, or nothing; or little, if half of it gets lost. */
static long wild_len(void)
{
	return PICK(0, -1, -PAGE, 1L << 31, (1L << 32) + PAGE, 1L << 40,
		    1L << 47, LONG_MIN);
}

static long any_page(void)
{
	switch (rnd(16)) {
	case 0:
		return (long)huge + rnd(NR_HUGE) * HUGE_PAGE +
		       (rnd(2) ? 0 : rnd(512) * PAGE);
	case 1:
		return (long)heap + rnd(HEAP - 8) * PAGE;
	default:
		return (long)arena + rnd(AREA - 8) * PAGE;
	}
}

static long any_addr(void)
{
	switch (rnd(40)) {
	case 0:
		return wild_addr();
	case 1:
	case 2:
		return any_page() + rnd(PAGE);
	default:
		return any_page();
	}
}

static long any_len(long addr)
{
	if (one_in(30))
		return wild_len();
	if (addr >= (long)huge && addr < (long)huge + ARENA && rnd(2))
		return (1 + rnd(2)) * HUGE_PAGE;
	return rnd(8) * PAGE + rnd(PAGE) + 1;
}

/* Advice is for what is there of a range: it must end before the program. */
static long any_advised_len(long addr)
{
	long len = any_len(addr);

	return (unsigned long)len <= 1UL << 40 ? len : -1;
}

static int any_prot(void)
{
	return PICK(RW, RW, RW, PROT_READ, PROT_NONE, RW | PROT_EXEC);
}

static int any_file(void)
{
	if (one_in(8))
		return PICK(0, 1) ? 9999 : -1;
	switch (rnd(12)) {
	case 0:
		return sealed;
	case 1:
		return read_only;
	case 2:
		return directory;
	default:
		return rnd(2) ? file : mem_file;
	}
}

/* -- mappings -- */

static void any_munmap(struct call *c)
{
	c->nr = SYS_munmap;
	c->arg[0] = any_addr();
	c->arg[1] = any_len(c->arg[0]);
}

static int any_map_flags(void)
{
	int flags = rnd(4) ? MAP_FIXED :
			     PICK(MAP_FIXED_NOREPLACE, 0,
				  MAP_FIXED | MAP_FIXED_NOREPLACE);

	flags |= rnd(10) ? PICK(MAP_PRIVATE, MAP_PRIVATE, MAP_SHARED) :
			   PICK(MAP_SHARED_VALIDATE, 0, 8);
	if (one_in(3))
		flags |= PICK(MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED,
			      MAP_32BIT, MAP_STACK, MAP_SYNC, MAP_HUGETLB,
			      MAP_HUGETLB | 21 << 26, MAP_HUGETLB | 30 << 26,
			      1 << 24, MAP_GROWSDOWN);
	/* A stack is protected from where its mapping begins on. */
	return watching ? flags & ~MAP_GROWSDOWN : flags;
}

static void any_mmap(struct call *c)
{
	long addr = any_addr(), len = any_len(addr), flags = any_map_flags();
	bool is_anonymous = rnd(2);

	if (is_anonymous)
		flags |= MAP_ANONYMOUS;
	*c = (struct call){
		.nr = SYS_mmap,
		.arg = { addr, len, any_prot(), flags,
			 is_anonymous ? -1 : any_file(),
			 one_in(30) ? PICK(512, -PAGE, 1L << 44) :
				      (long)(rnd(8) * PAGE) },
		.asked = len,
	};
}

static void any_mremap(struct call *c)
{
	long addr = any_addr(), old = any_len(addr), len = old;

	if (one_in(3))
		len = any_len(addr);
	/* A shared mapping is doubled by a move of nothing. */
	if (one_in(20))
		old = 0;
	*c = (struct call){
		.nr = SYS_mremap,
		.arg = { addr, old, len,
			 PICK(0, 1, 1, 3, 3, 3, 5, 7, 2, 4, 6, 8), any_addr() },
		.asked = len,
	};
}

static void any_mprotect(struct call *c)
{
	c->nr = SYS_mprotect;
	c->arg[0] = any_addr();
	c->arg[1] = any_len(c->arg[0]);
	c->arg[2] = rnd(20) ? any_prot() :
			      PICK(PROT_READ | PROT_GROWSDOWN, PROT_GROWSUP,
				   PROT_GROWSUP | PROT_GROWSDOWN, 8, 0x40000,
				   1L << 32);
}

static void any_pkey_mprotect(struct call *c)
{
	any_mprotect(c);
	c->nr = SYS_pkey_mprotect;
	c->arg[3] = PICK(-1, -1, -1, 0, 1, 9, 16);
}

static void any_remap_file_pages(struct call *c)
{
	c->nr = SYS_remap_file_pages;
	c->arg[0] = any_addr();
	c->arg[1] = any_len(c->arg[0]);
	c->arg[2] = one_in(20);
	c->arg[3] = one_in(20) ? -1 : (long)rnd(8);
	c->arg[4] = PICK(0, 0, MAP_NONBLOCK, 1 << 20);
}

/* -- advice -- */

/* 0 to 25 and 100 to 103 there are; poisoning is refused. */
static long any_advice(void)
{
	long advice = rnd(2) ? PICK(MADV_DONTNEED, MADV_DONTNEED, MADV_REMOVE,
				    MADV_FREE, MADV_HUGEPAGE, 25, 102, 103) :
		      rnd(8) ? (long)rnd(26) :
			       PICK(100, 101, 102, 103, 26, 9999, -1);

	if (advice == (frees ? MADV_PAGEOUT : MADV_FREE))
		return MADV_COLD;
	/* userfaultfd has none that would fill holes. */
	if (advice == 25 && watching)
		return MADV_HUGEPAGE;
	return advice;
}

static void any_madvise(struct call *c)
{
	c->nr = SYS_madvise;
	c->arg[0] = any_addr();
	c->arg[1] = any_advised_len(c->arg[0]);
	c->arg[2] = any_advice();
}

static int any_pidfd(void)
{
	if (rnd(4))
		return self_pidfd;
	switch (rnd(4)) {
	case 0:
		return other_pidfd;
	case 1:
		return dead_pidfd;
	case 2:
		return file;
	default:	/* this very process; newer than the headers */
		return PICK(-1, 9999, -10000, -10001);
	}
}

static void any_process_madvise(struct call *c)
{
	static struct iovec iov[20];
	long n = one_in(12) ? PICK(20, 17, IOV_MAX + 1, -1) : (long)rnd(5);

	for (int i = 0; i < 20; i++) {
		iov[i].iov_base = (void *)any_addr();
		iov[i].iov_len = any_advised_len((long)iov[i].iov_base);
	}
	*c = (struct call){
		.nr = SYS_process_madvise,
		.arg = { any_pidfd(), one_in(20) ? wild_addr() : (long)iov, n,
			 any_advice(), one_in(30) },
	};
}

/* -- the break -- */

static void any_brk(struct call *c)
{
	c->nr = SYS_brk;
	c->arg[0] = rnd(10) ? (long)(heap + rnd(HEAP * PAGE)) : wild_addr();
}

/* libc's own idea of the break is behind when others have moved it. */
static void any_sbrk(struct call *c)
{
	long to = (long)heap + rnd(HEAP * PAGE);

	c->nr = CALL_SBRK;
	c->arg[0] = rnd(4) ? to - (long)sbrk(0) :
			     PICK(0, 0, 1L << 46, -(1L << 46), LONG_MIN,
				  LONG_MAX);
}

/* -- System V shared memory -- */

static long last_attached;

static void any_shmat(struct call *c)
{
	int i = rnd(NR_SEGMENTS);

	last_attached = any_addr();
	*c = (struct call){
		.nr = SYS_shmat,
		.arg = { rnd(20) ? segment[i] : PICK(-1, 1 << 30),
			 rnd(20) ? last_attached : 0,
			 PICK(SHM_REMAP, SHM_REMAP, SHM_REMAP | SHM_RND, 0,
			      SHM_RND, SHM_REMAP | SHM_RDONLY, SHM_RDONLY,
			      SHM_EXEC, SHM_REMAP | 1 << 20) },
		.asked = segment_pages[i] * PAGE,
	};
}

static void any_shmdt(struct call *c)
{
	c->nr = SYS_shmdt;
	c->arg[0] = rnd(2) ? last_attached : any_addr();
}

/* -- files -- */

/* Whole pages, half of the time. */
static long some_bytes(int pages)
{
	return rnd(pages) * PAGE + rnd(2) * rnd(PAGE);
}

static long any_size(void)
{
	return one_in(12) ? PICK(-1, LONG_MIN, LONG_MAX, 1L << 40, 32L << 20) :
			    some_bytes(16);
}

static long any_path(void)
{
	switch (rnd(16)) {
	case 0:
		return wild_addr();
	case 1:
		return (long)LINK_NAME;
	case 2:
		return (long)"none";
	case 3:
		return (long)"none/file";
	case 4:
		return (long)FILE_NAME "/file";
	case 5:
		return (long)".";
	case 6:
		return (long)"";
	case 7:
		return (long)long_name;
	case 8:
	case 9:
	case 10:
		return (long)mem_file_name;
	default:
		return (long)FILE_NAME;
	}
}

static void any_ftruncate(struct call *c)
{
	c->nr = SYS_ftruncate;
	c->arg[0] = any_file();
	c->arg[1] = any_size();
}

static void any_truncate(struct call *c)
{
	c->nr = SYS_truncate;
	c->arg[0] = any_path();
	c->arg[1] = any_size();
}

/*
 * Allocate, punch, collapse, zero, insert, unshare, and no such thing; with the
 * size kept or not.  Never much: it would be had.
 */
static void any_fallocate(struct call *c)
{
	int mode = PICK(0, 1, 3, 3, 3, 3, 2, 8, 0x10, 0x11, 0x20, 0x40, 0x200);
	bool takes = mode == 3 || mode == FALLOC_FL_COLLAPSE_RANGE;

	*c = (struct call){
		.nr = SYS_fallocate,
		.arg = { any_file(), mode,
			 one_in(20) ? PICK(-1, LONG_MAX, LONG_MAX - PAGE + 1) :
				      some_bytes(12),
			 takes && one_in(8) ? PICK(-1, 1L << 40, LONG_MAX) :
					      some_bytes(4) },
	};
}

/* Without O_NONBLOCK nothing here would block. */
static long any_open_flags(void)
{
	long flags = PICK(O_RDONLY, O_WRONLY, O_RDWR, O_RDWR);

	flags |= PICK(O_TRUNC, O_TRUNC, O_TRUNC, 0);
	return flags | PICK(0, 0, 0, O_CREAT, O_CREAT | O_EXCL, O_APPEND,
			    O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC);
}

/* struct open_how, in which O_TRUNC comes first. */
static void make_openat2(struct call *c)
{
	static uint64_t how[3];

	how[0] = c->arg[2];
	how[1] = c->arg[2] & O_CREAT ? c->arg[3] : 0;
	c->nr = 437;	/* newer than the headers */
	c->arg[2] = one_in(20) ? wild_addr() : (long)how;
	c->arg[3] = one_in(20) ? 5 : sizeof(how);
}

static void any_open(struct call *c)
{
	long path = one_in(8) ? (long)NEW_NAME : any_path();
	long flags = any_open_flags(), mode = rnd(01000);

	*c = (struct call){
		.nr = SYS_openat,
		.arg = { PICK(AT_FDCWD, AT_FDCWD, 0, -1), path, flags, mode },
	};
	if (!c->arg[0])
		c->arg[0] = directory;
	switch (rnd(5)) {
	case 0:
		*c = (struct call){ .nr = SYS_open,
				    .arg = { path, flags, mode } };
		break;
	case 1:
		*c = (struct call){ .nr = SYS_creat, .arg = { path, mode } };
		break;
	case 2:
		make_openat2(c);
		break;
	}
}

/* -- programs that do not start -- */

/* What is a program gets arguments that it cannot have. */
static void any_exec(struct call *c)
{
	static char *const none[] = { NULL };
	bool is_program = one_in(4);
	long path = is_program ? (long)"/proc/self/exe" : any_path();
	long argv = is_program ? PICK(1L << 47, -PAGE) : (long)none;

	switch (rnd(3)) {
	case 0:
		*c = (struct call){ .nr = CALL_FEXECVE,
				    .arg = { any_file(), argv, (long)none } };
		break;
	case 1:
		*c = (struct call){ .nr = SYS_execveat,
				    .arg = { PICK(AT_FDCWD, -1), path, argv,
					     (long)none, PICK(0, 0, 1) } };
		break;
	default:
		*c = (struct call){ .nr = SYS_execve,
				    .arg = { path, argv, (long)none } };
	}
}

/* -- any of them -- */

/* Of no interest to us; syscall() is to pass it on. */
static void any_other(struct call *c)
{
	c->nr = PICK(SYS_getppid, SYS_getpgid, SYS_sched_yield, 1000, -5);
	c->arg[0] = PICK(0, 0, -1);
}

struct kind {
	const char *name;
	void (*any)(struct call *);
	int weight;
	bool may_succeed;
};

static const struct kind kinds[] = {
	{ "munmap", any_munmap, 5, true },
	{ "mmap", any_mmap, 27, true },
	{ "mremap", any_mremap, 24, true },
	{ "mprotect", any_mprotect, 7, true },
	{ "pkey_mprotect", any_pkey_mprotect, 2, true },
	{ "remap_file_pages", any_remap_file_pages, 4, true },
	{ "madvise", any_madvise, 14, true },
	{ "process_madvise", any_process_madvise, 5, true },
	{ "brk", any_brk, 4, true },
	{ "sbrk", any_sbrk, 4, true },
	{ "shmat", any_shmat, 8, true },
	{ "shmdt", any_shmdt, 5, true },
	{ "ftruncate", any_ftruncate, 4, true },
	{ "truncate", any_truncate, 2, true },
	{ "fallocate", any_fallocate, 4, true },
	{ "open", any_open, 3, true },
	{ "exec", any_exec, 1, false },
	{ "other", any_other, 1, true },
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *any_kind(void)
{
	long sum = 0, at;
	size_t i;

	for (i = 0; i < NR_KINDS; i++)
		sum += kinds[i].weight;
	at = rnd(sum);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	return &kinds[i];
}

static void random_call(struct call *c)
{
	const struct kind *kind = any_kind();

	*c = (struct call){ 0 };
	kind->any(c);
	c->kind = kind;
	c->way = PICK(FUNCTION, FUNCTION, FUNCTION, FUNCTION, FUNCTION, SYSCALL,
		      SYSCALL, INSTRUCTION);
	c->large = rnd(2);
	c->err = rnd(200);
}

/* -- making it -- */

#define PTR(i) ((void *)a[i])

static long memory_function(long nr, const long *a)
{
	switch (nr) {
	case SYS_munmap:
		return munmap(PTR(0), a[1]);
	case SYS_mremap:
		return (long)mremap(PTR(0), a[1], a[2], a[3], a[4]);
	case SYS_madvise:
		return madvise(PTR(0), a[1], a[2]);
	case SYS_process_madvise:
		return process_madvise(a[0], PTR(1), a[2], a[3], a[4]);
	case SYS_mprotect:
		return mprotect(PTR(0), a[1], a[2]);
	case SYS_pkey_mprotect:
		return pkey_mprotect(PTR(0), a[1], a[2], a[3]);
	case SYS_brk:
		return brk(PTR(0));
	case CALL_SBRK:
		return (long)sbrk(a[0]);
	case SYS_shmat:
		return (long)shmat(a[0], PTR(1), a[2]);
	case SYS_shmdt:
		return shmdt(PTR(0));
	case SYS_remap_file_pages:
		return remap_file_pages(PTR(0), a[1], a[2], a[3], a[4]);
	case SYS_execve:
		return execve(PTR(0), PTR(1), PTR(2));
	case SYS_execveat:
		return execveat(a[0], PTR(1), PTR(2), PTR(3), a[4]);
	case CALL_FEXECVE:
		return fexecve(a[0], PTR(1), PTR(2));
	}
	return syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long file_function(long nr, const long *a)
{
	switch (nr) {
	case SYS_mmap:
		return (long)mmap(PTR(0), a[1], a[2], a[3], a[4], a[5]);
	case SYS_ftruncate:
		return ftruncate(a[0], a[1]);
	case SYS_truncate:
		return truncate(PTR(0), a[1]);
	case SYS_fallocate:
		return fallocate(a[0], a[1], a[2], a[3]);
	case SYS_open:
		return open(PTR(0), a[1], a[2]);
	case SYS_openat:
		return openat(a[0], PTR(1), a[2], a[3]);
	case SYS_creat:
		return creat(PTR(0), a[1]);
	}
	return memory_function(nr, a);
}

static long large_file_function(long nr, const long *a)
{
	switch (nr) {
	case SYS_mmap:
		return (long)mmap64(PTR(0), a[1], a[2], a[3], a[4], a[5]);
	case SYS_ftruncate:
		return ftruncate64(a[0], a[1]);
	case SYS_truncate:
		return truncate64(PTR(0), a[1]);
	case SYS_fallocate:
		return fallocate64(a[0], a[1], a[2], a[3]);
	case SYS_open:
		return open64(PTR(0), a[1], a[2]);
	case SYS_openat:
		return openat64(a[0], PTR(1), a[2], a[3]);
	case SYS_creat:
		return creat64(PTR(0), a[1]);
	}
	return memory_function(nr, a);
}

static long by_instruction(const struct call *c)
{
	const long *a = c->arg;
	long ret = raw(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (ret >= 0 || ret < -MAX_ERRNO)
		return ret;
	errno = -ret;
	return -1;
}

static long make_call(const struct call *c)
{
	const long *a = c->arg;

	errno = c->err;
	if (c->nr == CALL_SBRK || c->nr == CALL_FEXECVE || c->way == FUNCTION)
		return c->large ? large_file_function(c->nr, a) :
				  file_function(c->nr, a);
	if (c->way == SYSCALL)
		return syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return by_instruction(c);
}

#endif /* TWIN_CALLS_H */
