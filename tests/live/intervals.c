// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interval notifiers on the running process: who hears of which call, in a child,
 * and at the end; and a mirror of pages that others unmap and map again.
 *
 *	live-intervals [seed]
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/uio.h>
#include <time.h>

#include <mmunotify/interval_notifier.h>

#include "live.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Written down by hear() as starts. */
static bool on_hit(struct mmu_interval_notifier *sub,
		   const struct mmu_notifier_range *range, unsigned long seq)
{
	mmu_interval_set_seq(sub, seq);
	hear(range, false);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = on_hit };
static struct mmu_interval_notifier sub;

static void insert(struct mmu_interval_notifier *s, void *addr, size_t nr)
{
	int err = mmu_interval_notifier_insert(s, mm_self(),
					       (unsigned long)addr, nr * PAGE,
					       &ops);

	if (err)
		bail("insert: %s", strerror(-err));
}

static bool hit_one(enum mmu_notifier_event event, const void *addr, size_t nr)
{
	bool right = listened() == 1 &&
		     is_range(0, false, event, addr, nr * PAGE);

	if (!right)
		tell();
	return right;
}

/* -- calls -- */

static void test_calls(void)
{
	char *p = pages(16), *at = p + 4 * PAGE, *q;

	insert(&sub, at, 4);
	listen_now();
	madvise(at + PAGE, PAGE, MADV_DONTNEED);
	ok(hit_one(MMU_NOTIFY_CLEAR, at + PAGE, 1), "madvise in it hits");
	listen_now();
	mprotect(at, PAGE, PROT_READ);
	ok(hit_one(MMU_NOTIFY_PROTECTION_VMA, at, 1), "so does mprotect");
	listen_now();
	mmap(at, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	ok(hit_one(MMU_NOTIFY_UNMAP, at, 1), "so does mmap(MAP_FIXED)");
	listen_now();
	munmap(p + 2 * PAGE, 3 * PAGE);
	ok(hit_one(MMU_NOTIFY_UNMAP, p + 2 * PAGE, 3),
	   "munmap of its first page: the range is not clipped");
	listen_now();
	munmap(p, 2 * PAGE);
	munmap(p + 8 * PAGE, 2 * PAGE);
	madvise(p + 10 * PAGE, PAGE, MADV_DONTNEED);
	ok(heard_none(), "what is adjacent does not");
	listen_now();
	q = mremap(at + 2 * PAGE, 2 * PAGE, 2 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, p + 14 * PAGE);
	ok(q == p + 14 * PAGE && hit_one(MMU_NOTIFY_UNMAP, at + 2 * PAGE, 2),
	   "mremap from it hits");
	mmu_interval_notifier_remove(&sub);
	listen_now();
	munmap(at, 4 * PAGE);
	ok(heard_none(), "removed, it is not hit");
	drop(p, 16);
}

/* Alone, without a classic notifier. */
static void test_file(void)
{
	char path[] = "/tmp/mmun-intervals-XXXXXX", *p, *other = pages(4);
	int fd = mkstemp(path);
	struct mmu_interval_notifier second;

	unlink(path);
	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		bail("a file: %s", strerror(errno));
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	insert(&sub, p, 4);
	insert(&second, other, 4);
	listen_now();
	if (ftruncate(fd, 2 * PAGE))
		bail("ftruncate");
	ok(hit_one(MMU_NOTIFY_CLEAR, p + 2 * PAGE, 2) ||
	   (listened() == 1 && heard[0].end > (unsigned long)p + 2 * PAGE),
	   "a file that is cut hits who maps it, and nobody else");
	mmu_interval_notifier_remove(&sub);
	mmu_interval_notifier_remove(&second);
	munmap(p, 4 * PAGE);
	close(fd);
	drop(other, 4);
}

/* -- fork() -- */

static char *page_of_parent;

static bool hears(struct mmu_interval_notifier *s)
{
	char *p = pages(2);
	bool heard_it;

	insert(s, p, 1);
	listen_now();
	munmap(p, PAGE);
	heard_it = listened() == 1;
	mmu_interval_notifier_remove(s);
	drop(p, 2);
	return heard_it;
}

static int child_has_none(void)
{
	struct mmu_interval_notifier mine;
	unsigned int count = mmun_mm_count(mm_self());

	listen_now();
	madvise(page_of_parent, PAGE, MADV_DONTNEED);
	if (listened())
		return 1;
	if (mm_has_notifiers(mm_self()))
		return 2;
	if (mmu_interval_notifier_insert(&sub, mm_self(), 0, 1, &ops) != -EINVAL)
		return 3;
	mmu_interval_notifier_remove(&sub);
	if (mmun_mm_count(mm_self()) != count - 1)
		return 4;
	return hears(&mine) && hears(&sub) ? 0 : 5;
}

static int child_has_own(void)
{
	static struct mmu_interval_notifier mine;
	pid_t pid;

	insert(&mine, page_of_parent, 1);
	pid = fork();
	if (!pid) {
		listen_now();
		munmap(page_of_parent, PAGE);
		_exit(listened());
	}
	if (reap(pid))
		return 1;
	listen_now();
	munmap(page_of_parent, PAGE);
	return listened() == 1 ? 0 : 2;
}

static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(20);
		_exit(body());
	}
	status = reap(pid);
	if (status)
		diag("the child says %d", status);
	return status;
}

static void test_fork(void)
{
	char *p = page_of_parent = pages(1);
	pid_t pid;

	insert(&sub, p, 1);
	listen_now();
	pid = fork();
	if (!pid)
		_exit(listened());
	ok(reap(pid) == 1 && listened() == 1 &&
	   heard[0].event == MMU_NOTIFY_PROTECTION_PAGE &&
	   heard[0].start <= (unsigned long)p &&
	   heard[0].end >= (unsigned long)p + PAGE,
	   "fork() write-protects: told to an interval alone");
	ok(!in_child(child_has_none),
	   "[S61] a child has none, removes those that it inherited, and inserts");
	ok(!in_child(child_has_own), "[S61] nor has a child of that");
	listen_now();
	madvise(p, PAGE, MADV_DONTNEED);
	ok(hit_one(MMU_NOTIFY_CLEAR, p, 1), "[S61] the parent has noticed nothing");
	mmu_interval_notifier_remove(&sub);
	drop(p, 1);
}

/* In a callback: the walk goes on in the parent, and ends in the child. */
static struct mmu_interval_notifier two[2];
static int calls[2];
static pid_t forked;

static bool fork_there(struct mmu_interval_notifier *s,
		       const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	(void)range;
	mmu_interval_set_seq(s, seq);
	calls[s - two]++;
	if (s == &two[0] && !forked) {
		forked = fork();
		if (!forked)
			forked = -1;
	}
	return true;
}

static const struct mmu_interval_notifier_ops forking_ops = {
	.invalidate = fork_there,
};

static void test_fork_in_callback(void)
{
	char *p = pages(4);
	int status;

	for (int i = 0; i < 2; i++)
		if (mmu_interval_notifier_insert(&two[i], mm_self(),
						 (unsigned long)p, 4 * PAGE,
						 &forking_ops))
			bail("insert");
	munmap(p, PAGE);
	if (forked < 0) {
		madvise(p + PAGE, PAGE, MADV_DONTNEED);
		status = calls[0] != 1 || calls[1] || !hears(&sub);
		mmu_interval_notifier_remove(&two[0]);
		mmu_interval_notifier_remove(&two[1]);
		_exit(status);
	}
	status = reap(forked);
	ok(calls[0] == 1 && calls[1] == 1 && !status,
	   "fork in a callback: %d %d, the child says %d", calls[0], calls[1],
	   status);
	for (int i = 0; i < 2; i++)
		mmu_interval_notifier_remove(&two[i]);
	drop(p, 4);
}

/* -- the end -- */

static struct tally {
	atomic_int release, unmap, other, late, first_is_release;
} *tally;

static atomic_bool over;
static void linger(void);

static bool note_end(struct mmu_interval_notifier *s,
		     const struct mmu_notifier_range *range, unsigned long seq)
{
	bool everything = !range->start && range->end == ULONG_MAX;

	mmu_interval_set_seq(s, seq);
	if (atomic_load(&over)) {
		atomic_fetch_add(&tally->late, 1);
	} else if (everything && range->event == MMU_NOTIFY_RELEASE) {
		atomic_store(&tally->first_is_release, !tally->unmap);
		atomic_fetch_add(&tally->release, 1);
	} else if (everything && range->event == MMU_NOTIFY_UNMAP) {
		atomic_fetch_add(&tally->unmap, 1);
	} else {
		atomic_fetch_add(&tally->other, 1);
		linger();
	}
	return true;
}

static const struct mmu_interval_notifier_ops end_ops = {
	.invalidate = note_end,
};

/* Set before the library's handler, and so run behind it. */
static void unmap_afterwards(void)
{
	atomic_store(&over, true);
	for (int i = 0; i < 64; i++)
		munmap(pages(1), PAGE);
	/* Removal is still in order. */
	mmu_interval_notifier_remove(&sub);
}

static void *unmap_for_ever(void *arg)
{
	for (;;)
		munmap(pages(1), PAGE);
	return arg;
}

static void listen_to_the_end(void)
{
	if (mmu_interval_notifier_insert(&sub, mm_self(), 0, ULONG_MAX,
					 &end_ops))
		_exit(90);
}

static void end_by_exit(void)
{
	atexit(unmap_afterwards);
	listen_to_the_end();
	munmap(pages(1), PAGE);
	exit(0);
}

static void end_by_underscore_exit(void)
{
	listen_to_the_end();
	munmap(pages(1), PAGE);
	_exit(0);
}

static void end_while_others_unmap(void)
{
	pthread_t thread;

	atexit(unmap_afterwards);
	listen_to_the_end();
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, unmap_for_ever, NULL);
	while (atomic_load(&tally->other) < 200)
		sched_yield();
	exit(0);
}

static atomic_bool lingering, lingers, lingered;

/* In the first callback: still busy when the release is told, and long after. */
static void linger(void)
{
	if (atomic_exchange(&lingering, false)) {
		atomic_store(&lingers, true);
		while (!atomic_load(&tally->release))
			sched_yield();
		for (int i = 0; i < 1000; i++)
			sched_yield();
		atomic_store(&lingered, true);
	}
}

static void *unmap_for_long(void *arg)
{
	/* From here, since making a thread is an event as well. */
	atomic_store(&lingering, true);
	return unmap_for_ever(arg);
}

static void callback_must_be_over(void)
{
	if (!atomic_load(&lingered))
		_exit(98);
	unmap_afterwards();
}

static void end_during_a_callback(void)
{
	pthread_t thread;

	atexit(callback_must_be_over);
	listen_to_the_end();
	pthread_create(&thread, NULL, unmap_for_long, NULL);
	while (!atomic_load(&lingers))
		sched_yield();
	exit(0);
}

static bool ends(void (*body)(void))
{
	pid_t pid;
	int status;

	memset(tally, 0, sizeof(*tally));
	pid = fork();
	if (!pid) {
		alarm(20);
		body();
		_exit(99);
	}
	status = reap(pid);
	if (status || tally->release != 1 || tally->unmap != 1 || tally->late)
		diag("exit status %d: %d releases, %d unmaps, %d late", status,
		     tally->release, tally->unmap, tally->late);
	return !status && tally->release == 1 && tally->unmap == 1 &&
	       tally->first_is_release && tally->other && !tally->late;
}

static void test_end(void)
{
	bool all = true;

	tally = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(ends(end_by_exit),
	   "[S128] exit(): one release, one unmap of everything, then silence");
	ok(ends(end_by_underscore_exit), "[S128] _exit(), the same");
	for (int i = 0; i < 20; i++)
		all &= ends(end_while_others_unmap);
	ok(all, "[S59] exit() while others unmap: silence, too");
	ok(ends(end_during_a_callback),
	   "[S59] exit() waits for a callback that is running");
	munmap(tally, PAGE);
}

/* -- a mirror -- */

#define NR 8
#define ROUNDS 4000

static struct {
	pthread_mutex_t lock;
	struct mmu_interval_notifier sub;
	char *at;
	atomic_ulong copy[NR];		/* 0: none */
} mirror = { .lock = PTHREAD_MUTEX_INITIALIZER };

static atomic_bool done;
static atomic_ulong filled, retried;

/* A lock that nobody holds while he maps. */
static bool forget(struct mmu_interval_notifier *s,
		   const struct mmu_notifier_range *range, unsigned long seq)
{
	unsigned long a = (unsigned long)mirror.at;

	pthread_mutex_lock(&mirror.lock);
	mmu_interval_set_seq(s, seq);
	for (int i = 0; i < NR; i++)
		if (a + i * PAGE < range->end && a + (i + 1) * PAGE > range->start)
			atomic_store(&mirror.copy[i], 0);
	pthread_mutex_unlock(&mirror.lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {
	.invalidate = forget,
};

/* Nothing may be mapped there. */
static unsigned long read_page(int i)
{
	unsigned long value = 0;
	struct iovec to = { &value, sizeof(value) };
	struct iovec from = { mirror.at + i * PAGE, sizeof(value) };

	raw(SYS_process_vm_readv, getpid(), (long)&to, 1, (long)&from, 1, 0);
	return value;
}

static void *fill_mirror(void *arg)
{
	unsigned long seq, read[NR], n = 0;
	bool stale;

	while (!atomic_load(&done)) {
		seq = mmu_interval_read_begin(&mirror.sub);
		for (int i = 0; i < NR; i++)
			read[i] = read_page(i);
		/* So that there are collisions, and others. */
		if (n++ % 2)
			sched_yield();
		pthread_mutex_lock(&mirror.lock);
		stale = mmu_interval_read_retry(&mirror.sub, seq);
		for (int i = 0; i < NR && !stale; i++)
			atomic_store(&mirror.copy[i], read[i]);
		pthread_mutex_unlock(&mirror.lock);
		atomic_fetch_add(stale ? &retried : &filled, 1);
	}
	return arg;
}

static uint64_t seed;

static uint64_t pick(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* The page goes, and comes back at the same address. */
static void replace(char *p)
{
	switch (pick(4)) {
	case 0:
		munmap(p, PAGE);
		break;
	case 1:
		madvise(p, PAGE, MADV_DONTNEED);
		return;
	case 2:
		mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mirror.at + 2 * NR * PAGE);
		break;
	}
	if (mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) != p)
		bail("mmap");
}

static void test_mirror(void)
{
	unsigned long stale = 0, content = 1, copy;
	pthread_t thread[2];
	int n;

	mirror.at = pages(4 * NR);
	memset(mirror.at, 0, 4 * NR * PAGE);
	if (mmu_interval_notifier_insert(&mirror.sub, mm_self(),
					 (unsigned long)mirror.at, NR * PAGE,
					 &mirror_ops))
		bail("insert");
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, fill_mirror, NULL))
			bail("no thread");
	for (n = 0; n < ROUNDS || !filled || !retried; n++) {
		int i = pick(NR);
		char *p = mirror.at + i * PAGE;

		replace(p);
		stale += !!atomic_load(&mirror.copy[i]);
		*(volatile unsigned long *)p = ++content;
		if (pick(4) == 0)
			sched_yield();
		copy = atomic_load(&mirror.copy[i]);
		stale += copy && copy != content;
	}
	atomic_store(&done, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	ok(!stale, "%d pages replaced at their address: no copy of an old one",
	   n);
	diag("%lu fillings, %lu retries", filled, retried);
	mmu_interval_notifier_remove(&mirror.sub);
	drop(mirror.at, 4 * NR);
}

int main(int argc, char **argv)
{
	tap_begin(55);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	seed = seed * 2 + 1;
	/* Before anything installs the library's exit handler. */
	test_end();
	test_calls();
	test_file();
	test_fork();
	test_fork_in_callback();
	test_mirror();
	return tap_end();
}
