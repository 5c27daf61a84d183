/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef THREE_WAYS_H
#define THREE_WAYS_H
/*
 * A call through libc, by syscall(), and by an instruction, each time on memory
 * that was made anew: the same result and errno, the same memory afterwards, and
 * the same is told at the same time.
 */
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "seccomp.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define AREA 64		/* pages, of which there is memory in the first ... */
#define USED 16
#define NR_ADVICE 111

static char *const area = (char *)(1UL << 40);
static char *heap;	/* the break, with nobody's memory above it */
static int mem;		/* ours, whatever its protection */
static int memfd, file, self_fd;
static char path[] = "/tmp/mmunotify-seccomp-XXXXXX";
static char self_path[64];
static bool watching;

struct call {
	long nr;
	long arg[6];
};

/* -- three ways -- */

static long by_libc(const struct call *c)
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
	}
	bail("no function for call %ld", c->nr);
}

/* The kernel answers with the break, whether that has moved or not. */
static long as_brk(const struct call *c, long ret)
{
	if (c->nr != SYS_brk)
		return ret;
	if ((unsigned long)ret >= (unsigned long)c->arg[0])
		return 0;
	errno = ENOMEM;
	return -1;
}

static long by_syscall(const struct call *c)
{
	const long *a = c->arg;

	return as_brk(c, syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]));
}

static long by_instruction(const struct call *c)
{
	const long *a = c->arg;
	long ret = raw(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (ret >= 0 || ret < -4095)
		return as_brk(c, ret);
	errno = -ret;
	return -1;
}

static long (*const way[])(const struct call *) = {
	by_libc, by_syscall, by_instruction,
};
static const char *const way_name[] = { "libc", "syscall()", "instruction" };
#define NR_WAYS 3

/* -- like memory -- */

static char *map_at(char *at, size_t n, int flags, int fd, long offset)
{
	long got = raw(SYS_mmap, (long)at, n * PAGE, RW, flags | MAP_FIXED, fd,
		       offset);

	if (got != (long)at)
		bail("cannot map at %p: %s", at, strerror(-got));
	return at;
}

/* A letter in each page. */
static void touch(char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)at)[i * PAGE] = 'a' + i % 26;
}

static void anon(void)
{
	touch(map_at(area, USED, ANON, -1, 0), USED);
}

static void anon_shared(void)
{
	touch(map_at(area, USED, MAP_SHARED | MAP_ANONYMOUS, -1, 0), USED);
}

/* The next page is somebody else's, so that nothing grows in place. */
static void anon_between(void)
{
	anon();
	map_at(area + USED * PAGE, 1, ANON, -1, 0);
}

static void fill(int fd)
{
	for (int i = 0; i < USED; i++) {
		char c = 'A' + i;

		if (pwrite(fd, &c, 1, i * PAGE) != 1)
			bail("cannot write");
	}
}

/* Raw, as it is told of: what is mapped of it is not, yet. */
static void renew(int fd)
{
	raw3(SYS_ftruncate, fd, 0, 0);
	raw3(SYS_ftruncate, fd, USED * PAGE, 0);
	fill(fd);
}

static void of_memfd(void)
{
	renew(memfd);
	touch(map_at(area, USED, MAP_SHARED, memfd, 0), USED);
}

/* Its second half twice. */
static void of_file(void)
{
	renew(file);
	touch(map_at(area, USED, MAP_SHARED, file, 0), USED);
	touch(map_at(area + 2 * USED * PAGE, USED / 2, MAP_SHARED, file,
		     USED / 2 * PAGE), USED / 2);
}

static int segment;

static void make_segment(void)
{
	segment = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600);
	if (segment < 0)
		bail("shmget: %s", strerror(errno));
}

static void of_segment(void)
{
	make_segment();
	if (raw3(SYS_shmat, segment, (long)area, 0) != (long)area)
		bail("shmat");
	touch(area, 4);
	/* Gone with the last of its mappings. */
	shmctl(segment, IPC_RMID, NULL);
}

/* What of it has been replaced is not taken away. */
static void of_broken_segment(void)
{
	of_segment();
	touch(map_at(area + PAGE, 1, ANON, -1, 0), 1);
}

static void beside_segment(void)
{
	anon();
	make_segment();
}

static void heap_of_8(void)
{
	if (brk(heap + 8 * PAGE))
		bail("brk: %s", strerror(errno));
	touch(heap, 8);
}

/* Nothing of it is left for the next. */
static void clear(void)
{
	raw3(SYS_munmap, (long)area, AREA * PAGE, 0);
	if (brk(heap))
		bail("brk: %s", strerror(errno));
	if (segment)
		shmctl(segment, IPC_RMID, NULL);
	segment = 0;
}

/* -- what comes of it -- */

#define ELSEWHERE 0x6e6f7768657265L	/* where the kernel likes */

struct outcome {
	long ret;
	int err;
	int nr;
	struct heard log[8];
	signed char page[AREA + 10];	/* the letter in each; -1: not mapped */
};

static long normal(const struct call *c, long ret)
{
	bool maps = c->nr == SYS_mmap || c->nr == SYS_mremap ||
		    c->nr == SYS_shmat;

	if (!maps || ret == -1)
		return ret;
	if (ret >= (long)area && ret < (long)area + AREA * (long)PAGE)
		return ret;
	return ELSEWHERE;
}

static void read_page(const char *at, signed char *ret)
{
	unsigned char vec;
	char c;

	*ret = -1;
	if (raw3(SYS_mincore, (long)at, PAGE, (long)&vec))
		return;
	*ret = -2;	/* mapped, and not to be read: beyond the file's end */
	if (pread(mem, &c, 1, (off_t)at) == 1)
		*ret = c;
}

static void read_pages(struct outcome *o)
{
	for (int i = 0; i < AREA; i++)
		read_page(area + i * PAGE, &o->page[i]);
	for (int i = 0; i < 10; i++)
		read_page(heap + i * PAGE, &o->page[AREA + i]);
}

static void undo(const struct call *c, long ret)
{
	bool opens = c->nr == SYS_open || c->nr == SYS_openat ||
		     c->nr == SYS_creat;

	if (opens && ret >= 0)
		close(ret);
	if (c->nr == SYS_mmap && ret != -1)
		raw3(SYS_munmap, ret, c->arg[1], 0);
	if (c->nr == SYS_mremap && normal(c, ret) == ELSEWHERE)
		raw3(SYS_munmap, ret, c->arg[2], 0);
}

static struct mmun_watch watch, heap_watch;

static void set_watch(void)
{
	if (!watching)
		return;
	if (mmun_watch(&watch, mm_self(), (long)area,
		       (long)area + AREA * PAGE) ||
	    mmun_watch(&heap_watch, mm_self(), (long)heap - PAGE,
		       (long)heap + 16 * PAGE))
		bail("watch");
}

static void end_watch(void)
{
	if (!watching)
		return;
	mmun_unwatch(&watch);
	mmun_unwatch(&heap_watch);
}

static struct outcome perform(void (*prepare)(void), struct call c, int w)
{
	struct outcome o = { 0 };
	long ret;

	if (prepare)
		prepare();
	if (c.nr == SYS_shmat && !c.arg[0])
		c.arg[0] = segment;
	set_watch();
	mmun_settle(mm_self());
	listen_now();
	errno = 0;
	ret = way[w](&c);
	o.err = errno;
	mmun_settle(mm_self());
	o.nr = listened();
	o.ret = normal(&c, ret);
	memcpy(o.log, heard, sizeof(o.log));
	read_pages(&o);
	undo(&c, ret);
	end_watch();
	clear();
	return o;
}

static void tell_outcome(const char *whose, const struct outcome *o)
{
	char text[AREA + 11] = "";

	for (int i = 0; i < AREA + 10; i++)
		text[i] = o->page[i] == -1 ? '-' : o->page[i] == -2 ? '!' :
			  o->page[i] == 0 ? '0' : o->page[i];
	diag("by %s: %#lx errno %d, %d callbacks", whose, o->ret, o->err, o->nr);
	diag("  %s", text);
	for (int i = 0; i < o->nr && i < 8; i++)
		diag("  %s event %d [%#lx, %#lx) flags %#x mapped %d resident %d",
		     o->log[i].is_end ? "end  " : "start", o->log[i].event,
		     o->log[i].start, o->log[i].end, o->log[i].flags,
		     o->log[i].mapped, o->log[i].resident);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	bool alike = a->ret == b->ret && a->err == b->err && a->nr == b->nr &&
		     !memcmp(a->page, b->page, sizeof(a->page));

	for (int i = 0; i < a->nr && i < 8; i++) {
		const struct heard *x = &a->log[i], *y = &b->log[i];

		alike = alike && x->start == y->start && x->end == y->end &&
			x->event == y->event && x->flags == y->flags &&
			x->is_end == y->is_end && x->mapped == y->mapped &&
			x->resident == y->resident &&
			x->read_only == y->read_only;
	}
	return alike;
}

/* Whoever was told of something was told of its start first. */
static bool in_pairs(const struct outcome *o)
{
	int depth = 0;

	for (int i = 0; i < o->nr && i < 8; i++) {
		depth += o->log[i].is_end ? -1 : 1;
		if (depth < 0 || (o->log[i].flags & MMUN_RANGE_AFTER))
			return false;
	}
	return !depth;
}

/* @ranges: how many are told of; @err: of what it fails. */
static bool alike(const char *name, void (*prepare)(void), struct call c,
		  int err, int ranges)
{
	struct outcome o[NR_WAYS];
	bool right = true;

	for (int w = 0; w < NR_WAYS; w++) {
		o[w] = perform(prepare, c, w);
		right = right && same(&o[0], &o[w]) && in_pairs(&o[w]) &&
			(err < 0 || o[w].err == err) &&
			(ranges < 0 || o[w].nr == 2 * ranges);
	}
	if (!right) {
		diag("%s", name);
		for (int w = 0; w < NR_WAYS; w++)
			tell_outcome(way_name[w], &o[w]);
	}
	return right;
}

struct operation {
	const char *name;
	void (*prepare)(void);
	int err;
	int ranges;
	struct call call;
};

static void test_operations(const char *subject, const struct operation *op,
			    size_t n)
{
	int right = 0;

	for (size_t i = 0; i < n; i++)
		right += alike(op[i].name, op[i].prepare, op[i].call, op[i].err,
			       op[i].ranges);
	ok(right == (int)n, "%s: %zu calls, each the same in three ways",
	   subject, n);
}

#define AREA_AT(page) ((1L << 40) + (page) * (long)PAGE)
#define LEN(pages) ((pages) * (long)PAGE)
#define TEST(subject, ...)                                                     \
	do {                                                                   \
		const struct operation ops[] = { __VA_ARGS__ };                \
		test_operations(subject, ops, sizeof(ops) / sizeof(ops[0]));   \
	} while (0)

#endif /* THREE_WAYS_H */
