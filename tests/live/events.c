// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each watched entry point: which calls are events, of which range and kind,
 * told before the pages go and after; which calls are none; and which fail.
 */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "live.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void test_munmap(void)
{
	char *p = pages(4);
	bool right;

	listen_now();
	munmap(p, 4 * PAGE);
	right = heard_one(MMU_NOTIFY_UNMAP, p, 4 * PAGE);
	ok(right, "munmap: one start and one end of exactly its range");
	ok(right && heard[0].resident == 4,
	   "munmap: at the start the pages are still mapped");
	ok(right && !heard[1].mapped, "munmap: at the end they are gone");
	ok(right && mmu_notifier_range_blockable(
			    &(struct mmu_notifier_range){
				    .flags = heard[0].flags }) &&
		   !(heard[1].flags & MMUN_RANGE_UNCHANGED),
	   "[S74] munmap: blockable, and it did happen");

	p = pages(4);
	listen_now();
	munmap(p + PAGE, 2 * PAGE);
	ok(heard_one(MMU_NOTIFY_UNMAP, p + PAGE, 2 * PAGE) && went(2),
	   "[S78] munmap of the middle: the middle only");
	listen_now();
	munmap(p, 1);
	ok(heard_one(MMU_NOTIFY_UNMAP, p, PAGE) && went(1),
	   "[S78] munmap of one byte: one page");
	drop(p, 4);
	p = pages(4);
	listen_now();
	munmap(p, PAGE + 1);
	ok(heard_one(MMU_NOTIFY_UNMAP, p, 2 * PAGE) && went(2),
	   "[S78] munmap of a page and a byte: two pages");
	drop(p, 4);

	p = pages(6);
	raw3(SYS_mprotect, (long)p + 3 * PAGE, PAGE, PROT_READ);
	drop(p + 2 * PAGE, 1);
	listen_now();
	munmap(p, 6 * PAGE);
	ok(heard_one(MMU_NOTIFY_UNMAP, p, 6 * PAGE) && went(5),
	   "munmap of three mappings and a hole: one event");
}

static struct heard flushed;
static atomic_int flushes;

static void hear_flush(struct mmu_notifier *mn, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	(void)mn;
	(void)mm;
	flushed = (struct heard){ .start = start, .end = end };
	look(&flushed);
	atomic_fetch_add(&flushes, 1);
}

/* Subscribers that want to know of the flush and nothing else. */
static void test_flush(const char *claim, const struct mmu_notifier_ops *ops)
{
	struct mmu_notifier mn = { .ops = ops };
	char *p = pages(3);

	if (mmu_notifier_register(&mn, mm_self()))
		bail("register for flushes");
	atomic_store(&flushes, 0);
	munmap(p, 2 * PAGE);
	ok(atomic_load(&flushes) == 1 && flushed.start == (unsigned long)p &&
	   flushed.end == (unsigned long)p + 2 * PAGE && !flushed.mapped,
	   "%s: once, when the pages are gone", claim);
	munmap(p + 1, PAGE);
	ok(atomic_load(&flushes) == 1, "%s: not by a refused call", claim);
	mmu_notifier_unregister(&mn, mm_self());
	drop(p, 3);
}

static void test_flushes(void)
{
	static const struct mmu_notifier_ops since_6_6 = {
		.arch_invalidate_secondary_tlbs = hear_flush,
	};
	static const struct mmu_notifier_ops until_6_5 = {
		.invalidate_range = hear_flush,
	};

	test_flush("[S93] ->arch_invalidate_secondary_tlbs", &since_6_6);
	test_flush("[S92] ->invalidate_range", &until_6_5);
}

static void test_map_fixed(void)
{
	char *p = pages(4);
	void *got;

	listen_now();
	got = mmap(p + PAGE, PAGE + 5, RW, ANON | MAP_FIXED, -1, 0);
	ok(got == p + PAGE && heard_one(MMU_NOTIFY_UNMAP, got, 2 * PAGE) &&
	   emptied(2), "mmap(MAP_FIXED): UNMAP of what it replaces");
	listen_now();
	got = mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	ok(heard_none() && got == MAP_FAILED,
	   "mmap(MAP_FIXED_NOREPLACE): replaces nothing, silent");
	listen_now();
	got = mmap(p, PAGE, RW, ANON | MAP_FIXED | MAP_FIXED_NOREPLACE, -1, 0);
	ok(heard_none() && got == MAP_FAILED, "and so with MAP_FIXED too");
	listen_now();
	got = mmap(p, PAGE, RW, ANON, -1, 0);
	ok(heard_none() && got != MAP_FAILED,
	   "[S96] mmap() with a mere hint: silent");
	munmap(got, PAGE);
	drop(p, 4);
}

/* Pages with nothing mapped for as many behind them. */
static char *pages_with_room(size_t nr)
{
	char *p = pages(2 * nr);

	drop(p + nr * PAGE, nr);
	return p;
}

static void test_mremap(void)
{
	char *p = pages(4), *q;

	listen_now();
	q = mremap(p, 4 * PAGE, PAGE + 1, 0);
	ok(q == p && heard_one(MMU_NOTIFY_UNMAP, p + 2 * PAGE, 2 * PAGE) &&
	   went(2), "mremap that shrinks: UNMAP of the tail");
	drop(p, 2);

	p = pages_with_room(2);
	listen_now();
	q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	ok(q == p && heard_none(), "mremap that grows in place: silent");
	listen_now();
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	ok(q == p && heard_none(), "mremap to the same size: silent");
	drop(p, 4);

	p = pages(4);
	listen_now();
	q = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != p &&
	   heard_one(MMU_NOTIFY_UNMAP, p, 2 * PAGE) && went(2),
	   "mremap that has to move: UNMAP of the old place");
	drop(q, 8);
	drop(p + 2 * PAGE, 2);

	p = pages(2);
	listen_now();
	q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		   NULL);
	ok(q != MAP_FAILED && heard_one(MMU_NOTIFY_UNMAP, p, 2 * PAGE) &&
	   emptied(2), "mremap(MREMAP_DONTUNMAP): UNMAP, once");
	drop(p, 2);
	drop(q, 2);
}

static void test_mremap_fixed(void)
{
	char *p = pages(2), *q = pages(3), *got;

	listen_now();
	got = mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	ok(got == q && listened() == 4 &&
	   is_range(0, false, MMU_NOTIFY_UNMAP, q, 3 * PAGE) &&
	   is_range(1, false, MMU_NOTIFY_UNMAP, p, 2 * PAGE),
	   "mremap(MREMAP_FIXED): the destination first, then the source");
	ok(listened() == 4 && heard[0].resident == 3 && heard[1].resident == 2,
	   "mremap(MREMAP_FIXED): both before anything has moved");
	ok(listened() == 4 && heard[2].is_end && heard[3].is_end &&
	   heard_at(MMU_NOTIFY_UNMAP, p) && heard_at(MMU_NOTIFY_UNMAP, q),
	   "mremap(MREMAP_FIXED): one end for each");
	drop(q, 3);

	p = pages(4);
	q = pages(2);
	listen_now();
	got = mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	ok(got == q && heard_at(MMU_NOTIFY_UNMAP, q + PAGE) &&
	   heard_at(MMU_NOTIFY_UNMAP, p) &&
	   heard_at(MMU_NOTIFY_UNMAP, p + 3 * PAGE),
	   "mremap that moves and shrinks: all of the source");
	drop(q, 2);

	/* Old length 0 of a shared mapping: a second view, the first stays. */
	p = (char *)raw(SYS_mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	listen_now();
	q = mremap(p, 0, PAGE, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && heard_none(),
	   "mremap of length 0, a second view: silent");
	drop(p, 1);
	drop(q, 1);
}

static void test_advice(const char *name, int advice)
{
	char claim[80], *p = pages(4);
	long err;

	snprintf(claim, sizeof(claim), "madvise(%s): CLEAR", name);
	err = raw3(SYS_madvise, (long)p, PAGE, advice);
	if (err) {
		skip(claim, "this advice in this kernel");
		drop(p, 4);
		return;
	}
	listen_now();
	err = madvise(p + PAGE, PAGE + 1, advice);
	ok(!err && heard_one(MMU_NOTIFY_CLEAR, p + PAGE, 2 * PAGE) &&
	   heard[0].resident == 2 && heard[1].mapped == 2 &&
	   (advice == MADV_FREE || !heard[1].resident), "%s", claim);
	drop(p, 4);
}

static void test_madvise(void)
{
	char *p;

	test_advice("MADV_DONTNEED", MADV_DONTNEED);
	test_advice("MADV_FREE", MADV_FREE);
	test_advice("MADV_DONTNEED_LOCKED", MADV_DONTNEED_LOCKED);
	test_advice("MADV_GUARD_INSTALL", MADV_GUARD_INSTALL);

	p = (char *)raw(SYS_mmap, 0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	p[0] = p[PAGE] = 1;
	listen_now();
	ok(!madvise(p + PAGE, PAGE, MADV_REMOVE) &&
	   heard_one(MMU_NOTIFY_CLEAR, p + PAGE, PAGE) && emptied(1),
	   "madvise(MADV_REMOVE): CLEAR");
	listen_now();
	madvise(p, 2 * PAGE, MADV_NORMAL);
	madvise(p, 2 * PAGE, MADV_WILLNEED);
	madvise(p, 2 * PAGE, MADV_RANDOM);
	madvise(p, 2 * PAGE, MADV_DONTFORK);
	for (int advice = 10; advice <= 23; advice++)
		if (advice != MADV_UNMERGEABLE && advice != MADV_PAGEOUT)
			madvise(p, 2 * PAGE, advice);
	madvise(p, 2 * PAGE, MADV_GUARD_INSTALL + 1);
	ok(heard_none(), "madvise that takes nothing away: silent");
	listen_now();
	madvise(p, PAGE, MADV_PAGEOUT);
	ok(heard_one(MMU_NOTIFY_CLEAR, p, PAGE),
	   "madvise(MADV_PAGEOUT): CLEAR, whether it finds room or not");
	drop(p, 2);
}

static void test_process_madvise(void)
{
	char *p = pages(2), *q = pages(2);
	struct iovec iov[] = { { p, PAGE }, { q, 2 * PAGE } };
	int self = raw3(SYS_pidfd_open, getpid(), 0, 0);

	if (self < 0 || raw(SYS_process_madvise, self, (long)iov, 1,
			    MADV_DONTNEED, 0, 0) < 0) {
		skip("process_madvise: CLEAR of each range",
		     "process_madvise(MADV_DONTNEED) of oneself");
	} else {
		p[0] = 1;
		listen_now();
		ok(process_madvise(self, iov, 2, MADV_DONTNEED, 0) ==
			   (ssize_t)(3 * PAGE) &&
		   listened() == 4 &&
		   heard_at(MMU_NOTIFY_CLEAR, p) &&
		   heard_at(MMU_NOTIFY_CLEAR, q + PAGE) &&
		   !heard_at(MMU_NOTIFY_CLEAR, p + PAGE),
		   "process_madvise: CLEAR of each range");
	}
	close(self);
	drop(p, 2);
	drop(q, 2);
}

static bool heard_protection(const char *p, bool readable)
{
	return heard_one(MMU_NOTIFY_PROTECTION_VMA, p, 2 * PAGE) &&
	       heard[0].read_only == readable &&
	       !!(heard[0].flags & MMUN_RANGE_READABLE) == readable &&
	       heard[0].resident == 2;
}

static void test_mprotect(void)
{
	char *p = pages(3);

	listen_now();
	mprotect(p, PAGE + 1, PROT_READ);
	ok(heard_protection(p, true),
	   "[S101] mprotect to read-only: a read-only mirror may stay");
	listen_now();
	mprotect(p, 2 * PAGE, PROT_NONE);
	ok(heard_protection(p, false), "[S101] mprotect to nothing: may not");
	listen_now();
	pkey_mprotect(p, 2 * PAGE, RW, -1);
	ok(heard_one(MMU_NOTIFY_PROTECTION_VMA, p, 2 * PAGE),
	   "pkey_mprotect without a key is an mprotect, once");
	drop(p, 3);
}

static void test_brk(void)
{
	unsigned long top;
	char *p;

	listen_now();
	p = sbrk(6 * PAGE);
	if (p == (void *)-1 && errno == ENOMEM)
		return skip("brk and sbrk", "a libc that moves the break");
	ok(p != (void *)-1 && heard_none(), "sbrk that grows: silent");
	top = ((unsigned long)p + 6 * PAGE + PAGE - 1) & -PAGE;
	p = (char *)top - 4 * PAGE;
	for (int i = 0; i < 4; i++)
		p[i * PAGE] = 1;
	brk((void *)top);
	listen_now();
	brk(p + 3 * PAGE);
	ok(heard_one(MMU_NOTIFY_UNMAP, p + 3 * PAGE, PAGE) && went(1),
	   "brk that shrinks: UNMAP of what it gives back");
	listen_now();
	brk(p + 2 * PAGE + 7);
	ok(heard_none(), "brk within the last page: silent");
	listen_now();
	brk(p + PAGE + 7);
	ok(heard_one(MMU_NOTIFY_UNMAP, p + 2 * PAGE, PAGE) && went(1),
	   "[S78] brk inside a page: that page stays");
	listen_now();
	sbrk(-(long)PAGE);
	ok(heard_one(MMU_NOTIFY_UNMAP, p + PAGE, PAGE) && went(1),
	   "sbrk that shrinks: UNMAP, once");
	listen_now();
	ok(sbrk(0) == p + 7 && heard_none(), "sbrk(0): silent");
	listen_now();
	brk((void *)1);
	for (int i = 0; i < listened(); i++)
		if (heard[i].flags & MMUN_RANGE_UNCHANGED)
			p = NULL;
	ok(p && sbrk(0) == p + 7,
	   "brk below the heap: refused, but another thread's may have come between");
}

/* Exactly these pages, each in one start that is before every end. */
static bool heard_pages(enum mmu_notifier_event event, const char *p, long nr)
{
	int n = listened();
	bool right = n && n % 2 == 0;
	unsigned long sum = 0;

	for (int i = 0; i < n; i++) {
		right = right && heard[i].is_end == (i >= n / 2) &&
			heard[i].event == event;
		sum += heard[i].is_end ? 0 : heard[i].end - heard[i].start;
	}
	for (long i = 0; i < nr; i++)
		right = right && heard_at(event, p + i * PAGE);
	if (!right || sum != nr * PAGE)
		tell();
	return right && sum == nr * PAGE;
}

static void test_shm(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE + 1, IPC_CREAT | 0600);
	char *p, *q;

	if (id < 0) {
		skip("shmdt and shmat", "System V shared memory");
		return;
	}
	listen_now();
	p = shmat(id, NULL, 0);
	ok(p != (void *)-1 && heard_none(), "shmat: silent");
	for (int i = 0; i < 4; i++)
		p[i * PAGE] = 1;
	listen_now();
	shmdt(p);
	ok(heard_one(MMU_NOTIFY_UNMAP, p, 4 * PAGE) && went(4),
	   "shmdt: UNMAP of the whole segment");

	p = shmat(id, NULL, 0);
	raw3(SYS_mprotect, (long)p + PAGE, PAGE, PROT_READ);
	listen_now();
	shmdt(p);
	ok(heard_pages(MMU_NOTIFY_UNMAP, p, 4),
	   "shmdt of a segment in three mappings: each page of it once");

	p = pages(6);
	listen_now();
	q = shmat(id, p + PAGE + 9, SHM_REMAP | SHM_RND);
	ok(q == p + PAGE && heard_one(MMU_NOTIFY_UNMAP, q, 4 * PAGE) &&
	   heard[0].resident == 4 && heard[1].mapped == 4,
	   "shmat(SHM_REMAP): UNMAP of what it covers");
	listen_now();
	q = shmat(id, p, 0);
	ok(q == (void *)-1 && heard_none(),
	   "shmat without SHM_REMAP onto a mapping: refused, silent");
	drop(p, 6);
	shmctl(id, IPC_RMID, NULL);
}

/* The calls by number, through syscall(). */
static void test_syscall(void)
{
	char *p = pages(8), *q, *end = sbrk(2 * PAGE);

	/* musl leaves the break alone. */
	if (end == (void *)-1)
		end = (char *)raw3(SYS_brk, 0, 0, 0);
	end = (char *)(((unsigned long)end + PAGE - 1) & -PAGE);
	if (brk(end + PAGE))
		raw3(SYS_brk, (long)end + PAGE, 0, 0);
	end[0] = 1;
	listen_now();
	syscall(SYS_munmap, p + 7 * PAGE, PAGE);
	ok(heard_one(MMU_NOTIFY_UNMAP, p + 7 * PAGE, PAGE) && went(1),
	   "syscall(SYS_munmap)");
	listen_now();
	syscall(SYS_mmap, p + 6 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0L);
	ok(heard_one(MMU_NOTIFY_UNMAP, p + 6 * PAGE, PAGE) && emptied(1),
	   "syscall(SYS_mmap), six arguments");
	listen_now();
	syscall(SYS_madvise, p, PAGE, MADV_DONTNEED);
	ok(heard_one(MMU_NOTIFY_CLEAR, p, PAGE) && emptied(1),
	   "syscall(SYS_madvise)");
	listen_now();
	syscall(SYS_mprotect, p, PAGE, PROT_NONE);
	ok(heard_one(MMU_NOTIFY_PROTECTION_VMA, p, PAGE),
	   "syscall(SYS_mprotect)");
	listen_now();
	q = (char *)syscall(SYS_mremap, p + 4 * PAGE, 2 * PAGE, PAGE, 0, 0L);
	ok(q == p + 4 * PAGE &&
	   heard_one(MMU_NOTIFY_UNMAP, p + 5 * PAGE, PAGE) && went(1),
	   "syscall(SYS_mremap)");
	listen_now();
	syscall(SYS_brk, end);
	ok(heard_one(MMU_NOTIFY_UNMAP, end, PAGE) && went(1),
	   "syscall(SYS_brk)");
	listen_now();
	ok(syscall(SYS_getpid) == getpid() && heard_none(),
	   "syscall() of anything else: silent");
	brk(end);
	drop(p, 8);
}

/* Calls that the kernel refuses by a look at the arguments. */
static void test_refused(void)
{
	char *p = pages(4);
	int failed = 0;

	listen_now();
	failed += munmap(p + 1, PAGE) == -1;
	failed += munmap(p, 0) == -1;
	failed += munmap(p, -2 * PAGE) == -1;
	ok(heard_none() && failed == 3, "munmap refused: silent");
	listen_now();
	failed = mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED;
	failed += mmap(p, 0, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED;
	failed += mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 5) == MAP_FAILED;
	failed += mmap(p, -1UL, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED;
	ok(heard_none() && failed == 4, "mmap(MAP_FIXED) refused: silent");
	listen_now();
	failed = mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED;
	failed += mremap(p, PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED;
	failed += mremap(p, PAGE, 2 * PAGE, 64) == MAP_FAILED;
	failed += mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE) ==
		  MAP_FAILED;
	failed += mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 p + PAGE) == MAP_FAILED;
	failed += mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 p + 2 * PAGE + 1) == MAP_FAILED;
	ok(heard_none() && failed == 6, "mremap refused: silent");
	listen_now();
	failed = madvise(p + 1, PAGE, MADV_DONTNEED) == -1;
	failed += madvise(p, PAGE, 9999) == -1;
	failed += madvise(p, -1UL, MADV_DONTNEED) == -1;
	failed += madvise(p, 0, MADV_DONTNEED) == 0;
	ok(heard_none() && failed == 4, "madvise refused: silent");
	listen_now();
#ifdef __GLIBC__
	failed = mprotect(p + 1, PAGE, PROT_READ) == -1;
#else
	failed = 1;	/* musl aligns it */
#endif
	failed += mprotect(p, -2 * PAGE, PROT_READ) == -1;
	failed += mprotect(p, PAGE, 0x40000) == -1;
	failed += mprotect(p, 0, PROT_READ) == 0;
	ok(heard_none() && failed == 4, "mprotect refused: silent");
	listen_now();
	failed = shmdt(p + 1) == -1;
	failed += shmdt(p) == -1;
	failed += shmat(-1, NULL, SHM_REMAP) == (void *)-1;
	ok(heard_none() && failed == 3, "shmdt and shmat refused: silent");
	drop(p, 4);
}

static bool heard_unchanged(const char *p, size_t len)
{
	return heard_one(MMU_NOTIFY_UNMAP, p, len) &&
	       (heard[1].flags & MMUN_RANGE_UNCHANGED) &&
	       !(heard[0].flags & MMUN_RANGE_UNCHANGED);
}

/*
 * Calls that fail with work done.  A subscriber that trusts "unchanged" keeps
 * its mirror, so the flag is wrong as soon as one byte went.
 */
static void test_failed_half_way(void)
{
	char *p = pages(3);

	drop(p + PAGE, 1);
	listen_now();
	ok(madvise(p, 3 * PAGE, MADV_DONTNEED) == -1 && errno == ENOMEM &&
	   heard_one(MMU_NOTIFY_CLEAR, p, 3 * PAGE) && !p[0] && !p[2 * PAGE] &&
	   !(heard[1].flags & MMUN_RANGE_UNCHANGED),
	   "madvise over a hole fails, and has emptied the rest: it says so");
	listen_now();
	ok(mprotect(p, 3 * PAGE, PROT_READ) == -1 && errno == ENOMEM &&
	   heard_one(MMU_NOTIFY_PROTECTION_VMA, p, 3 * PAGE) &&
	   !(heard[1].flags & MMUN_RANGE_UNCHANGED),
	   "mprotect into a hole fails, and has changed what is before it");
	drop(p, 3);
}

static void test_failed_late(void)
{
	char *p = pages(4), *q = pages(1);
	bool failed;

	listen_now();
	failed = mmap(p, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, 9999, 0) ==
		 MAP_FAILED;
	ok(failed && heard_unchanged(p, 2 * PAGE) && p[0] == 'x',
	   "mmap(MAP_FIXED) of a bad file: the end says unchanged");
	listen_now();
	failed = mremap(p, 4 * PAGE, 1UL << 46, MREMAP_MAYMOVE) == MAP_FAILED;
	ok(failed && heard_unchanged(p, 4 * PAGE) && p[0] == 'x',
	   "mremap to an impossible size: the end says unchanged");
	drop(q, 1);
	listen_now();
	failed = mprotect(q, PAGE, PROT_READ) == -1;
	ok(failed && heard_one(MMU_NOTIFY_PROTECTION_VMA, q, PAGE),
	   "mprotect of a hole: a start and an end");
	drop(p, 4);
	test_failed_half_way();
}

/* Whatever the kernel does before it fails: "unchanged" must be true. */
static void test_sealed(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	char *p = pages(1);
	unsigned char vec = 0;
	bool there, unchanged;

	if (fd < 0 || ftruncate(fd, PAGE) || fcntl(fd, F_ADD_SEALS,
						   F_SEAL_WRITE)) {
		skip("MAP_FIXED of a sealed file", "sealing");
		return;
	}
	listen_now();
	if (mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED)
		bail("a sealed file could be mapped for writing");
	unchanged = heard_one(MMU_NOTIFY_UNMAP, p, PAGE) &&
		    (heard[1].flags & MMUN_RANGE_UNCHANGED);
	there = !raw3(SYS_mincore, (long)p, PAGE, (long)&vec) && (vec & 1) &&
		*p == 'x';
	diag("the page is %s, the end says %s", there ? "there" : "gone",
	     unchanged ? "unchanged" : "changed");
	ok(listened() == 2 && (there || !unchanged),
	   "mmap(MAP_FIXED) refused by the file: no false promise");
	close(fd);
	drop(p, 1);
}

/* In a child, for the process has no mapping left to give. */
static void at_the_limit(long limit)
{
	struct mmu_notifier mine = { .ops = &recorder_ops };
	char *p;
	bool right;

	if (mmu_notifier_register(&mine, mm_self()))
		_exit(2);
	p = (char *)raw(SYS_mmap, 0, 2 * limit * PAGE, PROT_NONE,
			ANON | MAP_NORESERVE, -1, 0);
	for (long i = 1; i < 2 * limit; i += 2)
		if (raw3(SYS_mprotect, (long)p + i * PAGE, PAGE, PROT_READ))
			break;
	/* Three pages alike, to be split in the middle. */
	raw3(SYS_mprotect, (long)p, 3 * PAGE, PROT_READ);
	for (long i = 1; i < 2 * limit; i += 2)
		if (raw3(SYS_mprotect, (long)p + (2 * limit - i) * PAGE, PAGE,
			 PROT_READ) == -ENOMEM)
			break;
	listen_now();
	right = munmap(p + PAGE, PAGE) == -1 && errno == ENOMEM &&
		heard_unchanged(p + PAGE, PAGE);
	_exit(!right);
}

static void test_map_count(void)
{
	const char *claim = "munmap at the map limit fails: unchanged";
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	long limit = 0;
	pid_t pid;

	if (!f || fscanf(f, "%ld", &limit) != 1 || limit > 200000) {
		skip(claim, "a low vm.max_map_count");
	} else {
		pid = fork();
		if (!pid)
			at_the_limit(limit);
		ok_by_entries(!reap(pid), claim);
	}
	if (f)
		fclose(f);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	tap_begin(60);
	record();
	test_munmap();
	test_flushes();
	test_map_fixed();
	test_mremap();
	test_mremap_fixed();
	test_madvise();
	test_process_madvise();
	test_mprotect();
	test_brk();
	test_shm();
	test_syscall();
	test_refused();
	test_failed_late();
	test_sealed();
	test_map_count();
	mmu_notifier_unregister(&recorder, mm_self());
	return tap_end();
}
