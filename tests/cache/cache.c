// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The cache on a software mm, one subject after the other. */
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mmunotify/interval_notifier.h>

#include "subject.h"

/* Each interval holds the mm, as the cache and we do. */
static bool only_living_are_watched(void)
{
	return mmun_mm_count(mm) == 2 + stats_of(cache).regions;
}

static void hits(void)
{
	struct mmun_regcache_region *r, *again;
	uint64_t generation;

	begin(NULL);
	ok(!is_cached(cache, 0x10000, 100, READ), "an empty cache has nothing");
	r = must_find(cache, 0x10010, 3 * PAGE, READ);
	ok(r->start == 0x10000 && r->end == 0x14000 && r->access == READ &&
	   r->handle == 0, "a miss registers whole pages");
	generation = mmun_regcache_generation(r);
	ok(generation, "a cached region has a generation");
	again = must_find(cache, 0x10010, 3 * PAGE, READ);
	ok(again == r && nr_calls == 1, "the same again is a hit");
	mmun_regcache_put(again);
	mmun_regcache_put(r);
	ok(!nr_dereg, "it stays when nobody holds it");
	touch(cache, 0x12fff, 2, READ);
	touch(cache, 0x13000, PAGE, READ);
	ok(nr_calls == 1, "so is each part of it");
	ok(is_cached(cache, 0x13000, PAGE, READ), "and can be borrowed");
	ok(!is_cached(cache, 0x13000, PAGE + 1, READ), "but no byte behind it");
	ok(!is_cached(cache, 0xffff, 2, READ), "nor before it");
	ok(!is_cached(cache, 0x10000, 1, WRITE), "nor for other access");
	ok(!is_cached(cache, 0x10000, 0, READ), "nor an empty range");
	ok(!is_cached(cache, 0x10000, ULONG_MAX, READ), "nor a very long one");
	ok(mmun_regcache_generation(r) == generation,
	   "the generation is what it was");
	ok(mmun_regcache_get(cache, 0x10000, 0, READ, &r) == -EINVAL &&
	   mmun_regcache_get(cache, -PAGE, 1, READ, &r) == -EINVAL &&
	   mmun_regcache_get(cache, -1UL, 2, READ, &r) == -EINVAL,
	   "ranges that cannot be are refused");
	ok(stats_of(cache).misses == 1 && stats_of(cache).regions == 1 &&
	   stats_of(cache).bytes == 4 * PAGE, "the statistics say so");
	end("hits");
}

static void invalidation(void)
{
	struct mmun_regcache_region *held, *r;
	unsigned int section;
	uint64_t generation;

	begin(NULL);
	held = must_find(cache, 0x10000, 4 * PAGE, READ);
	touch(cache, 0x20000, 4 * PAGE, READ);
	generation = mmun_regcache_generation(held);
	invalidate(mm, 0x14000, 0x20000);
	ok(mmun_regcache_generation(held) == generation &&
	   is_cached(cache, 0x20000, PAGE, READ),
	   "an event beside regions kills none");
	invalidate_by(mm, 0x13fff, 0x14000, MMU_NOTIFY_CLEAR);
	ok(!is_cached(cache, 0x10000, 4 * PAGE, READ),
	   "an event of one byte kills the region");
	ok(!mmun_regcache_generation(held), "its generation says so");
	ok(is_cached(cache, 0x20000, PAGE, READ), "the others live");
	r = must_find(cache, 0x10000, 4 * PAGE, READ);
	ok(nr_calls == 3 && r != held && r->handle == 2,
	   "the same range is a miss, and registered again");
	ok(!nr_dereg, "who holds the dead one keeps it registered");
	ok(stats_of(cache).dead == 1, "it is dead but held");
	ok(only_living_are_watched(), "and hears of nothing more");
	mmun_regcache_put(held);
	ok(nr_dereg == 1 && !stats_of(cache).dead,
	   "with the last reference it is deregistered");
	mmun_regcache_put(r);

	section = mmun_regcache_read_lock(cache);
	r = mmun_regcache_borrow(cache, 0x20000, PAGE, READ);
	invalidate(mm, 0x20000, 0x21000);
	ok(!is_cached(cache, 0x20000, PAGE, READ), "what is borrowed dies, too");
	touch(cache, 0x10000, PAGE, READ);
	touch(cache, 0x10000, PAGE, READ);
	ok(nr_dereg == 1 && r->handle == 1,
	   "but is not deregistered before the section ends");
	ok(only_living_are_watched(), "though it hears of nothing more, either");
	mmun_regcache_read_unlock(cache, section);
	touch(cache, 0x10000, PAGE, READ);
	ok(nr_dereg == 2, "and then by the next call");
	invalidate(mm, 0x10000, 0x11000);
	touch(cache, 0x10000, 4 * PAGE, READ);
	invalidate(mm, 0x10000, 0x11000);
	touch(cache, 0x10000, PAGE, READ);
	ok(nr_dereg == 4 && only_living_are_watched(),
	   "whatever is registered in its place");
	invalidate(mm, 0, ULONG_MAX);
	ok(nr_dereg == 4, "an event deregisters nothing");
	mmun_regcache_reclaim(cache);
	ok(nr_dereg == 5, "until that is asked for");
	ok(stats_of(cache).invalidations[MMU_NOTIFY_UNMAP] == 4 &&
	   stats_of(cache).invalidations[MMU_NOTIFY_CLEAR] == 1,
	   "deaths are counted by cause");
	end("invalidation");
}

static void *borrow_and_end(void *unused)
{
	is_cached(cache, 0x10000, PAGE, READ);
	is_cached(cache, 0x10000, PAGE, READ);
	return unused;
}

static void sections(void)
{
	unsigned int outer, inner;
	pthread_t thread;

	begin(NULL);
	touch(cache, 0x10000, PAGE, READ);
	outer = mmun_regcache_read_lock(cache);
	inner = mmun_regcache_read_lock(cache);
	ok(is_cached(cache, 0x10000, PAGE, READ), "sections nest");
	invalidate(mm, 0x10000, 0x11000);
	mmun_regcache_read_unlock(cache, inner);
	touch(cache, 0x20000, PAGE, READ);
	mmun_regcache_reclaim(cache);
	ok(!nr_dereg, "who reclaims in a section does not wait for it");
	mmun_regcache_read_unlock(cache, outer);
	mmun_regcache_reclaim(cache);
	ok(nr_dereg == 1, "and does what is left when it has ended");
	touch(cache, 0x10000, PAGE, READ);
	if (pthread_create(&thread, NULL, borrow_and_end, NULL))
		bail("pthread_create");
	pthread_join(thread, NULL);
	invalidate(mm, 0x10000, 0x11000);
	mmun_regcache_reclaim(cache);
	ok(nr_dereg == 2, "nobody waits for a thread that has ended");

	touch(cache, 0x30000, PAGE, READ);
	outer = mmun_regcache_read_lock(cache);
	inner = mmun_regcache_read_lock(cache);
	ok(mmun_regcache_borrow(cache, 0x30000, PAGE, READ), "a borrow in the inner one");
	mmun_regcache_read_unlock(cache, outer);
	invalidate(mm, 0x30000, 0x31000);
	mmun_regcache_reclaim(cache);
	ok(nr_dereg == 2, "which lasts, though the outer one has ended");
	mmun_regcache_read_unlock(cache, inner);
	mmun_regcache_reclaim(cache);
	ok(nr_dereg == 3, "until it has ended, too");
	end("sections");
}

static atomic_bool leave_sections;

static void *enter_sections(void *begun)
{
	while (!leave_sections) {
		is_cached(cache, 0x10000, PAGE, READ);
		*(atomic_bool *)begun = true;
	}
	return NULL;
}

/* Each section begins when the one before has just ended. */
static void no_starvation(void)
{
	atomic_bool begun[2] = { false, false };
	pthread_t threads[2];
	int rounds = 0;

	begin(NULL);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, enter_sections, &begun[i]))
			bail("pthread_create");
	while (!begun[0] || !begun[1])
		sched_yield();
	for (; rounds < 500; rounds++) {
		touch(cache, 0x10000, PAGE, READ);
		invalidate(mm, 0x10000, 0x11000);
		mmun_regcache_reclaim(cache);
		if (registered_now())
			break;
	}
	leave_sections = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ok(rounds == 500, "a grace period ends, whatever sections follow: %d", rounds);
	end("no starvation");
}

/* -- in the middle of a registration -- */

static int hits_left;

static int invalidate_in_reg(unsigned long addr, size_t len, unsigned int access)
{
	(void)access;
	if (hits_left) {
		hits_left--;
		invalidate(mm, addr, addr + len);
	}
	return 0;
}

static void collisions(void)
{
	struct mmun_regcache_region *r;

	begin(NULL);
	in_reg = invalidate_in_reg;
	hits_left = 2;
	r = must_find(cache, 0x10000, PAGE, READ);
	ok(nr_calls == 3 && r->handle == 2 && nr_dereg == 2 &&
	   mmun_regcache_generation(r),
	   "what changes while it is registered is registered anew");
	ok(stats_of(cache).retries == 2, "that is counted");
	mmun_regcache_put(r);
	hits_left = INT_MAX;
	r = must_find(cache, 0x20000, PAGE, READ);
	ok(!mmun_regcache_generation(r) && !is_cached(cache, 0x20000, 1, READ) &&
	   stats_of(cache).unstable == 1,
	   "what never stops to change is for its caller only");
	hits_left = 0;
	mmun_regcache_put(r);
	ok(registered_now() == 1, "and deregistered when it is put");
	end("collisions");
}

static int fail_with;

static int fail_in_reg(unsigned long addr, size_t len, unsigned int access)
{
	(void)addr;
	(void)len;
	(void)access;
	return fail_with;
}

static void failures(void)
{
	struct mmun_regcache_region *r = NULL;

	begin(NULL);
	in_reg = fail_in_reg;
	fail_with = -EFAULT;
	ok(mmun_regcache_get(cache, 0x10000, PAGE, READ, &r) == -EFAULT && !r,
	   "the registrar's error is the caller's");
	ok(nr_calls == 1 && !is_cached(cache, 0x10000, PAGE, READ) &&
	   !stats_of(cache).regions && !stats_of(cache).bytes,
	   "and nothing is left of it");
	fail_with = 0;
	touch(cache, 0x10000, PAGE, READ);
	ok(is_cached(cache, 0x10000, PAGE, READ), "the next one may succeed");
	end("failures");
}

static void upgrades(void)
{
	struct mmun_regcache_region *r;

	begin(NULL);
	touch(cache, 0x10000, 4 * PAGE, READ);
	r = must_find(cache, 0x11000, PAGE, WRITE);
	ok(r->start == 0x10000 && r->end == 0x14000 &&
	   r->access == (READ | WRITE), "more access is registered for the whole");
	mmun_regcache_put(r);
	touch(cache, 0x10000, 4 * PAGE, READ);
	ok(nr_calls == 2 && registered_now() == 1 &&
	   stats_of(cache).upgrades == 1, "and replaces what was");
	end("upgrades");
}

static int refuse_wide(unsigned long addr, size_t len, unsigned int access)
{
	(void)addr;
	(void)access;
	return len > 2 * PAGE ? -EFAULT : 0;
}

static void merging(void)
{
	struct mmun_regcache_attr attr = { .flags = MMUN_REGCACHE_MERGE };
	struct mmun_regcache_region *r;

	begin(NULL);
	touch(cache, 0x10000, 2 * PAGE, READ);
	touch(cache, 0x11000, 2 * PAGE, READ);
	ok(stats_of(cache).regions == 2 && is_cached(cache, 0x10000, 2, READ) &&
	   is_cached(cache, 0x12000, 2, READ), "without merging both stay");
	end("keeping");

	begin(&attr);
	touch(cache, 0x10000, PAGE, READ);
	touch(cache, 0x12000, PAGE, READ);
	ok(stats_of(cache).regions == 2, "regions that don't touch stay apart");
	r = must_find(cache, 0x11000, PAGE, WRITE);
	ok(r->start == 0x10000 && r->end == 0x13000 &&
	   r->access == (READ | WRITE) && stats_of(cache).merges == 2 &&
	   stats_of(cache).regions == 1, "one between them takes both in");
	mmun_regcache_put(r);
	touch(cache, 0x10fff, PAGE + 2, READ);
	ok(registered_now() == 1 && nr_calls == 3,
	   "and is found where they were");
	in_reg = refuse_wide;
	touch(cache, 0x13000, PAGE, READ);
	ok(stats_of(cache).regions == 2 && nr_calls == 5 &&
	   is_cached(cache, 0x13000, PAGE, READ),
	   "where the whole is refused, the part is registered");
	end("merging");
}

/* -- limits -- */

static void limits(void)
{
	struct mmun_regcache_attr attr = { .max_regions = 8 };
	struct mmun_regcache_region *r, *held[8];
	bool kept = true;

	begin(&attr);
	for (unsigned long i = 0; i < 100; i++) {
		touch(cache, (i + 1) * MIB, PAGE, READ);
		touch(cache, MIB, PAGE, READ);
		kept &= is_cached(cache, MIB, PAGE, READ);
	}
	ok(stats_of(cache).regions == 8 && registered_now() == 8 &&
	   stats_of(cache).evictions == 92, "no more regions than that");
	ok(kept && nr_calls == 100, "and what is used stays");
	for (unsigned long i = 0; i < 8; i++)
		held[i] = must_find(cache, (i + 200) * MIB, PAGE, READ);
	r = must_find(cache, 300 * MIB, PAGE, READ);
	ok(!mmun_regcache_generation(r) && stats_of(cache).crowded == 1,
	   "when all are held, another one is for its caller only");
	mmun_regcache_put(r);
	for (int i = 0; i < 8; i++)
		mmun_regcache_put(held[i]);
	end("limits");

	attr = (struct mmun_regcache_attr){ .max_bytes = 64 * PAGE };
	begin(&attr);
	for (unsigned long i = 0; i < 100; i++)
		touch(cache, (i + 1) * MIB, (i % 16 + 1) * PAGE, READ);
	ok(stats_of(cache).bytes <= 64 * PAGE && stats_of(cache).regions > 3,
	   "no more bytes than that");
	r = must_find(cache, GIB, 65 * PAGE, READ);
	ok(!mmun_regcache_generation(r) && stats_of(cache).regions > 3,
	   "what is larger evicts nobody");
	mmun_regcache_put(r);
	end("bytes");
}

static int room;

static int need_room(unsigned long addr, size_t len, unsigned int access)
{
	(void)addr;
	(void)len;
	(void)access;
	return registered_now() < room ? 0 : -ENOMEM;
}

static void no_memory(void)
{
	struct mmun_regcache_region *held[4], *r;

	begin(NULL);
	in_reg = need_room;
	room = 4;
	for (unsigned long i = 0; i < 50; i++)
		touch(cache, (i + 1) * MIB, PAGE, READ);
	ok(registered_now() <= 4 && nr_refused && stats_of(cache).evictions >= 46,
	   "a registrar without memory evicts, and is asked again");
	for (unsigned long i = 0; i < 4; i++)
		held[i] = must_find(cache, (i + 100) * MIB, PAGE, READ);
	ok(mmun_regcache_get(cache, GIB, PAGE, READ, &r) == -ENOMEM,
	   "until everything is held");
	for (int i = 0; i < 4; i++)
		mmun_regcache_put(held[i]);
	end("no memory");
}

/* -- threads -- */

static sem_t entered, go_on;

static int wait_in_reg(unsigned long addr, size_t len, unsigned int access)
{
	(void)addr;
	(void)len;
	(void)access;
	sem_post(&entered);
	while (sem_wait(&go_on))
		;
	return fail_with;
}

struct getter {
	pthread_t thread;
	unsigned long addr;
	struct mmun_regcache_region *region;
	int ret;
};

static void *get_it(void *arg)
{
	struct getter *g = arg;

	g->ret = mmun_regcache_get(cache, g->addr, PAGE, READ, &g->region);
	return NULL;
}

static void start_getters(struct getter *getters, int n, bool fail)
{
	fail_with = fail ? -EACCES : 0;
	in_reg = wait_in_reg;
	for (int i = 0; i < n; i++) {
		getters[i] = (struct getter){ .addr = 0x10000 };
		if (pthread_create(&getters[i].thread, NULL, get_it, &getters[i]))
			bail("pthread_create");
	}
	while (sem_wait(&entered))
		;
	while (stats_of(cache).shared < (uint64_t)n - 1)
		sched_yield();
	sem_post(&go_on);
	for (int i = 0; i < n; i++)
		pthread_join(getters[i].thread, NULL);
}

static void once(void)
{
	enum { N = 5 };
	struct getter getters[N];
	bool same = true;

	sem_init(&entered, 0, 0);
	sem_init(&go_on, 0, 0);
	begin(NULL);
	start_getters(getters, N, false);
	for (int i = 0; i < N; i++)
		same &= !getters[i].ret && getters[i].region == getters[0].region;
	ok(same && nr_calls == 1, "who misses the same registers it once");
	for (int i = 0; i < N; i++)
		mmun_regcache_put(getters[i].region);
	end("once");

	begin(NULL);
	start_getters(getters, N, true);
	for (int i = 0; i < N; i++)
		same &= getters[i].ret == -EACCES;
	ok(same && nr_calls == 1, "and fails together");
	in_reg = NULL;
	touch(cache, 0x10000, PAGE, READ);
	ok(is_cached(cache, 0x10000, PAGE, READ), "without a trace");
	end("failing once");
}

static void reclaimer(void)
{
	struct mmun_regcache_attr attr = { .flags = MMUN_REGCACHE_RECLAIMER };
	struct mmun_regcache_region *r;

	begin(&attr);
	touch(cache, 0x10000, PAGE, READ);
	r = must_find(cache, 0x20000, PAGE, READ);
	invalidate(mm, 0, GIB);
	while (nr_dereg != 1)
		sched_yield();
	ok(true, "the reclaimer needs no call");
	mmun_regcache_put(r);
	while (nr_dereg != 2)
		sched_yield();
	ok(true, "nor for what was held");
	end("reclaimer");
}

/* -- and the rest -- */

/*
 * Got in one place, and put in another, where they are counted in different words:
 * more often than either of them could bear that was not made for it.
 */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && \
	!defined(__SANITIZE_ADDRESS__)
enum { DRIFT = (1 << 24) + 16 };
#else
enum { DRIFT = 1 << 16 };
#endif

static void put_in_section(struct mmun_regcache_region *r)
{
	unsigned int section = mmun_regcache_read_lock(cache);

	mmun_regcache_put(r);
	mmun_regcache_read_unlock(cache, section);
}

static void drift(void)
{
	struct mmun_regcache_attr attr = { .flags = MMUN_REGCACHE_RECLAIMER };
	struct mmun_regcache_region *held;

	begin(&attr);
	held = must_find(cache, 0x10000, PAGE, READ);
	for (int i = 0; i < DRIFT && !nr_dereg; i++)
		put_in_section(must_find(cache, 0x10000, PAGE, READ));
	invalidate(mm, 0x10000, 0x11000);
	mmun_regcache_reclaim(cache);
	ok(!nr_dereg, "put elsewhere %d times, it stays for who holds it", DRIFT);
	mmun_regcache_put(held);
	while (!nr_dereg)
		sched_yield();
	ok(nr_dereg == 1 && stats_of(cache).gets == DRIFT + 1,
	   "and then it goes, with all its gets");
	end("drift");
}

static void flushing(void)
{
	begin(NULL);
	touch(cache, 0x10000, PAGE, READ);
	touch(cache, 0x20000, PAGE, READ);
	mmun_regcache_flush(cache, 0x10000, 0x10001);
	ok(!is_cached(cache, 0x10000, PAGE, READ) &&
	   is_cached(cache, 0x20000, PAGE, READ) && registered_now() == 1,
	   "a flush forgets what it overlaps");
	end("flushing");
}

static void two_caches(void)
{
	struct mmun_regcache *other;

	begin(NULL);
	other = new_cache(mm, NULL);
	touch(cache, 0x10000, PAGE, READ);
	touch(other, 0x10000, PAGE, READ);
	invalidate(mm, 0x10000, 0x11000);
	ok(!is_cached(cache, 0x10000, PAGE, READ) &&
	   !is_cached(other, 0x10000, PAGE, READ), "two caches hear of it");
	touch(other, 0x10000, PAGE, READ);
	ok(!is_cached(cache, 0x10000, PAGE, READ), "and are two");
	mmun_regcache_destroy(other);
	end("two caches");
}

static void released(void)
{
	begin(NULL);
	touch(cache, 0x10000, PAGE, READ);
	mmget(mm);
	mmput(mm);
	invalidate_by(mm, 0, ULONG_MAX, MMU_NOTIFY_RELEASE);
	ok(!is_cached(cache, 0x10000, PAGE, READ), "a release kills all");
	end("released");
}

/* The same range as before: what was watched is not any more. */
static void released_for_good(void)
{
	struct mmun_regcache_region *r;

	begin(NULL);
	touch(cache, 0x10000, PAGE, READ);
	mmput(mm);
	ok(!is_cached(cache, 0x10000, PAGE, READ), "with the last user all goes");
	ok(mmun_regcache_get(cache, 0x10000, PAGE, READ, &r) == -EINVAL &&
	   mmun_regcache_get(cache, 0x20000, PAGE, READ, &r) == -EINVAL &&
	   nr_calls == 1, "and nothing is registered any more");
	mmun_regcache_destroy(cache);
	ok(!registered_now() && !nr_wrong, "it was undone once");
}

static void forked(void)
{
	struct mmun_regcache_region *held, *r;
	int status = 1;
	pid_t pid;

	begin(NULL);
	held = must_find(cache, 0x10000, PAGE, READ);
	pid = fork();
	if (!pid) {
		int wrong = is_cached(cache, 0x10000, PAGE, READ);

		wrong |= (mmun_regcache_get(cache, 0x10000, PAGE, READ, &r) !=
			  -ECHILD) << 1;
		mmun_regcache_put(held);
		mmun_regcache_destroy(cache);
		wrong |= (nr_dereg != 0) << 2;
		cache = new_cache(mm, NULL);
		touch(cache, 0x10000, PAGE, READ);
		wrong |= !is_cached(cache, 0x10000, PAGE, READ) << 3;
		mmun_regcache_destroy(cache);
		_exit(wrong | (nr_dereg != 1) << 4);
	}
	waitpid(pid, &status, 0);
	ok(!status, "a child has nothing of it, undoes nothing, and makes its own");
	ok(is_cached(cache, 0x10000, PAGE, READ), "the parent has what it had");
	mmun_regcache_put(held);
	end("forked");
}

/* The child of a registrar goes on with the get that has called it. */
static pid_t forked_off;

static void fork_once(void *ctx, uint64_t handle)
{
	book_dereg(ctx, handle);
	if (forked_off < 0)
		forked_off = fork();
}

static void forked_by_registrar(void)
{
	static const struct mmun_regcache_ops ops = { book_reg, fork_once };
	struct mmun_regcache_region *r;
	int status = 1, err;

	begin(NULL);
	mmun_regcache_destroy(cache);
	if (mmun_regcache_create(mm, &ops, NULL, NULL, &cache))
		bail("mmun_regcache_create");
	touch(cache, 0x10000, PAGE, READ);
	invalidate(mm, 0x10000, 0x11000);
	forked_off = -1;
	err = mmun_regcache_get(cache, 0x10000, PAGE, READ, &r);
	if (!forked_off)
		_exit(err != -ECHILD || nr_calls != 1);
	waitpid(forked_off, &status, 0);
	ok(!status, "a registrar's child gets nothing");
	ok(!err && nr_calls == 2, "its parent does");
	mmun_regcache_put(r);
	end("forked by the registrar");
}

static char warning[200];

static volatile sig_atomic_t handlers_forked, handlers_failed;

static void fork_in_handler(int sig)
{
	int saved = errno, status = 1;
	pid_t pid = fork();

	(void)sig;
	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		handlers_failed++;
	handlers_forked++;
	errno = saved;
}

/* Wherever the cache is at that time. */
static void forked_in_handlers(void)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	const struct sigaction forks = { .sa_handler = fork_in_handler,
					 .sa_flags = SA_RESTART };

	begin(NULL);
	sigaction(SIGPROF, &forks, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
	while (handlers_forked < 100) {
		touch(cache, 0x10000, PAGE, READ);
		invalidate(mm, 0x10000, 0x11000);
		mmun_regcache_reclaim(cache);
		/* There are not that many handles. */
		atomic_store(&nr_reg, 0);
		atomic_store(&nr_dereg, 0);
	}
	setitimer(ITIMER_PROF, &never, NULL);
	signal(SIGPROF, SIG_DFL);
	ok(!handlers_failed, "signal handlers may fork");
	end("forked in handlers");
}

static void keep_warning(const char *line)
{
	snprintf(warning, sizeof(warning), "%s", line);
}

static void misuse(void)
{
	struct mmun_regcache_attr attr = { .align = 3 };
	struct mmun_regcache_region *r;
	struct mmun_regcache *none = NULL;

	begin(NULL);
	ok(mmun_regcache_create(NULL, &book_ops, NULL, NULL, &none) == -EINVAL &&
	   mmun_regcache_create(mm, NULL, NULL, NULL, &none) == -EINVAL &&
	   mmun_regcache_create(mm, &book_ops, NULL, &attr, &none) == -EINVAL &&
	   !none, "nonsense is refused");
	mmun_regcache_destroy(NULL);
	mmun_regcache_put(NULL);
	mmun_set_warn_handler(keep_warning);
	r = must_find(cache, 0x10000, PAGE, READ);
	mmun_regcache_destroy(cache);
	ok(strstr(warning, "held") && !nr_dereg,
	   "destroying what is held warns, and leaks it");
	mmun_regcache_put(r);
	mmun_set_warn_handler(NULL);
	mmput(mm);
}

int main(void)
{
	tap_begin(60);
	hits();
	invalidation();
	sections();
	no_starvation();
	collisions();
	failures();
	upgrades();
	merging();
	limits();
	no_memory();
	once();
	reclaimer();
	drift();
	flushing();
	two_caches();
	released();
	released_for_good();
	forked();
	forked_by_registrar();
	forked_in_handlers();
	misuse();
	return tap_end();
}
