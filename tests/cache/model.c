// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random operations in many threads on four caches of one software mm, against a
 * model in which nothing can be hidden: each page has a version, which changes
 * between the start and the end of a range, and a registration is the versions that
 * it found.  Whoever gets or borrows a region knows which versions there were
 * before: what he finds must not be older.  And it must stay registered as long
 * as he has it, and be deregistered once.
 *
 * The orders that this stands on: ORDER(cache-alive), ORDER(cache-dead),
 * ORDER(cache-pending), ORDER(cache-section), ORDER(cache-counts).
 *
 *	cache-model [-n operations] [-t threads] [-s seed]
 */
#include <inttypes.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/rseq.h"
#include "registrar.h"

#define PAGE 4096UL
enum { PAGES = 48, MAX_LEN = 6, HELD = 6, PINS = 8192, CACHES = 4 };
enum { READ = 1, WRITE = 2 };

static struct mm_struct *mm;
static struct mmun_regcache *caches[CACHES];
static _Atomic uint64_t version[PAGES];
static uint64_t operations = 2000000, seed;
static int nr_threads = 4;

/* -- what can go wrong -- */

static atomic_ulong stale, gone, outside, double_undone;
/* More are registered than so few threads can hold. */
static atomic_ulong lost;
static atomic_ulong hits, refusals, deaths;
static atomic_bool stop;

static bool is_wrong(void)
{
	return stale || gone || outside || double_undone || lost;
}

static void note(atomic_ulong *counter)
{
	atomic_fetch_add(counter, 1);
#ifdef MODEL_MUTANT
	atomic_store(&stop, true);
#endif
}

/* -- the registrar -- */

static struct pin {
	atomic_uint serial;	/* odd while it is registered */
	unsigned long first, nr;
	_Atomic uint64_t seen[PAGES];
} pins[PINS];

static __thread uint64_t state;

static uint64_t random_below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % limit;
}

static void dawdle(void)
{
	for (uint64_t n = random_below(4) ? 0 : random_below(200); n; n--)
		__asm__ __volatile__("" ::: "memory");
}

static struct pin *claim_pin(void)
{
	for (int tries = 0; tries < PINS; tries++) {
		struct pin *pin = &pins[random_below(PINS)];
		unsigned int serial = atomic_load(&pin->serial);

		if (!(serial & 1) && atomic_compare_exchange_strong(
					     &pin->serial, &serial, serial + 1))
			return pin;
	}
	note(&lost);
	return NULL;
}

static int pin_reg(void *ctx, unsigned long addr, size_t len,
		   unsigned int access, uint64_t *ret_handle)
{
	struct pin *pin;

	(void)ctx;
	(void)access;
	if (!state)
		state = seed ^ (uintptr_t)&state;
	if (!random_below(32)) {
		atomic_fetch_add(&refusals, 1);
		return random_below(4) ? -EFAULT : -ENOMEM;
	}
	if (addr / PAGE + len / PAGE > PAGES)
		return -EFAULT;
	pin = claim_pin();
	if (!pin)
		return -ENOSPC;
	pin->first = addr / PAGE;
	pin->nr = len / PAGE;
	for (unsigned long i = pin->first; i < pin->first + pin->nr; i++) {
		atomic_store_explicit(&pin->seen[i], atomic_load(&version[i]),
				      memory_order_relaxed);
		dawdle();
	}
	/* Long enough that events come in between. */
	if (!random_below(4))
		sched_yield();
	*ret_handle = (uint64_t)atomic_load(&pin->serial) << 32 | (pin - pins);
	atomic_fetch_add(&nr_reg, 1);
	return 0;
}

static bool is_registered(uint64_t handle)
{
	return (uint32_t)handle < PINS &&
	       atomic_load(&pins[(uint32_t)handle].serial) == handle >> 32;
}

static void pin_dereg(void *ctx, uint64_t handle)
{
	unsigned int serial = handle >> 32;

	(void)ctx;
	atomic_fetch_add(&nr_dereg, 1);
	if (!atomic_compare_exchange_strong(&pins[(uint32_t)handle].serial,
					    &serial, serial + 1))
		note(&double_undone);
}

static const struct mmun_regcache_ops pin_ops = { pin_reg, pin_dereg };

/* -- the threads -- */

struct request {
	unsigned long first, nr;
	unsigned int access;
	uint64_t before[MAX_LEN];
};

struct thread {
	pthread_t thread;
	uint64_t seed;
	struct mmun_regcache_region *held[HELD];
};

static void choose(struct request *q)
{
	q->nr = 1 + random_below(MAX_LEN);
	q->first = random_below(PAGES - q->nr + 1);
	q->access = random_below(4) ? READ : READ | WRITE;
	for (unsigned long i = 0; i < q->nr; i++)
		q->before[i] = atomic_load(&version[q->first + i]);
}

static void check(const struct mmun_regcache_region *r, const struct request *q)
{
	uint64_t handle = r->handle;
	const struct pin *pin = &pins[(uint32_t)handle];
	bool old = false, in;

	if (!is_registered(handle)) {
		note(&gone);
		return;
	}
	in = pin->first <= q->first && q->first + q->nr <= pin->first + pin->nr;
	for (unsigned long i = 0; i < q->nr; i++)
		old |= atomic_load_explicit(&pin->seen[q->first + i],
					    memory_order_relaxed) < q->before[i];
	if (!is_registered(handle))
		note(&gone);
	else if (!in || (q->access & ~r->access))
		note(&outside);
	else if (old)
		note(&stale);
	atomic_fetch_add_explicit(&hits, 1, memory_order_relaxed);
}

static void borrow(struct mmun_regcache *cache)
{
	unsigned int section = mmun_regcache_read_lock(cache);
	uint64_t borrowed[4];
	int nr = 0;

	for (int i = random_below(4); i >= 0; i--) {
		struct mmun_regcache_region *r;
		struct request q;

		choose(&q);
		r = mmun_regcache_borrow(cache, q.first * PAGE, q.nr * PAGE,
					 q.access);
		if (!r)
			continue;
		check(r, &q);
		borrowed[nr++] = r->handle;
	}
	dawdle();
	while (nr)
		if (!is_registered(borrowed[--nr]))
			note(&gone);
	mmun_regcache_read_unlock(cache, section);
}

static void let_go(struct mmun_regcache_region **held)
{
	if (*held && !is_registered((*held)->handle))
		note(&gone);
	mmun_regcache_put(*held);
	*held = NULL;
}

static void get(struct mmun_regcache *cache, struct thread *t)
{
	struct mmun_regcache_region **held = &t->held[random_below(HELD)];
	struct request q;
	int err;

	let_go(held);
	choose(&q);
	err = mmun_regcache_get(cache, q.first * PAGE, q.nr * PAGE, q.access,
				held);
	if (!err)
		check(*held, &q);
	else if (err != -EFAULT && err != -ENOMEM && !lost)
		bail("mmun_regcache_get: %s", strerror(-err));
	if (random_below(4))
		let_go(held);
}

static void change(void)
{
	struct mmu_notifier_range range;
	unsigned long nr = 1 + random_below(3);
	unsigned long first = random_below(PAGES - nr + 1);

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, first * PAGE,
				(first + nr) * PAGE);
	mmu_notifier_invalidate_range_start(&range);
	dawdle();
	for (unsigned long i = 0; i < nr; i++)
		atomic_fetch_add(&version[first + i], 1);
	dawdle();
	mmu_notifier_invalidate_range_end(&range);
	atomic_fetch_add_explicit(&deaths, 1, memory_order_relaxed);
}

static void one_operation(struct thread *t)
{
	struct mmun_regcache *cache = caches[random_below(CACHES)];
	unsigned int what = random_below(1000);
	struct mmun_regcache_stats stats;
	unsigned long first;

	if (what < 700) {
		borrow(cache);
	} else if (what < 950) {
		get(cache, t);
	} else if (what < 990) {
		change();
	} else if (what < 995) {
		first = random_below(PAGES);
		mmun_regcache_flush(cache, first * PAGE, (first + 2) * PAGE);
	} else if (what < 999) {
		mmun_regcache_get_stats(cache, &stats);
	} else {
		mmun_regcache_reclaim(cache);
	}
}

static void *work(void *arg)
{
	struct thread *t = arg;
	uint64_t n = operations / nr_threads;

	state = t->seed;
	while (n-- && !atomic_load_explicit(&stop, memory_order_relaxed))
		one_operation(t);
	for (int i = 0; i < HELD; i++)
		let_go(&t->held[i]);
	return NULL;
}

static void run(void)
{
	struct thread threads[nr_threads];

	memset(threads, 0, sizeof(threads));
	for (int i = 0; i < nr_threads; i++) {
		threads[i].seed = seed * 2654435761u + i * 88172645463325252u + 1;
		if (pthread_create(&threads[i].thread, NULL, work, &threads[i]))
			bail("pthread_create");
	}
	for (int i = 0; i < nr_threads; i++)
		pthread_join(threads[i].thread, NULL);
}

static const struct mmun_regcache_attr attrs[CACHES] = {
	{ 0 },
	{ .flags = MMUN_REGCACHE_MERGE, .max_bytes = 24 * PAGE },
	{ .flags = MMUN_REGCACHE_RECLAIMER, .max_regions = 12 },
	{ .align = 4 * PAGE },
};

static void parse(int argc, char **argv)
{
	int option;

	seed = time(NULL);
	while ((option = getopt(argc, argv, "n:t:s:")) != -1) {
		switch (option) {
		case 'n':
			operations = strtoull(optarg, NULL, 0);
			break;
		case 't':
			nr_threads = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		default:
			bail("usage: cache-model [-n operations] [-t threads] [-s seed]");
		}
	}
}

static void tell(void)
{
	diag("%lu found, %d registrations, %lu refused, %lu events",
	     (unsigned long)hits, (int)nr_reg, (unsigned long)refusals,
	     (unsigned long)deaths);
	for (int i = 0; i < CACHES; i++) {
		struct mmun_regcache_stats s = stats_of(caches[i]);

		diag("cache %d: misses %" PRIu64 " shared %" PRIu64
		     " retries %" PRIu64 " unstable %" PRIu64 " crowded %" PRIu64
		     " merges %" PRIu64 " upgrades %" PRIu64
		     " evictions %" PRIu64, i, s.misses, s.shared, s.retries,
		     s.unstable, s.crowded, s.merges, s.upgrades, s.evictions);
	}
	diag("stale %lu, gone %lu, outside %lu, undone twice %lu",
	     (unsigned long)stale, (unsigned long)gone, (unsigned long)outside,
	     (unsigned long)double_undone);
}

#ifndef MODEL_MUTANT
static uint64_t retries(void)
{
	uint64_t n = 0;

	for (int i = 0; i < CACHES; i++)
		n += stats_of(caches[i]).retries;
	return n;
}
#endif

/* Where all holders are counted in one word, this rule cannot be broken. */
static void count_by_cpu(char **argv)
{
#ifdef MMUN_MUTANT_CACHE_COUNTS
	if (!getenv("MMUNOTIFY_SRCU"))
		return;
	unsetenv("MMUNOTIFY_SRCU");
	execv("/proc/self/exe", argv);
#else
	(void)argv;
#endif
}

int main(int argc, char **argv)
{
	count_by_cpu(argv);
	parse(argc, argv);
	tap_begin(600);
	diag("seed %" PRIu64, seed);
	state = seed | 1;
	mm = new_mm();
	for (int i = 0; i < CACHES; i++)
		if (mmun_regcache_create(mm, &pin_ops, NULL, &attrs[i],
					 &caches[i]))
			bail("mmun_regcache_create");
#ifdef MMUN_MUTANT_CACHE_COUNTS
	if (mmun_rseq_checked != mmun_rseq_offset) {
		skip("what was taken out is missed", "membarrier for sequences");
		return tap_end();
	}
#endif
	run();
	tell();
#ifdef MODEL_MUTANT
	ok(is_wrong(), "what was taken out is missed");
#else
	ok(!is_wrong(), "nobody finds what is stale, or gone, or another's; nothing is lost");
	ok(retries() || operations < 100000, "registrations have met events");
	for (int i = 0; i < CACHES; i++)
		mmun_regcache_destroy(caches[i]);
	ok(nr_reg == nr_dereg && !double_undone,
	   "each registration was undone once");
	mmput(mm);
#endif
	return tap_end();
}
