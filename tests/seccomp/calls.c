// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each call through libc, by syscall(), and by an instruction, on like memory:
 * the same result and errno, the same memory afterwards, and the same is told at
 * the same time, once.
 *
 *	calls SOURCES [watch]
 */
#include <linux/magic.h>
#include <sys/statfs.h>

#include "three_ways.h"

/* -- memory -- */

static void test_munmap(void)
{
	TEST("munmap",
	     { "whole", anon, 0, 1, { SYS_munmap, { AREA_AT(0), LEN(USED) } } },
	     { "part", anon, 0, 1, { SYS_munmap, { AREA_AT(3), LEN(2) } } },
	     { "odd length", anon, 0, 1, { SYS_munmap, { AREA_AT(3), 4097 } } },
	     { "more than there is", anon, 0, 1,
	       { SYS_munmap, { AREA_AT(8), LEN(30) } } },
	     { "nothing there", NULL, 0, 1,
	       { SYS_munmap, { AREA_AT(8), LEN(3) } } },
	     { "shared", of_memfd, 0, 1,
	       { SYS_munmap, { AREA_AT(1), LEN(3) } } },
	     { "unaligned", anon, EINVAL, 0,
	       { SYS_munmap, { AREA_AT(0) + 1, LEN(1) } } },
	     { "no length", anon, EINVAL, 0, { SYS_munmap, { AREA_AT(0), 0 } } },
	     { "too long", anon, EINVAL, 0,
	       { SYS_munmap, { AREA_AT(0), -LEN(1) } } });
}

static void test_mmap(void)
{
	TEST("mmap(MAP_FIXED)",
	     { "anonymous", anon, 0, 1,
	       { SYS_mmap, { AREA_AT(2), LEN(3), RW, ANON | MAP_FIXED, -1, 0 } } },
	     { "of a memfd", anon, 0, 1,
	       { SYS_mmap, { AREA_AT(2), 5, RW, MAP_SHARED | MAP_FIXED, memfd,
			     LEN(4) } } },
	     { "of a file", of_memfd, 0, 1,
	       { SYS_mmap, { AREA_AT(2), LEN(3), PROT_READ,
			     MAP_PRIVATE | MAP_FIXED, file, 0 } } },
	     { "where nothing is", NULL, 0, 1,
	       { SYS_mmap, { AREA_AT(2), LEN(3), RW, ANON | MAP_FIXED, -1, 0 } } },
	     { "huge pages, unaligned", anon, -1, -1,
	       { SYS_mmap, { AREA_AT(1), LEN(512), RW,
			     ANON | MAP_FIXED | MAP_HUGETLB, -1, 0 } } },
	     { "a huge page, of which there may be none", anon, -1, -1,
	       { SYS_mmap, { 1L << 40, 1L << 30, RW,
			     ANON | MAP_FIXED | MAP_HUGETLB | 30 << 26, -1, 0 } } },
	     { "a bad descriptor", anon, EBADF, 1,
	       { SYS_mmap, { AREA_AT(2), LEN(3), RW, MAP_SHARED | MAP_FIXED,
			     9999, 0 } } },
	     { "an odd offset", anon, EINVAL, 0,
	       { SYS_mmap, { AREA_AT(2), LEN(3), RW, MAP_SHARED | MAP_FIXED,
			     memfd, 77 } } },
	     { "no length", anon, EINVAL, 0,
	       { SYS_mmap, { AREA_AT(2), 0, RW, ANON | MAP_FIXED, -1, 0 } } },
	     { "no type", anon, EINVAL, 0,
	       { SYS_mmap, { AREA_AT(2), LEN(1), RW, MAP_FIXED, memfd, 0 } } },
	     { "unaligned", anon, EINVAL, 0,
	       { SYS_mmap, { AREA_AT(2) + 8, LEN(1), RW, ANON | MAP_FIXED, -1,
			     0 } } },
	     { "MAP_FIXED_NOREPLACE", anon, EEXIST, 0,
	       { SYS_mmap, { AREA_AT(2), LEN(1), RW,
			     ANON | MAP_FIXED_NOREPLACE, -1, 0 } } });
}

static void test_mremap(void)
{
	const long may = MREMAP_MAYMOVE, fixed = MREMAP_MAYMOVE | MREMAP_FIXED,
		   stay = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;

	TEST("mremap",
	     { "shrinks", anon, 0, 1,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(10), 0 } } },
	     { "shrinks, may move", anon, 0, 1,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(10), may } } },
	     { "grows in place", anon, 0, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(20), 0 } } },
	     { "grows in place, may move", anon, 0, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(20), may } } },
	     { "cannot grow in place", anon_between, ENOMEM, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(20), 0 } } },
	     { "moves to grow", anon_between, 0, 1,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(20), may } } },
	     { "the same size", anon, 0, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(USED), may } } },
	     { "moves", anon, 0, 2,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(4), fixed, AREA_AT(30) } } },
	     { "moves and grows", anon, 0, 2,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(6), fixed, AREA_AT(8) } } },
	     { "moves and shrinks", anon, 0, 2,
	       { SYS_mremap, { AREA_AT(0), LEN(6), LEN(4), fixed, AREA_AT(8) } } },
	     { "moves a file", of_file, 0, 2,
	       { SYS_mremap, { AREA_AT(0), LEN(6), LEN(6), fixed, AREA_AT(20) } } },
	     { "moves, and leaves something there", anon, 0, 2,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(4),
			       fixed | MREMAP_DONTUNMAP, AREA_AT(8) } } },
	     { "moves where it likes, and leaves something there", anon, 0, 1,
	       { SYS_mremap, { AREA_AT(0), LEN(USED), LEN(USED), stay } } },
	     { "doubles what is private", anon, EINVAL, -1,
	       { SYS_mremap, { AREA_AT(0), 0, LEN(4), fixed, AREA_AT(30) } } },
	     { "onto itself", anon, EINVAL, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(4), fixed, AREA_AT(2) } } },
	     { "from where nothing is", NULL, EFAULT, -1,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(4), fixed, AREA_AT(30) } } },
	     { "grows where nothing is", NULL, EFAULT, 1,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(6), may } } },
	     { "unaligned", anon, EINVAL, 0,
	       { SYS_mremap, { AREA_AT(0) + 1, LEN(4), LEN(2), may } } },
	     { "to nothing", anon, EINVAL, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(4), 0, may } } },
	     { "unknown flags", anon, EINVAL, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(2), 0x80 } } },
	     { "fixed, and may not move", anon, EINVAL, 0,
	       { SYS_mremap, { AREA_AT(0), LEN(4), LEN(4), MREMAP_FIXED,
			       AREA_AT(30) } } });
	if (watching)
		return;
	/* Of watched memory userfaultfd tells that nothing has moved. */
	TEST("mremap of no length",
	     { "doubles", anon_shared, 0, 1,
	       { SYS_mremap, { AREA_AT(0), 0, LEN(4), fixed, AREA_AT(30) } } });
}

/* Poisoning and off-lining would take pages from the machine: refused here. */
static long advised_at(int advice)
{
	return advice == 100 || advice == 101 ? AREA_AT(2) + 1 : AREA_AT(2);
}

static void test_advice(const char *subject, void (*prepare)(void))
{
	int right = 0, told_of = 0;

	for (int advice = 0; advice < NR_ADVICE; advice++) {
		struct call c = { SYS_madvise,
				  { advised_at(advice), LEN(3), advice } };
		char name[32];

		snprintf(name, sizeof(name), "advice %d", advice);
		right += alike(name, prepare, c, -1, -1);
		told_of += perform(prepare, c, 2).nr > 0;
	}
	ok(right == NR_ADVICE && told_of > 4,
	   "madvise of %s, advice 0 to %d: the same in three ways", subject,
	   NR_ADVICE - 1);
}

static void test_madvise(void)
{
	test_advice("private memory", anon);
	test_advice("a memfd", of_memfd);
	test_advice("a file", of_file);
	TEST("madvise",
	     { "unaligned", anon, EINVAL, 0,
	       { SYS_madvise, { AREA_AT(0) + 1, LEN(1), MADV_DONTNEED } } },
	     { "no length", anon, 0, 0,
	       { SYS_madvise, { AREA_AT(0), 0, MADV_DONTNEED } } },
	     { "too long", anon, EINVAL, 0,
	       { SYS_madvise, { AREA_AT(0), -1, MADV_DONTNEED } } },
	     { "with a hole", anon, ENOMEM, 1,
	       { SYS_madvise, { AREA_AT(12), LEN(10), MADV_DONTNEED } } },
	     { "where nothing is", NULL, ENOMEM, 1,
	       { SYS_madvise, { AREA_AT(0), LEN(1), MADV_DONTNEED } } },
	     { "no advice", anon, EINVAL, 0,
	       { SYS_madvise, { AREA_AT(0), LEN(1), 4711 } } },
	     { "dirty upper half", anon, 0, 1,
	       { SYS_madvise, { AREA_AT(2), LEN(1),
				MADV_DONTNEED | 0x5a5aL << 40 } } });
}

static struct iovec vector[3];

static void test_process_madvise(void)
{
	const struct iovec v[] = { { (void *)AREA_AT(1), LEN(2) },
				   { (void *)AREA_AT(5), LEN(1) },
				   { (void *)AREA_AT(20), LEN(1) } };
	struct call c = { SYS_process_madvise, { self_fd, (long)vector, 2 } };
	int right = 0, told_of = 0;

	memcpy(vector, v, sizeof(v));
	for (int advice = 0; advice < NR_ADVICE; advice++) {
		char name[32];

		c.arg[3] = advice;
		vector[0].iov_base = (void *)(advised_at(advice) - LEN(1));
		snprintf(name, sizeof(name), "advice %d", advice);
		right += alike(name, anon, c, -1, -1);
		told_of += perform(anon, c, 2).nr > 0;
	}
	ok(right == NR_ADVICE && told_of > 0,
	   "process_madvise of ourselves, advice 0 to %d: the same",
	   NR_ADVICE - 1);
	TEST("process_madvise",
	     { "two ranges", anon, 0, 2,
	       { SYS_process_madvise, { self_fd, (long)vector, 2,
					MADV_PAGEOUT } } },
	     { "the last is not there", anon, 0, 3,
	       { SYS_process_madvise, { self_fd, (long)vector, 3,
					MADV_PAGEOUT } } },
	     { "none", anon, 0, 0,
	       { SYS_process_madvise, { self_fd, (long)vector, 0,
					MADV_PAGEOUT } } },
	     { "flags", anon, EINVAL, 0,
	       { SYS_process_madvise, { self_fd, (long)vector, 2, MADV_PAGEOUT,
					1 } } },
	     { "a bad descriptor", anon, EBADF, 0,
	       { SYS_process_madvise, { 9999, (long)vector, 2,
					MADV_PAGEOUT } } },
	     { "no vector", anon, EFAULT, 0,
	       { SYS_process_madvise, { self_fd, 8, 2, MADV_PAGEOUT } } });
}

static void test_brk(void)
{
	const long at = (long)heap;

	TEST("brk",
	     { "shrinks", heap_of_8, 0, 1, { SYS_brk, { at + LEN(3) } } },
	     { "within a page", heap_of_8, 0, 0,
	       { SYS_brk, { at + LEN(8) - 100 } } },
	     { "to nothing", heap_of_8, 0, 1, { SYS_brk, { at } } },
	     { "grows", heap_of_8, 0, 0, { SYS_brk, { at + LEN(10) } } },
	     { "stays", heap_of_8, 0, 0, { SYS_brk, { at + LEN(8) } } },
	     { "too much", heap_of_8, ENOMEM, 0, { SYS_brk, { 1L << 47 } } },
	     { "below it", heap_of_8, 0, 1, { SYS_brk, { PAGE } } });
}

static void test_mprotect(void)
{
	TEST("mprotect",
	     { "read only", anon, 0, 1,
	       { SYS_mprotect, { AREA_AT(2), LEN(3), PROT_READ } } },
	     { "nothing", anon, 0, 1,
	       { SYS_mprotect, { AREA_AT(2), LEN(3), PROT_NONE } } },
	     { "odd length", anon, 0, 1,
	       { SYS_mprotect, { AREA_AT(2), 5000, PROT_READ } } },
	     { "with a hole", anon, ENOMEM, 1,
	       { SYS_mprotect, { AREA_AT(14), LEN(3), PROT_READ } } },
	     { "no stack", anon, EINVAL, 1,
	       { SYS_mprotect, { AREA_AT(2), LEN(1),
				 PROT_READ | PROT_GROWSDOWN } } },
	     { "unaligned", anon, EINVAL, 0,
	       { SYS_mprotect, { AREA_AT(2) + 1, LEN(1), PROT_READ } } },
	     { "unknown", anon, EINVAL, 0,
	       { SYS_mprotect, { AREA_AT(2), LEN(1), 0x40000 } } });
	TEST("pkey_mprotect",
	     { "no key", anon, 0, 1,
	       { SYS_pkey_mprotect, { AREA_AT(2), LEN(3), PROT_READ, -1 } } },
	     { "a key that is not", anon, EINVAL, 1,
	       { SYS_pkey_mprotect, { AREA_AT(2), LEN(3), PROT_READ, 15 } } });
}

/* -- segments and files -- */

static void test_segments(void)
{
	TEST("shmdt",
	     { "whole", of_segment, 0, 1, { SYS_shmdt, { AREA_AT(0) } } },
	     { "in parts", of_broken_segment, 0, 2,
	       { SYS_shmdt, { AREA_AT(0) } } },
	     { "from the middle", of_segment, EINVAL, 0,
	       { SYS_shmdt, { AREA_AT(1) } } },
	     { "no segment", anon, EINVAL, 0, { SYS_shmdt, { AREA_AT(0) } } },
	     { "unaligned", of_segment, EINVAL, 0,
	       { SYS_shmdt, { AREA_AT(0) + 1 } } });
	TEST("shmat(SHM_REMAP)",
	     { "over something", beside_segment, 0, 1,
	       { SYS_shmat, { 0, AREA_AT(2), SHM_REMAP } } },
	     { "rounded", beside_segment, 0, 1,
	       { SYS_shmat, { 0, AREA_AT(2) + 99, SHM_REMAP | SHM_RND } } },
	     { "read only, beyond", beside_segment, 0, 1,
	       { SYS_shmat, { 0, AREA_AT(14), SHM_REMAP | SHM_RDONLY } } },
	     { "nowhere", beside_segment, EINVAL, 0,
	       { SYS_shmat, { 0, 0, SHM_REMAP } } },
	     { "unaligned", beside_segment, EINVAL, -1,
	       { SYS_shmat, { 0, AREA_AT(2) + 99, SHM_REMAP } } },
	     { "no segment", anon, EINVAL, 0,
	       { SYS_shmat, { 1 << 30, AREA_AT(2), SHM_REMAP } } },
	     { "not over something", beside_segment, EINVAL, 0,
	       { SYS_shmat, { 0, AREA_AT(2), 0 } } });
}

static void test_remap_file_pages(void)
{
	TEST("remap_file_pages",
	     { "another part", of_memfd, 0, 1,
	       { SYS_remap_file_pages, { AREA_AT(2), LEN(2), 0, 7, 0 } } },
	     { "within a page", of_memfd, 0, 1,
	       { SYS_remap_file_pages, { AREA_AT(2) + 8, LEN(2) + 8, 0, 7, 0 } } },
	     { "private", anon, EINVAL, 1,
	       { SYS_remap_file_pages, { AREA_AT(2), LEN(2), 0, 7, 0 } } },
	     { "a protection", of_memfd, EINVAL, 0,
	       { SYS_remap_file_pages, { AREA_AT(2), LEN(2), 1, 7, 0 } } },
	     { "beyond", of_memfd, EINVAL, 1,
	       { SYS_remap_file_pages, { AREA_AT(30), LEN(2), 0, 7, 0 } } });
}

static void test_cuts(const char *subject, void (*prepare)(void), int fd,
		      const char *by_path, int ranges)
{
	TEST(subject,
	     { "ftruncate: a part", prepare, 0, ranges,
	       { SYS_ftruncate, { fd, LEN(9) + 5 } } },
	     { "ftruncate: all", prepare, 0, ranges, { SYS_ftruncate, { fd, 0 } } },
	     { "ftruncate: longer", prepare, 0, 0,
	       { SYS_ftruncate, { fd, LEN(20) } } },
	     { "ftruncate: negative", prepare, EINVAL, 0,
	       { SYS_ftruncate, { fd, -1 } } },
	     { "truncate", prepare, 0, ranges,
	       { SYS_truncate, { (long)by_path, LEN(3) } } },
	     { "fallocate: punch", prepare, 0, ranges,
	       { SYS_fallocate, { fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  LEN(8), LEN(2) } } },
	     { "fallocate: punch parts of pages", prepare, 0, ranges,
	       { SYS_fallocate, { fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  LEN(8) + 100, LEN(2) } } },
	     { "fallocate: zero", prepare, -1, -1,
	       { SYS_fallocate, { fd, FALLOC_FL_ZERO_RANGE, LEN(8), LEN(2) } } },
	     { "fallocate: collapse", prepare, -1, -1,
	       { SYS_fallocate, { fd, FALLOC_FL_COLLAPSE_RANGE, LEN(8),
				  LEN(2) } } },
	     { "fallocate: insert", prepare, -1, -1,
	       { SYS_fallocate, { fd, FALLOC_FL_INSERT_RANGE, LEN(8), LEN(2) } } },
	     { "fallocate: allocate", prepare, 0, 0,
	       { SYS_fallocate, { fd, 0, LEN(30), LEN(2) } } },
	     { "fallocate: allocate and keep the size", prepare, 0, 0,
	       { SYS_fallocate, { fd, FALLOC_FL_KEEP_SIZE, LEN(30), LEN(2) } } },
	     { "fallocate: unknown", prepare, EOPNOTSUPP, -1,
	       { SYS_fallocate, { fd, 0x4000, LEN(8), LEN(2) } } },
	     { "fallocate: nothing", prepare, EINVAL, 0,
	       { SYS_fallocate, { fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  LEN(8), 0 } } },
	     { "openat", prepare, 0, ranges,
	       { SYS_openat, { AT_FDCWD, (long)by_path, O_RDWR | O_TRUNC } } },
	     { "open", prepare, 0, ranges,
	       { SYS_open, { (long)by_path, O_RDWR | O_TRUNC } } },
	     { "open, not to write", prepare, 0, ranges,
	       { SYS_open, { (long)by_path, O_RDONLY | O_TRUNC } } },
	     { "open, without O_TRUNC", prepare, 0, 0,
	       { SYS_open, { (long)by_path, O_RDWR } } },
	     { "creat", prepare, 0, ranges,
	       { SYS_creat, { (long)by_path, 0600 } } });
}

static bool is_on_overlay(void)
{
	struct statfs fs;

	return fstatfs(file, &fs) || fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

static void test_files(void)
{
	/* Where a mapping's inode is not the file's, others may be told of. */
	test_cuts("a file", of_file, file, path, is_on_overlay() ? -1 : 2);
	test_cuts("a memfd", of_memfd, memfd, self_path, 1);
	TEST("files that are not to be cut",
	     { "ftruncate: no file", of_file, EBADF, 0,
	       { SYS_ftruncate, { 9999, 0 } } },
	     { "truncate: no file", of_file, ENOENT, 0,
	       { SYS_truncate, { (long)"/tmp/nowhere/at all", 0 } } },
	     { "truncate: no path", of_file, EFAULT, 0, { SYS_truncate, { 8, 0 } } },
	     { "fallocate: no file", of_file, EBADF, 0,
	       { SYS_fallocate, { 9999, FALLOC_FL_PUNCH_HOLE |
					FALLOC_FL_KEEP_SIZE, 0, LEN(1) } } },
	     { "openat: a directory", of_file, EISDIR, 0,
	       { SYS_openat, { AT_FDCWD, (long)"/tmp", O_RDWR | O_TRUNC } } },
	     { "open: no file", of_file, ENOENT, 0,
	       { SYS_open, { (long)"/tmp/nowhere/at all", O_RDWR | O_TRUNC } } },
	     { "openat: running", NULL, -1, -1,
	       { SYS_openat, { AT_FDCWD, (long)"/proc/self/exe",
			       O_RDWR | O_TRUNC } } },
	     { "creat: no directory", of_file, ENOTDIR, 0,
	       { SYS_creat, { (long)"/dev/null/nothing", 0600 } } });
}

/* Which libc has no function for. */
static void test_openat2(void)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDWR | O_TRUNC, 0, 0 };
	long fd;

	of_file();
	listen_now();
	fd = raw(SYS_openat2, AT_FDCWD, (long)path, (long)&how, sizeof(how), 0,
		 0);
	ok(fd >= 0 && listened() == 2 && !heard[0].is_end && heard[1].is_end &&
	   heard[0].start <= (unsigned long)area &&
	   heard[0].end >= (unsigned long)area + AREA * PAGE &&
	   heard[0].event == MMU_NOTIFY_CLEAR &&
	   !(heard[0].flags & MMUN_RANGE_AFTER) && !lseek(file, 0, SEEK_END),
	   "openat2(O_TRUNC): the file is cut, and all of memory is told of");
	raw3(SYS_close, fd, 0, 0);
	how.flags = O_RDWR;
	listen_now();
	fd = raw(SYS_openat2, AT_FDCWD, (long)path, (long)&how, sizeof(how), 0,
		 0);
	ok(fd >= 0 && heard_none(), "openat2 without O_TRUNC: nothing");
	raw3(SYS_close, fd, 0, 0);
	listen_now();
	fd = raw(SYS_openat2, AT_FDCWD, (long)path, 8, sizeof(how), 0, 0);
	ok(fd == -EFAULT && heard_none(), "openat2 of nothing: its error");
	clear();
}

static bool ends_unchanged(int n)
{
	int ends = 0;

	for (int i = 0; i < n; i++) {
		ends += heard[i].is_end;
		if (heard[i].is_end && !(heard[i].flags & MMUN_RANGE_UNCHANGED))
			return false;
	}
	return ends;
}

/* Our own program is mapped, and cannot be cut while it runs. */
static void test_busy(const char *name, long nr, const long *arg)
{
	long ret;

	listen_now();
	ret = raw(nr, arg[0], arg[1], arg[2], arg[3], 0, 0);
	ok(ret == -ETXTBSY && ends_unchanged(listened()),
	   "%s: refused, and told that nothing has changed: %ld", name, ret);
}

static void test_unchanged(void)
{
	uint64_t how[3] = { O_RDWR | O_TRUNC };
	const long self = (long)"/proc/self/exe";

	test_busy("openat", SYS_openat,
		  (long[]){ AT_FDCWD, self, O_RDWR | O_TRUNC, 0 });
	test_busy("openat2", SYS_openat2,
		  (long[]){ AT_FDCWD, self, (long)how, sizeof(how) });
	test_busy("open", SYS_open, (long[]){ self, O_RDWR | O_TRUNC, 0, 0 });
	test_busy("creat", SYS_creat, (long[]){ self, 0600, 0, 0 });
	test_busy("truncate", SYS_truncate, (long[]){ self, 0, 0, 0 });
}

/* -- where it is made -- */

static bool three_calls(void)
{
	char *p = pages(4);
	bool right;

	listen_now();
	right = raw(SYS_mmap, (long)p, PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
			(long)p &&
		told(MMU_NOTIFY_UNMAP, p, PAGE) && !p[0];
	listen_now();
	right = !raw3(SYS_madvise, (long)p + PAGE, PAGE, MADV_DONTNEED) &&
		told(MMU_NOTIFY_CLEAR, p + PAGE, PAGE) && right && !p[PAGE];
	listen_now();
	right = raw3(SYS_munmap, (long)p + 1, PAGE, 0) == -EINVAL &&
		heard_none() && right;
	listen_now();
	return !raw3(SYS_munmap, (long)p, 4 * PAGE, 0) &&
	       told(MMU_NOTIFY_UNMAP, p, 4 * PAGE) && right;
}

static void *with_all_blocked(void *arg)
{
	unsigned long all = ~0UL;

	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, sizeof(all), 0, 0);
	*(bool *)arg = three_calls();
	return NULL;
}

static void *as_a_thread(void *arg)
{
	*(bool *)arg = three_calls();
	return NULL;
}

static bool in_thread(void *(*fn)(void *))
{
	bool right = false;
	pthread_t thread;

	pthread_create(&thread, NULL, fn, &right);
	pthread_join(thread, NULL);
	return right;
}

static bool handled;

static void handler(int sig)
{
	(void)sig;
	handled = three_calls();
}

static void test_contexts(void)
{
	struct sigaction sa = { .sa_handler = handler };
	char *p;

	ok(three_calls(), "of the main thread");
	ok(in_thread(as_a_thread), "of another thread");
	ok(in_thread(with_all_blocked),
	   "of a thread that blocks all signals, the C library's too");
	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	ok(handled, "of a signal handler");
	p = pages(1);
	errno = 4712;
	drop(p, 1);
	ok(errno == 4712, "nobody's errno changes");
}

/* -- what is said of it -- */

static void test_coverage(void)
{
	int blind;

	anon();
	blind = mmun_coverage(mm_self(), (long)area, (long)area + LEN(USED));
	ok(blind == MMUN_BLIND_IO_URING,
	   "private memory: blind for io_uring only (%#x)", blind);
	of_memfd();
	blind = mmun_coverage(mm_self(), (long)area, (long)area + LEN(USED));
	ok(blind == (MMUN_BLIND_IO_URING | MMUN_BLIND_OTHERS),
	   "a file: and for others (%#x)", blind);
	clear();
	ok(!seccomp_source()->error &&
	   !strcmp(seccomp_source()->state, "answering"), "the source says so");
}

/* With the watch, what the kernel tells of it is known already. */
static void test_watched(void)
{
	anon();
	set_watch();
	mmun_settle(mm_self());
	listen_now();
	raw3(SYS_munmap, AREA_AT(2), LEN(3), 0);
	ok(told(MMU_NOTIFY_UNMAP, area + LEN(2), LEN(3)) && went(3),
	   "a raw munmap of watched memory is told once, before it");
	end_watch();
	clear();
}

/* The break is where the heap is not. */
static void set_up(void)
{
	void *volatile some = malloc(1000);

	free(some);
	heap = (char *)(((unsigned long)sbrk(0) + PAGE - 1) & -PAGE);
	if (brk(heap))
		bail("brk");
	mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	memfd = memfd_create("seccomp", MFD_CLOEXEC);
	file = mkstemp(path);
	self_fd = syscall(SYS_pidfd_open, getpid(), 0);
	if (mem < 0 || memfd < 0 || file < 0 || self_fd < 0)
		bail("no file to map");
	snprintf(self_path, sizeof(self_path), "/proc/self/fd/%d", memfd);
	renew(memfd);
	renew(file);
	clear();
}

static void test_mappings(void)
{
	test_munmap();
	test_mmap();
	test_mremap();
	test_madvise();
	test_process_madvise();
	test_brk();
}

static void test_the_rest(void)
{
	test_mprotect();
	test_segments();
	test_remap_file_pages();
	test_files();
	test_openat2();
	test_unchanged();
	test_contexts();
	test_coverage();
}

int main(int argc, char **argv)
{
	tap_begin(30);
	start_with_seccomp(argc > 1 ? argv[1] : "entries,seccomp");
	watching = argc > 2;
	set_up();
	record();
	test_mappings();
	if (watching)
		test_watched();
	else
		test_the_rest();
	unlink(path);
	return tap_end();
}
