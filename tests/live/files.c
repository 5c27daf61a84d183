// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that take pages away from a file, under everybody who maps it: which
 * memory, before and after, and that no other file's is meant.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/resource.h>

#include "live.h"

#define RW (PROT_READ | PROT_WRITE)
#define FILE_PAGES 8
#define FILE_SIZE (FILE_PAGES * PAGE)

static char path[64];
static int fd;
static char *shared, *private, *part;

static void fill(int to)
{
	char page[PAGE];

	memset(page, 'f', sizeof(page));
	for (int i = 0; i < FILE_PAGES; i++)
		if (pwrite(to, page, PAGE, i * PAGE) != PAGE)
			bail("write: %s", strerror(errno));
}

/* At @at, or anywhere. */
static char *map_at(char *at, int flags, int of, size_t nr, off_t offset)
{
	long p = raw(SYS_mmap, (long)at, nr * PAGE, RW,
		     at ? flags | MAP_FIXED : flags, of, offset);

	if (p < 0)
		bail("mmap of a file: %s", strerror(-p));
	for (size_t i = 0; i < nr; i++)
		((volatile char *)p)[i * PAGE] += 0;
	return (char *)p;
}

static char *map(int of, size_t nr)
{
	return map_at(NULL, MAP_SHARED, of, nr, 0);
}

/* With other pages between them, so that no two are side by side. */
#define ALL_PAGES (3 * FILE_PAGES)

static void map_all(void)
{
	shared = map_at(pages(ALL_PAGES), MAP_SHARED, fd, FILE_PAGES, 0);
	private = map_at(shared + 10 * PAGE, MAP_PRIVATE, fd, FILE_PAGES, 0);
	part = map_at(shared + 20 * PAGE, MAP_SHARED, fd, 2, 4 * PAGE);
}

static void unmap_all(void)
{
	drop(shared, ALL_PAGES);
}

static bool is_span(const char *addr, size_t nr)
{
	int starts = 0, ends = 0;

	for (int i = 0; i < listened(); i++) {
		starts += is_range(i, false, MMU_NOTIFY_CLEAR, addr, nr * PAGE);
		ends += is_range(i, true, MMU_NOTIFY_CLEAR, addr, nr * PAGE);
	}
	return starts == 1 && ends == 1;
}

/* Starts of mapped pages, then ends; of [first, last) of the file, once each. */
static bool heard_pages(int first, int last)
{
	int from = first < 4 ? 4 : first, to = last > 6 ? 6 : last;
	int n = listened();
	bool right = n == (from < to ? 6 : 4) &&
		     is_span(shared + first * PAGE, last - first) &&
		     is_span(private + first * PAGE, last - first);

	if (right && from < to)
		right = is_span(part + (from - 4) * PAGE, to - from);
	for (int i = 0; right && i < n; i++)
		right = heard[i].is_end == (i >= n / 2) &&
			(heard[i].is_end ||
			 heard[i].resident * PAGE == heard[i].end - heard[i].start);
	if (!right) {
		diag("pages %d to %d of %p, %p, and %p", first, last, shared,
		     private, part);
		tell();
	}
	return right;
}

static bool do_ftruncate(void)
{
	return !ftruncate(fd, 3 * PAGE + 5);
}

static bool do_ftruncate64(void)
{
	return !ftruncate64(fd, 3 * PAGE + 5);
}

static bool do_truncate(void)
{
	return !truncate(path, 3 * PAGE + 5);
}

static bool do_truncate64(void)
{
	return !truncate64(path, 3 * PAGE + 5);
}

static bool do_syscall(void)
{
	return !syscall(SYS_ftruncate, fd, 3 * PAGE + 5);
}

static bool do_open(void)
{
	return !close(open(path, O_WRONLY | O_TRUNC));
}

static bool do_openat(void)
{
	return !close(openat(AT_FDCWD, path, O_CREAT | O_RDWR | O_TRUNC, 0600));
}

static bool do_openat_dir(void)
{
	int dir = open("/dev/shm", O_RDONLY | O_DIRECTORY);
	int got = openat(dir, strrchr(path, '/') + 1, O_RDWR | O_TRUNC);

	close(dir);
	return !close(got);
}

static bool do_creat(void)
{
	return !close(creat(path, 0600));
}

static bool do_fopen(void)
{
	FILE *file = fopen(path, "w");

	return file && !fclose(file);
}

static bool do_openat2(void)
{
	struct { uint64_t flags, mode, resolve; } how = {
		O_WRONLY | O_TRUNC, 0, 0
	};

	return !close(syscall(437, AT_FDCWD, path, &how, sizeof(how)));
}

static bool do_punch(void)
{
	return !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  3 * PAGE, 2 * PAGE);
}

static bool do_punch64(void)
{
	return !fallocate64(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    3 * PAGE, 2 * PAGE);
}

static bool do_punch_by_number(void)
{
	return !syscall(SYS_fallocate, fd,
			FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * PAGE,
			2 * PAGE);
}

static void test_call(const char *name, bool (*call)(void), int first, int last)
{
	bool done, right;

	fill(fd);
	map_all();
	listen_now();
	done = call();
	right = heard_pages(first, last);
	ok(done && right, "%s: CLEAR of pages %d to %d, wherever they are mapped",
	   name, first, last);
	for (int i = 0; right && i < listened(); i++)
		if (is_range(i, true, MMU_NOTIFY_CLEAR, shared + first * PAGE,
			     (last - first) * PAGE))
			right = !heard[i].resident &&
				!(heard[i].flags & MMUN_RANGE_UNCHANGED);
	ok(right, "%s: and at the end they are gone", name);
	unmap_all();
}

static void test_fopen(void)
{
	if (entries_run())
		return test_call("fopen(\"w\")", do_fopen, 0, 8);
	skip("fopen(\"w\"): CLEAR of what is mapped", "patched entries");
	skip("fopen(\"w\"): and at the end they are gone", "patched entries");
}

static void test_calls(void)
{
	test_call("ftruncate", do_ftruncate, 4, 8);
	test_call("ftruncate64", do_ftruncate64, 4, 8);
	test_call("truncate", do_truncate, 4, 8);
	test_call("truncate64", do_truncate64, 4, 8);
	test_call("syscall(SYS_ftruncate)", do_syscall, 4, 8);
	test_call("open(O_TRUNC)", do_open, 0, 8);
	test_call("openat(O_TRUNC)", do_openat, 0, 8);
	test_call("openat(O_TRUNC) in a directory", do_openat_dir, 0, 8);
	test_call("creat", do_creat, 0, 8);
	test_fopen();
	test_call("fallocate(PUNCH_HOLE)", do_punch, 3, 5);
	test_call("fallocate64(PUNCH_HOLE)", do_punch64, 3, 5);
	test_call("syscall(SYS_fallocate)", do_punch_by_number, 3, 5);
}

static void test_openat2(void)
{
	fill(fd);
	map_all();
	listen_now();
	if (!do_openat2())
		skip("syscall(openat2) with O_TRUNC", "openat2");
	else
		ok(heard_at(MMU_NOTIFY_CLEAR, shared) &&
		   heard_at(MMU_NOTIFY_CLEAR, part + PAGE),
		   "syscall(openat2) with O_TRUNC: CLEAR");
	unmap_all();
}

/* A hole that one mapping makes is in the others as well. */
static void test_remove(void)
{
	fill(fd);
	map_all();
	listen_now();
	ok(!madvise(shared + 3 * PAGE, 2 * PAGE, MADV_REMOVE) &&
	   heard_pages(3, 5),
	   "madvise(MADV_REMOVE): CLEAR of the other mappings, too");
	unmap_all();
}

static void test_moving(const char *name, int mode, const char *dir)
{
	char claim[96], at[64];
	int file, err;
	char *p;

	snprintf(claim, sizeof(claim), "fallocate(%s): CLEAR from there on", name);
	snprintf(at, sizeof(at), "%s/mmun-files-XXXXXX", dir);
	file = mkstemp(at);
	if (file < 0)
		bail("mkstemp in %s", dir);
	unlink(at);
	fill(file);
	p = map(file, FILE_PAGES);
	listen_now();
	err = fallocate(file, mode, 4 * PAGE, PAGE) ? errno : 0;
	if (err == EOPNOTSUPP)
		skip(claim, "a file system that can, in /var/tmp");
	else
		ok(!err && heard_at(MMU_NOTIFY_CLEAR, p + 4 * PAGE) &&
		   (mode == FALLOC_FL_ZERO_RANGE ||
		    heard_at(MMU_NOTIFY_CLEAR, p + 7 * PAGE)), "%s", claim);
	drop(p, FILE_PAGES);
	close(file);
}

static void test_silent(void)
{
	int got;

	fill(fd);
	map_all();
	listen_now();
	got = open(path, O_RDWR);
	ok(got >= 0 && heard_none(), "open() without O_TRUNC: silent");
	close(got);
	listen_now();
	got = open("/dev/null", O_WRONLY | O_TRUNC);
	ok(got >= 0 && heard_none(), "open(O_TRUNC) of a device: silent");
	close(got);
	got = memfd_create("other", 0);
	if (ftruncate(got, FILE_SIZE))
		bail("memfd");
	listen_now();
	ok(!ftruncate(got, 0) && heard_none(),
	   "a file that is not mapped: silent");
	close(got);
	listen_now();
	ok(!fallocate(fd, 0, 0, FILE_SIZE) && heard_none(),
	   "fallocate(0): silent");
	listen_now();
	ok(ftruncate(-1, 0) && errno == EBADF && ftruncate(fd, -1) &&
	   errno == EINVAL && truncate("/nowhere/at/all", 0) &&
	   errno == ENOENT && truncate((char *)16, 0) && errno == EFAULT &&
	   open("/nowhere/at/all", O_WRONLY | O_TRUNC) == -1 &&
	   errno == ENOENT && fallocate(fd, FALLOC_FL_PUNCH_HOLE |
					FALLOC_FL_KEEP_SIZE, -1, 5) &&
	   errno == EINVAL && heard_none(),
	   "what is refused is refused as ever, and silent");
	unmap_all();
}

static void test_unchanged(void)
{
	int rd = open(path, O_RDONLY);

	fill(fd);
	map_all();
	listen_now();
	ok(fallocate(rd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) &&
	   errno == EBADF && listened() == 4 &&
	   (heard[2].flags & MMUN_RANGE_UNCHANGED),
	   "a call that fails says that nothing has changed");
	close(rd);
	unmap_all();
}

/* Without a descriptor to spare the mappings cannot be known: then it is all. */
static void test_emfile(void)
{
	struct rlimit old, none;

	fill(fd);
	map_all();
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	if (setrlimit(RLIMIT_NOFILE, &none))
		bail("setrlimit");
	listen_now();
	ok(!ftruncate(fd, PAGE) && listened() == 2 &&
	   is_range(0, false, MMU_NOTIFY_CLEAR, NULL, ULONG_MAX) &&
	   is_range(1, true, MMU_NOTIFY_CLEAR, NULL, ULONG_MAX),
	   "without a free descriptor: CLEAR of everything");
	setrlimit(RLIMIT_NOFILE, &old);
	unmap_all();
}

/* More mappings than there are spans for. */
static void test_many(void)
{
	char *p[12];
	bool right = true;

	fill(fd);
	for (int i = 0; i < 12; i++)
		p[i] = map(fd, 1);
	listen_now();
	right = !ftruncate(fd, 0);
	for (int i = 0; i < 12; i++)
		right = right && heard_at(MMU_NOTIFY_CLEAR, p[i]);
	ok(right, "more mappings than spans: every one of them is in some");
	for (int i = 0; i < 12; i++)
		drop(p[i], 1);
}

static void test_split(void)
{
	fill(fd);
	map_all();
	raw3(SYS_mprotect, (long)shared + PAGE, PAGE, PROT_READ);
	listen_now();
	ok(!ftruncate(fd, 0) && heard_pages(0, 8),
	   "one mapping in three pieces is one span");
	unmap_all();
}

#define NR_HUGE "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

/* How many there are, and have so many more. */
static int add_huge_pages(int more)
{
	FILE *file = fopen(NR_HUGE, "r+");
	int nr = 0;

	if (!file || fscanf(file, "%d", &nr) != 1)
		return -1;
	rewind(file);
	fprintf(file, "%d", nr + more);
	fclose(file);
	return nr;
}

static void test_huge(void)
{
	int was = add_huge_pages(2), huge = memfd_create("huge", MFD_HUGETLB);
	const char *claim = "ftruncate of a file of huge pages";
	long size = 2UL << 20, p = -1;

	if (huge >= 0 && !ftruncate(huge, 2 * size))
		p = raw(SYS_mmap, 0, 2 * size, RW, MAP_SHARED, huge, 0);
	if (p < 0 && p > -4096) {
		skip(claim, "two huge pages of 2 MiB");
		return;
	}
	listen_now();
	ok(!ftruncate(huge, size) && listened() == 2 &&
	   is_range(0, false, MMU_NOTIFY_CLEAR, (char *)p + size, size),
	   "%s", claim);
	raw3(SYS_munmap, p, 2 * size, 0);
	close(huge);
	if (was >= 0)
		add_huge_pages(-2);
}

static void test_remap_file_pages(void)
{
	int err;

	fill(fd);
	map_all();
	listen_now();
	err = remap_file_pages(shared + PAGE, 2 * PAGE, 0, 5, 0);
	ok(!err && heard_one(MMU_NOTIFY_UNMAP, shared + PAGE, 2 * PAGE) &&
	   heard[0].resident == 2,
	   "remap_file_pages: UNMAP of what it replaces");
	listen_now();
	err = remap_file_pages(shared, PAGE, 0, 0, 0) ||
	      syscall(SYS_remap_file_pages, shared, PAGE, 0, 1, 0);
	ok(!err && listened() == 4 &&
	   is_range(2, false, MMU_NOTIFY_UNMAP, shared, PAGE),
	   "syscall(SYS_remap_file_pages), too");
	listen_now();
	ok(remap_file_pages(shared, PAGE, PROT_READ, 0, 0) == -1 &&
	   errno == EINVAL && heard_none(), "refused: silent");
	unmap_all();
}

static char *late;

static int map_late(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	(void)mn;
	if (!late && !(range->flags & MMUN_RANGE_AFTER))
		late = map(fd, FILE_PAGES);
	return 0;
}

/* Mapped between our look at the mappings and the call. */
static void test_late(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = map_late,
	};
	struct mmu_notifier mn = { .ops = &ops };
	int n;

	fill(fd);
	map_all();
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	listen_now();
	errno = 77;
	n = ftruncate(fd, 6 * PAGE);
	ok_by_entries(!n && errno == 77 && late && listened() == 6 &&
		      is_span(late + 6 * PAGE, 2) && !heard[4].is_end &&
		      (heard[4].flags & MMUN_RANGE_AFTER) && !heard[4].resident,
		      "a mapping that came too late to be told before is told after");
	mmu_notifier_unregister(&mn, mm_self());
	drop(late, FILE_PAGES);
	unmap_all();
}

/* A thread that is cancelled in open() leaves no range in flight. */
static void *cancelled(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	pthread_cancel(pthread_self());
	open(path, O_WRONLY | O_TRUNC);
	return arg;
}

static void test_cancel(void)
{
	static const struct mmu_notifier_ops ops;
	struct mmu_notifier mn = { .ops = &ops };
	pthread_t thread;
	void *ret = NULL;

	fill(fd);
	map_all();
	pthread_create(&thread, NULL, cancelled, path);
	pthread_join(thread, &ret);
	/* It waits for whatever is in flight. */
	ok(ret == PTHREAD_CANCELED && !mmu_notifier_register(&mn, mm_self()),
	   "a thread that is cancelled in open(O_TRUNC) leaves nothing behind");
	mmu_notifier_unregister(&mn, mm_self());
	unmap_all();
}

int main(void)
{
	tap_begin(60);
	snprintf(path, sizeof(path), "/dev/shm/mmun-files-%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		bail("%s: %s", path, strerror(errno));
	record();
	test_calls();
	test_openat2();
	test_remove();
	test_moving("COLLAPSE_RANGE", FALLOC_FL_COLLAPSE_RANGE, "/var/tmp");
	test_moving("INSERT_RANGE", FALLOC_FL_INSERT_RANGE, "/var/tmp");
	test_moving("ZERO_RANGE", FALLOC_FL_ZERO_RANGE, "/var/tmp");
	test_silent();
	test_unchanged();
	test_emfile();
	test_many();
	test_split();
	test_huge();
	test_remap_file_pages();
	test_late();
	test_cancel();
	unlink(path);
	return tap_end();
}
