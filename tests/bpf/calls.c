// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each call made by an instruction: which range is told, afterwards; which calls
 * are none of our business; and that what the entries tell is told once.
 */
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "bpf.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void test_unmap(void)
{
	char *p = pages(6);
	long got;

	listen_settled();
	raw3(SYS_munmap, (long)p + PAGE, PAGE + 1, 0);
	ok(told(MMU_NOTIFY_UNMAP, p + PAGE, 2 * PAGE) && !heard[0].mapped,
	   "[S78] raw munmap: its pages, afterwards");
	listen_settled();
	got = raw(SYS_mmap, (long)p, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	ok(got == (long)p && told(MMU_NOTIFY_UNMAP, p, PAGE),
	   "raw mmap(MAP_FIXED): what it replaced");
	listen_settled();
	raw3(SYS_mprotect, (long)p, PAGE, PROT_READ);
	ok(told(MMU_NOTIFY_PROTECTION_VMA, p, PAGE) && heard[0].read_only,
	   "raw mprotect: a protection, still readable");
	listen_settled();
	raw(SYS_pkey_mprotect, (long)p, PAGE, PROT_NONE, -1, 0, 0);
	ok(told(MMU_NOTIFY_PROTECTION_VMA, p, PAGE) && !heard[0].read_only,
	   "raw pkey_mprotect: a protection");
	drop(p, 6);
}

static void test_mremap(void)
{
	char *p = pages(8), *to = pages(2);

	listen_settled();
	raw(SYS_mremap, (long)p, 8 * PAGE, 6 * PAGE, 0, 0, 0);
	ok(told(MMU_NOTIFY_UNMAP, p + 6 * PAGE, 2 * PAGE),
	   "raw mremap that shrinks: the tail");
	listen_settled();
	raw(SYS_mremap, (long)p, 6 * PAGE, 7 * PAGE, MREMAP_MAYMOVE, 0, 0);
	ok(told_nothing(), "raw mremap that grows in place: nothing");
	listen_settled();
	raw(SYS_mremap, (long)p, 2 * PAGE, 2 * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0);
	mmun_settle(mm_self());
	ok(listened() == 4 && is_range(0, false, MMU_NOTIFY_UNMAP, to, 2 * PAGE) &&
	   is_range(2, false, MMU_NOTIFY_UNMAP, p, 2 * PAGE),
	   "raw mremap(MREMAP_FIXED): the destination, then the source");
	drop(to, 2);
	drop(p + 2 * PAGE, 5);
}

static void test_advice(const char *claim, int advice)
{
	char *p = pages(4);

	listen_settled();
	raw3(SYS_madvise, (long)p + PAGE, 2 * PAGE, advice);
	ok(told(MMU_NOTIFY_CLEAR, p + PAGE, 2 * PAGE), "raw madvise(%s)", claim);
	drop(p, 4);
}

/* The vector lies on the stack, and is gone when it is told. */
static long advise_self(int pidfd, char *p)
{
	struct iovec iov[2] = { { p, PAGE }, { p + 3 * PAGE, PAGE } };
	long ret = raw(SYS_process_madvise, pidfd, (long)iov, 2, MADV_PAGEOUT,
		       0, 0);

	memset(iov, 0xff, sizeof(iov));
	__asm__ volatile("" : : "r"(iov) : "memory");
	return ret;
}

static void test_process_madvise(void)
{
	int pidfd = raw3(SYS_pidfd_open, getpid(), 0, 0);
	char *p = pages(4);

	listen_settled();
	ok(advise_self(pidfd, p) == 2 * PAGE, "process_madvise of ourselves works");
	raw3(SYS_close, pidfd, 0, 0);
	mmun_settle(mm_self());
	ok(listened() == 4 && is_range(0, false, MMU_NOTIFY_CLEAR, p, PAGE) &&
	   is_range(2, false, MMU_NOTIFY_CLEAR, p + 3 * PAGE, PAGE),
	   "raw process_madvise: each of its ranges");
	drop(p, 4);
}

static void test_brk(void)
{
	long top = raw3(SYS_brk, 0, 0, 0);

	top += PAGE - 1;
	top -= top % PAGE;
	raw3(SYS_brk, top, 0, 0);
	listen_settled();
	raw3(SYS_brk, top + 4 * PAGE, 0, 0);
	ok(told_nothing(), "raw brk that grows: nothing");
	listen_settled();
	raw3(SYS_brk, top + PAGE, 0, 0);
	ok(told(MMU_NOTIFY_UNMAP, (void *)(top + PAGE), 3 * PAGE),
	   "raw brk that shrinks: what it cut off");
	if (brk((void *)(top + 3 * PAGE)))
		bail("brk");
	listen_settled();
	raw3(SYS_brk, top, 0, 0);
	ok(told(MMU_NOTIFY_UNMAP, (void *)top, 3 * PAGE),
	   "raw brk: of what libc's brk had added");
}

static void test_shm(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	char *p = pages(4);

	if (id < 0)
		bail("shmget: %s", strerror(errno));
	listen_settled();
	raw3(SYS_shmat, id, (long)p, SHM_REMAP);
	ok(told(MMU_NOTIFY_UNMAP, p, 3 * PAGE),
	   "raw shmat(SHM_REMAP): what it replaced");
	shmctl(id, IPC_RMID, NULL);
	listen_settled();
	raw3(SYS_shmdt, (long)p, 0, 0);
	mmun_settle(mm_self());
	ok(listened() == 2 && heard[0].start == (unsigned long)p &&
	   heard[0].end == ULONG_MAX && (heard[0].flags & MMUN_RANGE_AFTER),
	   "raw shmdt: all from there on, as its size is not to be known");
	listen_settled();
	raw3(SYS_shmdt, (long)p, 0, 0);
	ok(told_nothing(), "raw shmdt that fails: nothing");
	drop(p, 4);
}

static bool told_file(const char *p)
{
	mmun_settle(mm_self());
	return heard_at(MMU_NOTIFY_CLEAR, p) &&
	       (heard[0].flags & MMUN_RANGE_AFTER);
}

static void test_files(void)
{
	char path[] = "/tmp/mmunotify-bpf-XXXXXX", *p, *anon = pages(1);
	int fd = mkstemp(path);
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDWR | O_TRUNC, 0, 0 };

	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		bail("no file to map: %s", strerror(errno));
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	listen_settled();
	raw(SYS_fallocate, fd, 0, 0, PAGE, 0, 0);
	raw(SYS_close, raw(SYS_openat, AT_FDCWD, (long)path, O_RDWR, 0, 0, 0), 0,
	    0, 0, 0, 0);
	ok(told_nothing(), "raw fallocate that only allocates, openat: nothing");
	listen_settled();
	raw(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    PAGE, 0, 0);
	ok(told_file(p), "raw fallocate(FALLOC_FL_PUNCH_HOLE): the mapped file");
	listen_settled();
	raw3(SYS_ftruncate, fd, PAGE, 0);
	ok(told_file(p), "raw ftruncate: the mapped file");
	listen_settled();
	raw3(SYS_truncate, (long)path, 2 * PAGE, 0);
	ok(told_file(p), "raw truncate: the mapped file");
	listen_settled();
	raw3(SYS_open, (long)path, O_RDWR | O_TRUNC, 0);
	ok(told_file(p), "raw open(O_TRUNC): the mapped file");
	listen_settled();
	raw(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_TRUNC, 0, 0, 0);
	ok(told_file(p), "raw openat(O_TRUNC): the mapped file");
	listen_settled();
	raw(SYS_openat2, AT_FDCWD, (long)path, (long)&how, sizeof(how), 0, 0);
	ok(told_file(p), "raw openat2(O_TRUNC): the mapped file");
	listen_settled();
	raw3(SYS_creat, (long)path, 0600, 0);
	ok(told_file(p), "raw creat: the mapped file");
	for (int i = 0; i < listened(); i++)
		if (heard[i].start <= (unsigned long)anon &&
		    (unsigned long)anon < heard[i].end)
			ok(false, "memory without a file is told of");
	unlink(path);
	drop(p, 4);
	drop(anon, 1);
}

static void test_remap_file_pages(void)
{
	int fd = memfd_create("bpf", 0);
	char *p;

	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		bail("memfd");
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	listen_settled();
	raw(SYS_remap_file_pages, (long)p, PAGE, 0, 2, 0, 0);
	ok(told(MMU_NOTIFY_UNMAP, p, PAGE), "raw remap_file_pages: its pages");
	listen_settled();
	raw(SYS_mmap, (long)p + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	ok(told(MMU_NOTIFY_UNMAP, p + PAGE, PAGE),
	   "raw mmap(MAP_FIXED) of a file: what it replaced");
	drop(p, 4);
}

static void test_nothing(void)
{
	char *p = pages(2);

	listen_settled();
	drop(pages(3), 3);
	mmun_settle(mm_self());
	ok(listened() == 2, "a raw mmap that replaces nothing is not told");
	listen_settled();
	raw3(SYS_munmap, (long)p + 1, PAGE, 0);
	raw3(SYS_madvise, (long)p, PAGE, MADV_WILLNEED);
	raw(SYS_mmap, (long)p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	raw3(SYS_brk, 0, 0, 0);
	ok(told_nothing(), "calls that are refused, or change nothing");
	drop(p, 2);
}

static bool told_before(enum mmu_notifier_event event, void *p)
{
	mmun_settle(mm_self());
	return heard_one(event, p, PAGE) && !(heard[0].flags & MMUN_RANGE_AFTER);
}

static void test_libc(void)
{
	char *p = pages(4);

	listen_settled();
	munmap(p, PAGE);
	ok(told_before(MMU_NOTIFY_UNMAP, p), "libc's munmap is told once, before");
	listen_settled();
	syscall(SYS_munmap, p + PAGE, PAGE);
	ok(told_before(MMU_NOTIFY_UNMAP, p + PAGE), "syscall() is told once");
	listen_settled();
	madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED);
	ok(told_before(MMU_NOTIFY_CLEAR, p + 2 * PAGE), "madvise is told once");
	listen_settled();
	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	ok(told_before(MMU_NOTIFY_PROTECTION_VMA, p + 3 * PAGE),
	   "mprotect is told once");
	drop(p + 2 * PAGE, 2);
}

static void *unmap(void *p)
{
	drop(p, 2);
	return NULL;
}

static void test_thread(void)
{
	char *p = pages(2);
	pthread_t thread;

	listen_settled();
	pthread_create(&thread, NULL, unmap, p);
	pthread_join(thread, NULL);
	mmun_settle(mm_self());
	ok(heard_at(MMU_NOTIFY_UNMAP, p), "raw munmap of another thread");
}

static void test_coverage(void)
{
	const int raw_ones = MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD |
			     MMUN_BLIND_RAW_SHM | MMUN_BLIND_RAW_FILE |
			     MMUN_BLIND_LDSO;
	char *p = pages(1);
	int blind = mmun_coverage(mm_self(), (long)p, (long)p + PAGE);

	ok(blind > 0 && !(blind & raw_ones), "raw calls are covered");
	ok(blind & MMUN_BLIND_RAW_EXIT, "a raw exit is not, and that is said");
	drop(p, 1);
}

int main(void)
{
	tap_begin(30);
	start_with_bpf("entries,bpf");
	record();
	test_unmap();
	test_mremap();
	test_advice("MADV_DONTNEED", MADV_DONTNEED);
	test_advice("MADV_FREE", MADV_FREE);
	test_advice("MADV_GUARD_INSTALL", MADV_GUARD_INSTALL);
	test_process_madvise();
	test_brk();
	test_shm();
	test_files();
	test_remap_file_pages();
	test_nothing();
	test_libc();
	test_thread();
	test_coverage();
	return tap_end();
}
