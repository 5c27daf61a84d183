// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Nobody can tell from a mapping call that it is watched: the result, errno
 * and the memory are those of the kernel.  A table of calls, right and wrong,
 * each made once through libc and once past it, on two areas built alike.
 */
#include <fcntl.h>
#include <sys/shm.h>

#include "live.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define AREA 16
#define UNTOUCHED 77

/* Pages 0-7 can be written, 8-9 are a hole, 10-11 read, 12-15 nothing. */
static void build(char *area)
{
	raw(SYS_mmap, (long)area, AREA * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	for (int i = 0; i < 8; i++)
		area[i * PAGE] = i + 1;
	drop(area + 8 * PAGE, 2);
	raw3(SYS_mprotect, (long)area + 10 * PAGE, 2 * PAGE, PROT_READ);
	raw3(SYS_mprotect, (long)area + 12 * PAGE, 4 * PAGE, PROT_NONE);
}

struct call {
	const char *name;
	long nr;
	long arg[6];
	unsigned int relative; /* bit n: argument n counts from the area */
};

#define P(n) ((n) * (long)PAGE)
#define FIXED (ANON | MAP_FIXED)
#define NOREPLACE (ANON | MAP_FIXED_NOREPLACE)
#define MOVE MREMAP_MAYMOVE
#define TO (MREMAP_MAYMOVE | MREMAP_FIXED)
#define PATH(path) (long)(path)
#define CUT (O_RDWR | O_TRUNC)
static const struct call calls[] = {
	{ "munmap", SYS_munmap, { 0, P(2) }, 1 },
	{ "munmap a byte", SYS_munmap, { P(1), 1 }, 1 },
	{ "munmap a hole", SYS_munmap, { P(8), P(2) }, 1 },
	{ "munmap across", SYS_munmap, { P(6), P(6) }, 1 },
	{ "munmap unaligned", SYS_munmap, { 5, P(1) }, 1 },
	{ "munmap nothing", SYS_munmap, { 0, 0 }, 1 },
	{ "munmap beyond", SYS_munmap, { 0, P(-1) }, 1 },
	{ "munmap the kernel", SYS_munmap, { P(-64), P(1) }, 0 },
	{ "mmap", SYS_mmap, { 0, P(2), RW, ANON, -1, 0 }, 0 },
	{ "mmap fixed", SYS_mmap, { P(1), P(2), RW, FIXED, -1, 0 }, 1 },
	{ "mmap fixed hole", SYS_mmap, { P(8), 9, RW, FIXED, -1, 0 }, 1 },
	{ "mmap hint", SYS_mmap, { P(8), P(1), RW, ANON, -1, 0 }, 1 },
	{ "mmap noreplace", SYS_mmap, { 0, P(1), RW, NOREPLACE, -1, 0 }, 1 },
	{ "mmap both fixed", SYS_mmap,
	  { 0, P(1), RW, FIXED | NOREPLACE, -1, 0 }, 1 },
	{ "mmap bad file", SYS_mmap,
	  { 0, P(1), RW, MAP_PRIVATE | MAP_FIXED, 9999, 0 }, 1 },
	{ "mmap bad offset", SYS_mmap, { 0, P(1), RW, FIXED, -1, 3 }, 1 },
	{ "mmap no kind", SYS_mmap,
	  { 0, P(1), RW, MAP_ANONYMOUS | MAP_FIXED, -1, 0 }, 1 },
	{ "mmap unaligned", SYS_mmap, { 1, P(1), RW, FIXED, -1, 0 }, 1 },
	{ "mmap length 0", SYS_mmap, { 0, 0, RW, FIXED, -1, 0 }, 1 },
	{ "mmap too long", SYS_mmap, { 0, P(-2), RW, FIXED, -1, 0 }, 1 },
	{ "mremap shrink", SYS_mremap, { 0, P(4), P(1), 0, 0 }, 1 },
	{ "mremap in place", SYS_mremap, { P(7), P(1), P(2), 0, 0 }, 1 },
	{ "mremap no room", SYS_mremap, { P(7), P(1), P(6), 0, 0 }, 1 },
	{ "mremap may move", SYS_mremap, { P(6), P(2), P(6), MOVE, 0 }, 1 },
	{ "mremap fixed", SYS_mremap, { 0, P(2), P(2), TO, P(4) }, 17 },
	{ "mremap fixed hole", SYS_mremap, { 0, P(2), P(2), TO, P(8) }, 17 },
	{ "mremap fixed grow", SYS_mremap, { 0, P(1), P(3), TO, P(4) }, 17 },
	{ "mremap overlap", SYS_mremap, { 0, P(2), P(2), TO, P(1) }, 17 },
	{ "mremap only fixed", SYS_mremap,
	  { 0, P(2), P(2), MREMAP_FIXED, P(4) }, 17 },
	{ "mremap unaligned to", SYS_mremap,
	  { 0, P(2), P(2), TO, P(4) + 1 }, 17 },
	{ "mremap dontunmap", SYS_mremap,
	  { 0, P(2), P(2), MOVE | MREMAP_DONTUNMAP, 0 }, 1 },
	{ "mremap dontunmap to", SYS_mremap,
	  { 0, P(2), P(2), TO | MREMAP_DONTUNMAP, P(5) }, 17 },
	{ "mremap dontunmap grow", SYS_mremap,
	  { 0, P(2), P(3), MOVE | MREMAP_DONTUNMAP, 0 }, 1 },
	{ "mremap bad flag", SYS_mremap, { 0, P(2), P(2), 64, 0 }, 1 },
	{ "mremap a hole", SYS_mremap, { P(8), P(1), P(2), MOVE, 0 }, 1 },
	{ "mremap hole to", SYS_mremap, { P(8), P(1), P(1), TO, P(4) }, 17 },
	{ "mremap to size 0", SYS_mremap, { 0, P(1), 0, MOVE, 0 }, 1 },
	{ "mremap private from 0", SYS_mremap, { 0, 0, P(1), MOVE, 0 }, 1 },
	{ "mremap huge", SYS_mremap, { 0, P(1), 1L << 46, MOVE, 0 }, 1 },
	{ "mremap two mappings", SYS_mremap,
	  { P(10), P(4), P(6), MOVE, 0 }, 1 },
	{ "madvise dontneed", SYS_madvise, { 0, P(3), MADV_DONTNEED }, 1 },
	{ "madvise a byte", SYS_madvise, { P(3), 1, MADV_DONTNEED }, 1 },
	{ "madvise hole", SYS_madvise, { P(6), P(6), MADV_DONTNEED }, 1 },
	{ "madvise free", SYS_madvise, { 0, P(2), MADV_FREE }, 1 },
	{ "madvise remove", SYS_madvise, { 0, P(2), MADV_REMOVE }, 1 },
	{ "madvise willneed", SYS_madvise, { 0, P(2), MADV_WILLNEED }, 1 },
	{ "madvise bad", SYS_madvise, { 0, P(2), 9999 }, 1 },
	{ "madvise unaligned", SYS_madvise, { 7, P(2), MADV_DONTNEED }, 1 },
	{ "madvise nothing", SYS_madvise, { 0, 0, MADV_DONTNEED }, 1 },
	{ "madvise beyond", SYS_madvise, { 0, -1, MADV_DONTNEED }, 1 },
	{ "mprotect read", SYS_mprotect, { 0, P(2), PROT_READ }, 1 },
	{ "mprotect none", SYS_mprotect, { P(1), 1, PROT_NONE }, 1 },
	{ "mprotect hole", SYS_mprotect, { P(6), P(6), PROT_READ }, 1 },
	{ "mprotect bad", SYS_mprotect, { 0, P(2), 0x40000 }, 1 },
	{ "mprotect grows down", SYS_mprotect,
	  { 0, P(2), PROT_READ | PROT_GROWSDOWN }, 1 },
	{ "mprotect both ways", SYS_mprotect,
	  { 0, P(2), PROT_GROWSUP | PROT_GROWSDOWN }, 1 },
#ifdef __GLIBC__	/* musl aligns it */
	{ "mprotect unaligned", SYS_mprotect, { 3, P(2), PROT_READ }, 1 },
#endif
	{ "mprotect beyond", SYS_mprotect, { 0, P(-1), PROT_READ }, 1 },
	{ "pkey_mprotect", SYS_pkey_mprotect, { 0, P(2), PROT_READ, -1 }, 1 },
	{ "pkey_mprotect no key", SYS_pkey_mprotect,
	  { 0, P(2), PROT_READ, 14 }, 1 },
	{ "shmdt nothing", SYS_shmdt, { 0 }, 1 },
	{ "shmdt unaligned", SYS_shmdt, { 1 }, 1 },
	{ "shmat bad", SYS_shmat, { -1, 0, SHM_REMAP }, 2 },
	{ "shmat to null", SYS_shmat, { -1, 0, SHM_REMAP }, 0 },
	{ "remap_file_pages of no file", SYS_remap_file_pages,
	  { 0, P(2), 0, 0, 0 }, 1 },
	{ "ftruncate bad", SYS_ftruncate, { -1, 0 }, 0 },
	{ "truncate of no path", SYS_truncate, { 0, 0 }, 0 },
	{ "fallocate bad", SYS_fallocate, { -1, 3, 0, P(1) }, 0 },
	{ "open a directory to cut it", SYS_open, { PATH("/"), CUT }, 0 },
	{ "openat of a bad directory", SYS_openat, { -1, PATH("x"), CUT }, 0 },
	{ "creat a directory", SYS_creat, { PATH("/"), 0600 }, 0 },
	{ "execve of no path", SYS_execve, { 0, 0, 0 }, 0 },
	{ "execve of no program", SYS_execve, { PATH("/"), 0, 0 }, 0 },
	{ "execveat bad", SYS_execveat, { -1, PATH("x"), 0, 0, 0 }, 0 },
	{ "process_madvise bad", SYS_process_madvise,
	  { -1, 0, 1, MADV_DONTNEED, 0 }, 2 },
	{ "process_madvise flags", SYS_process_madvise,
	  { -1, 0, 1, MADV_COLD, 9 }, 2 },
};

/* NULL where there must be none is a test, too. */
__attribute__((no_sanitize("nonnull-attribute")))
static long by_name(long nr, const long *a)
{
	switch (nr) {
	case SYS_munmap:
		return munmap((void *)a[0], a[1]);
	case SYS_mmap:
		return (long)mmap((void *)a[0], a[1], a[2], a[3], a[4], a[5]);
	case SYS_mremap:
		return (long)mremap((void *)a[0], a[1], a[2], a[3], a[4]);
	case SYS_madvise:
		return madvise((void *)a[0], a[1], a[2]);
	case SYS_mprotect:
		return mprotect((void *)a[0], a[1], a[2]);
	case SYS_pkey_mprotect:
		return pkey_mprotect((void *)a[0], a[1], a[2], a[3]);
	case SYS_shmdt:
		return shmdt((void *)a[0]);
	case SYS_shmat:
		return (long)shmat(a[0], (void *)a[1], a[2]);
	case SYS_remap_file_pages:
		return remap_file_pages((void *)a[0], a[1], a[2], a[3], a[4]);
	case SYS_ftruncate:
		return ftruncate(a[0], a[1]);
	case SYS_truncate:
		return truncate((char *)a[0], a[1]);
	case SYS_fallocate:
		return fallocate(a[0], a[1], a[2], a[3]);
	case SYS_open:
		return open((char *)a[0], a[1], a[2]);
	case SYS_openat:
		return openat(a[0], (char *)a[1], a[2], a[3]);
	case SYS_creat:
		return creat((char *)a[0], a[1]);
	case SYS_execve:
		return execve((char *)a[0], (char **)a[1], (char **)a[2]);
	case SYS_execveat:
		return execveat(a[0], (char *)a[1], (char **)a[2],
				(char **)a[3], a[4]);
	default:
		return process_madvise(a[0], (void *)a[1], a[2], a[3], a[4]);
	}
}

enum way { KERNEL, NAME, NUMBER };

struct outcome {
	long ret;
	int err;
	unsigned char state[AREA];
};

/* Of each page: 0 unmapped, 1 empty, 2 there. */
static void survey(const char *area, unsigned char *state)
{
	unsigned char vec;

	for (int i = 0; i < AREA; i++)
		state[i] = raw3(SYS_mincore, (long)area + P(i), PAGE,
				(long)&vec) ? 0 : 1 + (vec & 1);
}

static long go(const struct call *c, enum way way, const long *a)
{
	long ret;

	if (way == NAME)
		return by_name(c->nr, a);
	if (way == NUMBER)
		return syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	ret = raw(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (ret < 0 && ret >= -MAX_ERRNO) {
		errno = -ret;
		return -1;
	}
	return ret;
}

static struct outcome make(const struct call *c, enum way way, char *area)
{
	struct outcome out = { 0 };
	long a[6];

	build(area);
	for (int i = 0; i < 6; i++)
		a[i] = c->arg[i] + (c->relative >> i & 1 ? (long)area : 0);
	errno = UNTOUCHED;
	out.ret = go(c, way, a);
	out.err = errno;
	survey(area, out.state);
	if (out.ret >= (long)area && out.ret < (long)area + P(AREA))
		out.ret -= (long)area;
	else if (out.ret != -1 && out.ret > P(1)) {
		raw3(SYS_munmap, out.ret, a[c->nr == SYS_mremap ? 2 : 1], 0);
		out.ret = LONG_MAX;
	}
	return out;
}

static bool same(struct outcome x, struct outcome y)
{
	if (x.ret == y.ret && x.err == y.err &&
	    !memcmp(x.state, y.state, sizeof(x.state)))
		return true;
	diag("kernel: %ld errno %d, we: %ld errno %d", x.ret, x.err, y.ret,
	     y.err);
	for (int i = 0; i < AREA; i++)
		if (x.state[i] != y.state[i])
			diag("page %d: kernel %d, we %d", i, x.state[i],
			     y.state[i]);
	return false;
}

static void test_table(void)
{
	char *area = pages(AREA);

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const struct call *c = &calls[i];
		struct outcome right = make(c, KERNEL, area);

		ok(same(right, make(c, NAME, area)),
		   "%s: result, errno and memory are the kernel's", c->name);
		ok(same(right, make(c, NUMBER, area)),
		   "%s, by syscall(): the same", c->name);
	}
	drop(area, AREA);
}

static void test_errno(void)
{
	char *p = pages(2);

	errno = UNTOUCHED;
	listen_now();
	ok(!munmap(p, PAGE) && listened() == 2 && errno == UNTOUCHED,
	   "callbacks that write errno: a call that succeeds leaves it alone");
	listen_now();
	ok(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_FIXED, 9999, 0) == MAP_FAILED &&
	   errno == EBADF, "and one that fails sets the right one");
	drop(p, 2);
}

static void test_move(void)
{
	char *p = pages(2), *q = pages(2), *got;

	p[PAGE] = 'm';
	got = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	ok(got == q && q[PAGE] == 'm',
	   "mremap(MREMAP_FIXED) lands where it was told to, with the data");
	p = mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		   NULL);
	ok(p != MAP_FAILED && p[PAGE] == 'm' && !q[PAGE],
	   "mremap(MREMAP_DONTUNMAP) takes the data and leaves the mapping");
	drop(p, 2);
	drop(q, 2);
}

/*
 * The break is one for the process, and libc has its own idea of errors: so
 * the same calls before the first registration, and after it.
 */
#define NR_BREAKS 12

static void note(long *out, long ret, const char *top)
{
	long here = (long)sbrk(0), kernel = raw3(SYS_brk, 0, 0, 0);

	out[0] = ret > (long)PAGE ? ret - (long)top : ret;
	out[1] = errno;
	out[2] = here - (long)top;
	out[3] = kernel - (long)top;
	errno = UNTOUCHED;
}

static void use_break(long out[NR_BREAKS][4])
{
	char *top = sbrk(0);
	int i = 0;

	errno = UNTOUCHED;
	note(out[i++], brk(top), top);
	note(out[i++], (long)sbrk(2 * PAGE), top);
	note(out[i++], (long)sbrk(-P(1)), top);
	note(out[i++], brk(top + 5), top);
	note(out[i++], brk(top), top);
	note(out[i++], brk((void *)1), top);
	note(out[i++], brk((void *)-1), top);
	note(out[i++], (long)sbrk(1L << 46), top);
	note(out[i++], (long)sbrk(-(1L << 46)), top);
	note(out[i++], (long)sbrk(-(long)top - 1), top);
	note(out[i++], syscall(SYS_brk, 1L), top);
	note(out[i++], syscall(SYS_brk, top), top);
}

static void test_break(long before[NR_BREAKS][4])
{
	long now[NR_BREAKS][4];

	use_break(now);
	for (int i = 0; i < NR_BREAKS; i++)
		ok(!memcmp(before[i], now[i], sizeof(now[i])),
		   "brk %d: %ld errno %ld at %ld, and %ld errno %ld at %ld", i,
		   before[i][0], before[i][1], before[i][2], now[i][0],
		   now[i][1], now[i][2]);
	if (before[1][0] == -1 && before[1][1] == ENOMEM)
		return skip("those calls did move the break, or fail",
			    "a libc that moves the break");
	ok(before[1][0] == 0 && before[1][2] == P(2) && before[2][2] == P(1) &&
	   before[7][1] == ENOMEM, "those calls did move the break, or fail");
}

static void test_six_arguments(void)
{
	int fd = memfd_create("six", MFD_CLOEXEC);
	char *p;

	if (fd < 0 || ftruncate(fd, 4 * PAGE) || pwrite(fd, "6", 1, P(3)) != 1)
		bail("memfd");
	p = (char *)syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd,
			    P(3));
	ok(p != MAP_FAILED && *p == '6', "syscall() passes a sixth argument");
	close(fd);
	drop(p, 1);
	errno = UNTOUCHED;
	ok(syscall(-5L) == -1 && errno == ENOSYS, "syscall() of no such call");
}

int main(void)
{
	long breaks[NR_BREAKS][4];

	tap_begin(60);
	use_break(breaks);
	record();
	test_table();
	test_errno();
	test_move();
	test_break(breaks);
	test_six_arguments();
	mmu_notifier_unregister(&recorder, mm_self());
	return tap_end();
}
