// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watching and unwatching: whom it concerns, how it overlaps, what it refuses,
 * what it says of itself, and what it leaves behind.
 */
#include <dirent.h>
#include <sys/shm.h>

#include "uffd.h"

static char *warned[8];
static int nr_warned;

static void on_warning(const char *line)
{
	if (nr_warned < 8)
		warned[nr_warned++] = strdup(line);
}

static bool hears_drop(char *p, size_t nr)
{
	int n;

	listen_now();
	drop(p, nr);
	settle();
	n = listened();
	if (n != 0 && n != 2)
		tell();
	return n == 2;
}

static void test_misuse(void)
{
	struct mmun_watch w, garbage;
	char *p = pages(2);
	unsigned long a = (unsigned long)p;

	memset(&w, 0xa5, sizeof(w));
	memset(&garbage, 0x5a, sizeof(garbage));
	ok(mmun_watch(NULL, mm_self(), a, a + PAGE) == -EINVAL &&
	   mmun_watch(&w, NULL, a, a + PAGE) == -EINVAL &&
	   mmun_watch(&w, mm_self(), a, a) == -EINVAL &&
	   mmun_watch(&w, mm_self(), a + 1, a) == -EINVAL,
	   "NULL and empty ranges are refused");
	ok(!mmun_watch(&w, mm_self(), a, a + PAGE), "memory need not be clean");
	ok(mmun_watch(&w, mm_self(), a, a + PAGE) == -EINVAL,
	   "a watch that is in use is refused");
	ok(w.start == a && w.end == a + PAGE && w.mm == mm_self(),
	   "and is as it was");
	mmun_set_warn_handler(on_warning);
	mmun_unwatch(&garbage);
	ok(nr_warned == 1, "what is no watch warns");
	mmun_unwatch(&w);
	ok(nr_warned == 1, "a watch does not");
	mmun_unwatch(&w);
	mmun_set_warn_handler(NULL);
	ok(!hears_drop(p, 2), "unwatched twice, it is not watched");
	ok(!mmun_watch(&w, mm_self(), a, a + PAGE),
	   "and where nothing is mapped, one may watch too");
	mmun_unwatch(&w);
}

static void test_software(void)
{
	struct mm_struct *mm = mm_alloc();
	struct mmun_watch w;

	ok(!mmun_watch(&w, mm, 1, 2) && mmun_watch(&w, mm, 1, 2) == -EINVAL,
	   "a software mm: it is kept account of");
	mmun_unwatch(&w);
	ok(!mmun_watch(&w, mm, 5, 6), "and may be watched again");
	mmun_unwatch(&w);
	mmput(mm);
}

static void test_overlap(void)
{
	struct mmun_watch a, b;
	char *p = watched(&a, 4);

	watch(&b, p + 3 * PAGE, 1);
	mmun_unwatch(&a);
	listen_now();
	raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
	settle();
	ok(heard_one(MMU_NOTIFY_CLEAR, p, PAGE),
	   "two watches of one mapping, one withdrawn: still seen");
	mmun_unwatch(&b);
	ok(!hears_drop(p, 4), "both withdrawn: not seen");

	/* The mapping is split after it was watched for its first page. */
	p = watched(&a, 4);
	mmun_unwatch(&a);
	watch(&a, p, 1);
	raw3(SYS_mprotect, (long)p + 2 * PAGE, PAGE, PROT_READ);
	mmun_unwatch(&a);
	ok(!hears_drop(p, 4), "split in between: all of it is let go");
}

#define MANY 3000

static struct mmun_watch many[MANY];

static void test_many(void)
{
	char *p = pages(MANY + 8), *at = p + 2 * PAGE;
	int before = count_mappings(), splits;
	bool right = true;

	for (int i = 0; i < MANY; i++)
		watch(&many[i], at + i * PAGE, 1 + i % 4);
	splits = count_mappings() - before;
	ok(splits <= 3, "%d overlapping watches: %d mappings more", MANY, splits);
	for (int i = 0; i < MANY; i += 2)
		mmun_unwatch(&many[i]);
	for (int i = 1; i < MANY && right; i += 97) {
		listen_now();
		raw3(SYS_madvise, (long)at + i * PAGE, PAGE, MADV_DONTNEED);
		settle();
		right = heard_one(MMU_NOTIFY_CLEAR, at + i * PAGE, PAGE);
	}
	ok(right, "half of them withdrawn: the others see");
	for (int i = 1; i < MANY; i += 2)
		mmun_unwatch(&many[i]);
	ok(!hears_drop(p, MANY + 8), "all withdrawn: silence");
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_leaks(void)
{
	int descriptors = count_descriptors(), mappings;
	struct mmun_watch w;

	drop(watched(&w, 1), 1);
	mmun_unwatch(&w);
	mappings = count_mappings();
	for (int i = 0; i < 500; i++) {
		drop(watched(&w, 4), 4);
		mmun_unwatch(&w);
	}
	ok(count_descriptors() == descriptors, "500 watches: no descriptor more");
	ok(count_mappings() <= mappings + 1, "and no mapping more");
}

/* -- what it says -- */

static unsigned int blind(void *p)
{
	int bits = mmun_coverage(mm_self(), (unsigned long)p,
				 (unsigned long)p + PAGE);

	if (bits < 0)
		bail("mmun_coverage: %s", strerror(-bits));
	return bits;
}

static void test_coverage(void)
{
	const unsigned int both = MMUN_BLIND_RAW | MMUN_BLIND_IO_URING;
	struct mmun_watch w, v;
	char *p = pages(1), *later, *segment;
	int fd, id;

	ok((blind(p) & both) == both, "unwatched private memory is blind to both");
	watch(&w, p, 1);
	ok((blind(p) & both) == MMUN_BLIND_IO_URING,
	   "watched it is not, but io_uring can install guards");
	mmun_unwatch(&w);
	ok((blind(p) & both) == both, "and unwatched again it is");
	drop(p, 1);

	fd = memfd_create("watched", 0);
	if (ftruncate(fd, PAGE))
		bail("memfd");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	watch(&w, p, 1);
	ok((blind(p) & both) == MMUN_BLIND_IO_URING,
	   "a memfd is watched, but io_uring can punch it");
	mmun_unwatch(&w);
	munmap(p, PAGE);
	close(fd);

	id = shmget(IPC_PRIVATE, PAGE, 0600);
	segment = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	watch(&w, segment, 1);
	ok((blind(segment) & both) == both,
	   "a System V segment cannot be watched, and it says so");
	mmun_unwatch(&w);
	shmdt(segment);

	p = pages(1);
	drop(p, 1);
	watch(&v, p, 1);
	later = (char *)raw(SYS_mmap, (long)p, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ok(later == p && (blind(p) & both) == MMUN_BLIND_IO_URING,
	   "what is mapped there later is seen after a question");
	ok(hears_drop(p, 1), "and is");
	mmun_unwatch(&v);
}

/* -- in a callback -- */

static struct mmun_watch to_drop, to_take;
static int watch_error;

static int unwatch_inside(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *range)
{
	(void)mn;
	if (range->start != to_drop.start || watch_error)
		return 0;
	watch_error = mmun_watch(&to_take, mm_self(), range->start, range->end);
	mmun_unwatch(&to_drop);
	return 0;
}

static int nr_warnings;

static void count_warning(const char *line)
{
	(void)line;
	nr_warnings++;
}

static void test_in_callback(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = unwatch_inside,
	};
	struct mmu_notifier mn = { .ops = &ops };
	char *p;

	mmun_set_warn_handler(count_warning);
	mmu_notifier_register(&mn, mm_self());
	p = watched(&to_drop, 4);
	raw3(SYS_madvise, (long)p, 4 * PAGE, MADV_DONTNEED);
	settle();
	ok(watch_error == -EDEADLK, "watching in a callback: -EDEADLK");
	mmu_notifier_unregister(&mn, mm_self());
	ok(nr_warnings == 1 && hears_drop(p, 4),
	   "unwatching in a callback: a warning, and it is still watched");
	mmun_unwatch(&to_drop);
	mmun_set_warn_handler(NULL);
	drop(p, 4);
}

/* -- transparent -- */

static void test_growth(void)
{
	struct mmun_watch w;
	char *p = watched(&w, 4), *q;
	size_t size = 1 << 20;

	q = mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	for (int i = 0; i < 64; i++)
		q[i * PAGE] += i;
	ok(q[0] == 'x' && q[63 * PAGE] == 63,
	   "grown by mremap, and its new end touched");
	munmap(q, 64 * PAGE);
	mmun_unwatch(&w);

	p = malloc(size);
	memset(p, 'x', size);
	watch(&w, (void *)((unsigned long)p & -PAGE), size / PAGE);
	q = realloc(p, 8 * size);
	ok(q && q[size - 1] == 'x', "grown by realloc");
	for (size_t i = size; i < 8 * size; i += PAGE)
		if (((volatile char *)q)[i] == 1)
			q[i] = 2;
	memset(q, 1, 8 * size);
	ok(q[8 * size - 1] == 1, "and read, then written");
	free(q);
	mmun_unwatch(&w);
}

static long huge_kib(char *p)
{
	char line[256];
	unsigned long start, end;
	bool here = false;
	long kib = -1;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (unsigned long)p && (unsigned long)p < end;
		if (here && sscanf(line, "AnonHugePages: %ld", &kib) == 1)
			break;
	}
	fclose(f);
	return kib;
}

static void test_huge_pages(void)
{
	const size_t size = 8 << 20, huge = 2 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mmun_watch w;
	long kib;

	madvise(p, size, MADV_HUGEPAGE);
	madvise(q, size, MADV_HUGEPAGE);
	watch(&w, p, size / PAGE);
	memset(p, 1, size);
	memset(q, 1, size);
	kib = huge_kib(p);
	ok(kib >= (long)(size - huge) >> 10 || huge_kib(q) <= 0,
	   "huge pages fault in as ever: %ld KiB, unwatched %ld KiB", kib,
	   huge_kib(q));
	mmun_unwatch(&w);
	munmap(p, size);
	munmap(q, size);
}

int main(void)
{
	tap_begin(50);
	if (!source_runs())
		return tap_end();
	record();
	test_misuse();
	test_software();
	test_overlap();
	test_many();
	test_leaks();
	test_coverage();
	test_in_callback();
	test_growth();
	test_huge_pages();
	mmu_notifier_unregister(&recorder, mm_self());
	return tap_end();
}
