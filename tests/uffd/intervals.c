// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interval notifiers and memory that is watched for their sake: what happens to
 * it by instruction, what is declared and withdrawn, and a mirror of pages that
 * are replaced at their address by whatever means.
 *
 *	uffd-intervals [seed]
 */
#include <sys/uio.h>
#include <time.h>

#include <mmunotify/interval_notifier.h>

#include "uffd.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static bool on_hit(struct mmu_interval_notifier *sub,
		   const struct mmu_notifier_range *range, unsigned long seq)
{
	mmu_interval_set_seq(sub, seq);
	hear(range, false);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = on_hit };

static void insert_bytes(struct mmu_interval_notifier *s, unsigned long start,
			 unsigned long length)
{
	int err = mmu_interval_notifier_insert(s, mm_self(), start, length,
					       &ops);

	if (err)
		bail("insert: %s", strerror(-err));
}

static void insert(struct mmu_interval_notifier *s, void *addr, size_t nr)
{
	insert_bytes(s, (unsigned long)addr, nr * PAGE);
}

/* With nothing on either side that it could merge with. */
static char *island(size_t nr)
{
	char *p = pages(nr + 2);

	drop(p, 1);
	drop(p + (nr + 1) * PAGE, 1);
	return p + PAGE;
}

static bool hit_after(enum mmu_notifier_event event, void *addr, size_t nr)
{
	bool right;

	settle();
	right = listened() == 1 &&
		is_range(0, false, event, addr, nr * PAGE) &&
		heard[0].flags & MMUN_RANGE_AFTER;
	if (!right)
		tell();
	return right;
}

static bool heard_nothing(void)
{
	settle();
	return heard_none();
}

static bool blind(void *p)
{
	int bits = mmun_coverage(mm_self(), (unsigned long)p,
				 (unsigned long)p + PAGE);

	if (bits < 0)
		bail("mmun_coverage: %s", strerror(-bits));
	return bits & MMUN_BLIND_RAW;
}

/* -- events -- */

static void test_events(void)
{
	struct mmu_interval_notifier sub;
	char *p = island(16), *at = p + 4 * PAGE;

	insert(&sub, at, 4);
	listen_now();
	raw3(SYS_madvise, (long)at + PAGE, PAGE, MADV_DONTNEED);
	ok(hit_after(MMU_NOTIFY_CLEAR, at + PAGE, 1), "raw madvise in it hits");
	listen_now();
	raw3(SYS_madvise, (long)p, 4 * PAGE, MADV_DONTNEED);
	raw3(SYS_munmap, (long)p + 8 * PAGE, PAGE, 0);
	ok(heard_nothing(), "adjacent to it, in the same mapping, does not");
	listen_now();
	raw3(SYS_munmap, (long)p + 2 * PAGE, 3 * PAGE, 0);
	ok(hit_after(MMU_NOTIFY_UNMAP, p + 2 * PAGE, 3),
	   "raw munmap hits, and the range is not clipped");
	listen_now();
	raw(SYS_mmap, (long)at + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	ok(hit_after(MMU_NOTIFY_UNMAP, at + PAGE, 1), "raw MAP_FIXED hits");
	listen_now();
	munmap(at + 2 * PAGE, PAGE);
	settle();
	ok(listened() == 1 && !(heard[0].flags & MMUN_RANGE_AFTER),
	   "munmap through libc is told once, before it is done");
	mmu_interval_notifier_remove(&sub);
	listen_now();
	raw3(SYS_madvise, (long)at + 3 * PAGE, PAGE, MADV_DONTNEED);
	ok(heard_nothing(), "removed, it is not hit");
	drop(p, 16);
}

/* A reader settles: who has seen a raw call return is told to retry. */
static void test_reader(void)
{
	struct mmu_interval_notifier sub;
	char *p = island(4);
	bool right = true;

	insert(&sub, p, 4);
	for (int i = 0; i < 200 && right; i++) {
		unsigned long seq = mmu_interval_read_begin(&sub), again;

		raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
		again = mmu_interval_read_begin(&sub);
		right = mmu_interval_read_retry(&sub, seq) &&
			!mmu_interval_read_retry(&sub, again);
	}
	ok(right, "[S119] read_begin waits until raw calls are told");
	mmu_interval_notifier_remove(&sub);
	drop(p, 4);
}

/* -- interest -- */

static void test_interest(void)
{
	struct mmu_interval_notifier a, b;
	struct mmun_watch w;
	char *p = island(8);

	ok(blind(p), "nobody is interested: raw calls go unseen");
	insert(&a, p + 2 * PAGE, 1);
	ok(!blind(p + 2 * PAGE) && blind(p) && blind(p + 7 * PAGE),
	   "an interval is watched; the rest of its mapping is nobody's promise");
	insert(&b, p + 5 * PAGE, 1);
	mmu_interval_notifier_remove(&a);
	ok(!blind(p + 5 * PAGE) && blind(p + 2 * PAGE),
	   "two intervals, one removed: the other is still watched");
	mmu_interval_notifier_remove(&b);
	ok(blind(p + 5 * PAGE), "both removed: not any more");

	insert(&a, p, 8);
	watch(&w, p, 1);
	mmu_interval_notifier_remove(&a);
	ok(!blind(p), "an interval and a watch, the interval removed");
	insert(&a, p, 8);
	mmun_unwatch(&w);
	ok(!blind(p), "or the watch withdrawn: still watched");
	mmu_interval_notifier_remove(&a);
	ok(blind(p), "both gone: not any more");

	insert_bytes(&a, (unsigned long)p + 3 * PAGE + 100, 1);
	ok(!blind(p + 3 * PAGE), "a byte is watched by its page");
	mmu_interval_notifier_remove(&a);
	ok(blind(p + 3 * PAGE), "and let go");
	drop(p, 8);
}

/* Put off is declared; and withdrawn when it is removed. */
static bool inserted_inside;
static struct mmu_interval_notifier inside_sub;
static atomic_int holding;	/* 1: in the callback; 2: it may go */

static bool hold(struct mmu_interval_notifier *sub,
		 const struct mmu_notifier_range *range, unsigned long seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	atomic_store(&holding, 1);
	while (atomic_load(&holding) == 1)
		raw3(SYS_sched_yield, 0, 0, 0);
	return true;
}

static const struct mmu_interval_notifier_ops holding_ops = {
	.invalidate = hold,
};

static void *unmap_there(void *p)
{
	munmap(p, PAGE);
	return NULL;
}

static void test_put_off(void)
{
	struct mmu_interval_notifier holder, sub;
	char *p = island(4), *q = island(4);
	pthread_t thread;
	bool watched, let_go;

	if (mmu_interval_notifier_insert(&holder, mm_self(), (unsigned long)p,
					 4 * PAGE, &holding_ops) ||
	    pthread_create(&thread, NULL, unmap_there, p))
		bail("insert");
	while (atomic_load(&holding) != 1)
		sched_yield();
	insert(&sub, q, 4);
	watched = !blind(q);
	mmu_interval_notifier_remove(&sub);
	let_go = blind(q);
	insert(&sub, q, 4);
	atomic_store(&holding, 2);
	pthread_join(thread, NULL);
	ok(watched && let_go && !blind(q),
	   "put off by a range, it declares and withdraws as ever");
	listen_now();
	raw3(SYS_madvise, (long)q, PAGE, MADV_DONTNEED);
	ok(hit_after(MMU_NOTIFY_CLEAR, q, 1), "and is hit when that has ended");
	mmu_interval_notifier_remove(&sub);
	mmu_interval_notifier_remove(&holder);
	ok(blind(q) && blind(p + PAGE), "removed, nothing is watched");
	drop(p, 4);
	drop(q, 4);
}

static int inside_error;

static bool insert_inside(struct mmu_interval_notifier *sub,
			  const struct mmu_notifier_range *range,
			  unsigned long seq)
{
	mmu_interval_set_seq(sub, seq);
	if (!inserted_inside)
		inside_error = mmu_interval_notifier_insert(
			&inside_sub, mm_self(), range->start, PAGE, &ops);
	inserted_inside = true;
	return true;
}

static const struct mmu_interval_notifier_ops inside_ops = {
	.invalidate = insert_inside,
};

static void test_inside(void)
{
	struct mmu_interval_notifier sub;
	char *p = island(1);
	unsigned int count = mmun_mm_count(mm_self());

	if (mmu_interval_notifier_insert(&sub, mm_self(), (unsigned long)p,
					 PAGE, &inside_ops))
		bail("insert");
	madvise(p, PAGE, MADV_DONTNEED);
	ok(inside_error == -EDEADLK &&
	   mmun_mm_count(mm_self()) == count + 1,
	   "in a callback of mm_self(), which could not look at mappings: -EDEADLK");
	mmu_interval_notifier_remove(&sub);
	drop(p, 1);
}

/* -- in a child -- */

static void test_child(void)
{
	struct mmu_interval_notifier sub, mine;
	char *p = island(2);
	int status;
	pid_t pid;

	insert(&sub, p, 2);
	pid = fork();
	if (!pid) {
		alarm(20);
		mmu_interval_notifier_remove(&sub);
		insert(&mine, p, 2);
		status = blind(p);
		listen_now();
		raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
		status |= !hit_after(MMU_NOTIFY_CLEAR, p, 1) << 1;
		mmu_interval_notifier_remove(&mine);
		status |= !blind(p) << 2;
		_exit(status);
	}
	status = reap(pid);
	ok(!status, "in a child the first interval starts the source again (%d)",
	   status);
	listen_now();
	raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
	ok(hit_after(MMU_NOTIFY_CLEAR, p, 1), "the parent has noticed nothing");
	mmu_interval_notifier_remove(&sub);
	drop(p, 2);
}

/* -- a mirror -- */

#define NR 8
#define ROUNDS 3000

static struct {
	pthread_mutex_t lock;
	struct mmu_interval_notifier sub;
	char *at;
	atomic_ulong copy[NR];		/* 0: none */
} mirror = { .lock = PTHREAD_MUTEX_INITIALIZER };

static atomic_bool done;
static atomic_ulong filled, retried;
static uint64_t seed;

static uint64_t pick(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

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

/*
 * The page goes and comes back at its address, by libc or past it.  Return: was it
 * advice past libc?
 */
static bool replace(char *p)
{
	unsigned long a = (unsigned long)p;

	switch (pick(5)) {
	case 0:
		munmap(p, PAGE);
		break;
	case 1:
		raw3(SYS_munmap, (long)p, PAGE, 0);
		break;
	case 2:
		raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
		return true;
	case 3:
		madvise(p, PAGE, MADV_DONTNEED);
		return false;
	}
	raw(SYS_mmap, (long)p, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	/* What is mapped later is watched after a question. */
	if (mmun_coverage(mm_self(), a, a + PAGE) & MMUN_BLIND_RAW)
		bail("a page that was watched cannot be watched again");
	return false;
}

static void test_mirror(void)
{
	/* By what is exact, and by what is not: the top of uffd.c. */
	unsigned long stale[2] = { 0 }, content = 1, copy;
	pthread_t thread[2];
	int n;

	mirror.at = island(NR);
	memset(mirror.at, 0, NR * PAGE);
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
		bool advised = replace(p);

		/* As every lookup does. */
		settle();
		stale[advised] += !!atomic_load(&mirror.copy[i]);
		*(volatile unsigned long *)p = ++content;
		if (pick(4) == 0)
			sched_yield();
		copy = atomic_load(&mirror.copy[i]);
		stale[advised] += copy && copy != content;
	}
	atomic_store(&done, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	ok(!stale[0], "%d pages replaced at their address: no settled lookup finds an old one",
	   n);
	ok(stale[1] <= n / 500UL, "nor, but for one in a hundred, by advice past libc");
	diag("%lu fillings, %lu retries; %lu stale, %lu by advice", filled, retried,
	     stale[0], stale[1]);
	mmu_interval_notifier_remove(&mirror.sub);
	drop(mirror.at, NR);
}

/* -- what it leaves behind -- */

#define MANY 500

static void test_many(void)
{
	static struct mmu_interval_notifier many[MANY];
	char *p = island(MANY);
	int before = count_mappings();
	bool right = true;

	for (int i = 0; i < MANY; i++)
		insert(&many[i], p + i * PAGE, 1 + i % 4);
	ok(count_mappings() <= before + 2, "%d intervals split no mapping", MANY);
	for (int i = 0; i < MANY; i += 2)
		mmu_interval_notifier_remove(&many[i]);
	for (int i = 1; i < MANY && right; i += 53) {
		listen_now();
		raw3(SYS_madvise, (long)p + i * PAGE, PAGE, MADV_DONTNEED);
		settle();
		right = listened() >= 1;
	}
	ok(right, "half of them removed: the others are hit");
	for (int i = 1; i < MANY; i += 2)
		mmu_interval_notifier_remove(&many[i]);
	ok(blind(p), "all removed: nothing is watched");
	drop(p, MANY);
}

int main(int argc, char **argv)
{
	tap_begin(55);
	if (!source_runs())
		return tap_end();
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	seed = seed * 2 + 1;
	test_events();
	test_reader();
	test_interest();
	test_put_off();
	test_inside();
	test_child();
	test_mirror();
	test_many();
	return tap_end();
}
