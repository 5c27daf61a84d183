// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Somebody writes his jump over an entry that we have patched, takes it away
 * again, or does it for ever: mmun_patch_recheck() finds out, and chains.
 *
 * The function computes 7 + its argument, and so does his hook; ours adds 1000.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "helpers.h"

#define HOOKED 1000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t function[16] = {
	0xb8, 7, 0, 0, 0,	/* mov $7, %eax */
	0x48, 0x01, 0xf8,	/* add %rdi, %rax */
	0xc3,			/* ret */
	0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90
};

static struct mmun_patch patch;
static void *published;
static atomic_int hook_calls, foreign_calls;

static long hook(long a)
{
	atomic_fetch_add(&hook_calls, 1);
	return ((func_t)__atomic_load_n(&published, __ATOMIC_ACQUIRE))(a) +
	       HOOKED;
}

static long foreign_hook(long a)
{
	atomic_fetch_add(&foreign_calls, 1);
	return a + 7;
}

/* -- the jumps of others -- */

struct jump {
	const char *name;
	size_t n;
	size_t target_at;
	uint8_t bytes[16];
};

static const struct jump jumps[] = {
	{ "e9, 5 bytes", 5, 1, { 0xe9 } },
	{ "movabs rax, 12 bytes", 12, 2,
	  { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 } },
	{ "movabs r11, 13 bytes", 13, 2,
	  { 0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3 } },
	{ "ff25, 14 bytes", 14, 6, { 0xff, 0x25 } },
};

#define FAR_JUMP (&jumps[2])

/* Five bytes do not lead to a hook of this program, but to a jump to it. */
static void make_jump(const struct jump *j, const uint8_t *at, void *target,
		      uint8_t *out)
{
	int32_t rel;

	memcpy(out, j->bytes, j->n);
	if (j->n == 5) {
		uint8_t hop[16];

		make_jump(FAR_JUMP, at + 64, target, hop);
		overwrite((uint8_t *)at + 64, hop, sizeof(hop));
		rel = 64 - 5;
		memcpy(out + j->target_at, &rel, sizeof(rel));
		return;
	}
	memcpy(out + j->target_at, &target, sizeof(target));
}

/* He arrives; what he found is kept in @found. */
static void arrive(const struct jump *j, uint8_t *at, uint8_t *found)
{
	uint8_t bytes[16];

	memcpy(found, at, 16);
	make_jump(j, at, (void *)foreign_hook, bytes);
	overwrite(at, bytes, j->n);
}

/* -- ours -- */

/* Within reach of the hook, entries jump there directly at first. */
static bool near;

static uint8_t *page_near(void)
{
	static uintptr_t last;
	const size_t size = sysconf(_SC_PAGESIZE);
	void *p;

	if (!last)
		last = ((uintptr_t)hook & -size) - (256UL << 20);
	last -= 1UL << 20; /* islands come in between */
	p = mmap((void *)last, size, PROT_READ | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (p != (void *)last)
		bail("mmap near the hook: %m");
	return p;
}

static uint8_t *new_function(void)
{
	uint8_t *code = near ? page_near() : code_pages(1);

	overwrite(code, function, sizeof(function));
	patch = (struct mmun_patch){ .entry = code, .hook = (void *)hook,
				     .publish = &published };
	if (mmun_patch_prepare(&patch))
		bail("prepare: %s", patch.how);
	published = patch.orig;
	if (mmun_patch_commit(&patch))
		bail("commit: %s", patch.how);
	return code;
}

static int asked;

static bool reached(struct mmun_patch *p)
{
	int before = atomic_load(&hook_calls);

	asked++;
	((func_t)p->entry)(0);
	return atomic_load(&hook_calls) > before;
}

static int recheck(void)
{
	asked = 0;
	return mmun_patch_recheck(&patch, reached);
}

static bool calls(uint8_t *code, int ours, int his)
{
	long result;

	atomic_store(&hook_calls, 0);
	atomic_store(&foreign_calls, 0);
	result = ((func_t)code)(5);
	return result == 12 + ours * HOOKED && hook_calls == ours &&
	       foreign_calls == his && published == patch.orig;
}

static void test_after_us(const struct jump *j)
{
	uint8_t *code = new_function(), found[16], was[16];
	void *first = patch.orig;

	ok(!recheck() && !asked && !patch.rechains && calls(code, 1, 0),
	   "%s: nobody came: intact", j->name);
	arrive(j, code, found);
	ok(calls(code, 0, 1), "%s: he takes our calls", j->name);
	ok(!recheck() && asked == 1 && patch.foreign && patch.rechains == 1 &&
	   calls(code, 1, 1), "%s: in front again, chained: %s", j->name,
	   patch.how);
	memcpy(was, code, sizeof(was));
	ok(!recheck() && !asked && !memcmp(was, code, sizeof(was)) &&
	   patch.foreign && calls(code, 1, 1), "%s: and that is intact",
	   j->name);
	overwrite(code, found, sizeof(found));
	ok(!recheck() && !asked && !patch.foreign && patch.orig == first &&
	   !memcmp((void *)patch.plan.site, patch.plan.new, patch.plan.len) &&
	   calls(code, 1, 0), "%s: he restores our jump: as before him",
	   j->name);
	arrive(j, code, found);
	ok(!recheck() && calls(code, 1, 1), "%s: he comes again", j->name);
	overwrite(code, function, sizeof(function));
	ok(calls(code, 0, 0) && !recheck() && !patch.foreign &&
	   calls(code, 1, 0), "%s: the function restored: patched anew",
	   j->name);
}

/* A function that begins with a push: our jump is behind it. */
static void test_push(void)
{
	static const uint8_t push[16] = {
		0x53, 0xb8, 7, 0, 0, 0, 0x5b, 0x48, 0x01, 0xf8, 0xc3,
		0x90, 0x90, 0x90, 0x90, 0x90
	};
	uint8_t *code = code_pages(1), found[16];
	void *first;

	overwrite(code, push, sizeof(push));
	patch = (struct mmun_patch){ .entry = code, .hook = (void *)hook,
				     .publish = &published };
	ok(!mmun_patch_prepare(&patch), "behind a push");
	first = published = patch.orig;
	ok(!mmun_patch_commit(&patch) && calls(code, 1, 0) && !recheck() &&
	   !asked && !patch.rechains, "and intact there");
	arrive(FAR_JUMP, code, found);
	ok(!recheck() && patch.foreign && calls(code, 1, 1),
	   "he overwrites both: in front again");
	overwrite(code, found, sizeof(found));
	ok(!recheck() && !asked && patch.orig == first && calls(code, 1, 0),
	   "he restores both: as before him");
}

/* Two functions with one hook, to which both jump directly. */
static void test_two(void)
{
	uint8_t *code, found[16];
	struct mmun_patch first;

	near = true;
	code = new_function();
	first = patch;
	new_function();
	patch = first;
	published = first.orig;
	arrive(FAR_JUMP, code, found);
	ok(!recheck() && calls(code, 1, 1), "of two functions, the older one");
	overwrite(code, found, sizeof(found));
	ok(!recheck() && patch.orig == first.orig && calls(code, 1, 0),
	   "he restores our jump there: as before him");
	near = false;
}

/* We came second; he leaves. */
static void test_before_us(const struct jump *j)
{
	uint8_t *code = near ? page_near() : code_pages(1), found[16];

	overwrite(code, function, sizeof(function));
	arrive(j, code, found);
	patch = (struct mmun_patch){ .entry = code, .hook = (void *)hook,
				     .publish = &published };
	ok(!mmun_patch_prepare(&patch) && patch.foreign,
	   "%s: behind him", j->name);
	published = patch.orig;
	ok(!mmun_patch_commit(&patch) && calls(code, 1, 1) && !recheck() &&
	   !asked, "%s: both hear it", j->name);
	overwrite(code, found, sizeof(found));
	ok(calls(code, 0, 0) && !recheck() && !patch.foreign &&
	   calls(code, 1, 0), "%s: he leaves: patched anew", j->name);
}

/* Who keeps what he found, and calls it: to go before him would be a circle. */
static uint8_t *kept;

static long polite_hook(long a)
{
	atomic_fetch_add(&foreign_calls, 1);
	return ((func_t)kept)(a);
}

static void test_polite(void)
{
	uint8_t *code = new_function(), bytes[16], was[16];
	int32_t rel;

	/* Our five bytes, as they must read at another place. */
	kept = code + 128;
	memcpy(bytes, code, 5);
	memcpy(&rel, bytes + 1, sizeof(rel));
	rel -= 128;
	memcpy(bytes + 1, &rel, sizeof(rel));
	overwrite(kept, bytes, 5);
	make_jump(&jumps[0], code, (void *)polite_hook, bytes);
	overwrite(code, bytes, jumps[0].n);
	memcpy(was, code, sizeof(was));
	ok(!recheck() && asked == 1 && !patch.rechains &&
	   !memcmp(was, code, sizeof(was)) && calls(code, 1, 1),
	   "he calls what he found: left as it is");
}

static void test_ping_pong(void)
{
	uint8_t *code = new_function(), found[16];
	int rounds = 0, err = 0;

	while (!err && rounds < 1000) {
		arrive(FAR_JUMP, code, found);
		err = recheck();
		rounds += !err && calls(code, 1, 1);
	}
	ok(err == -ELOOP && rounds > 3 && rounds < 100 && calls(code, 0, 1),
	   "given up after %d times: %s", rounds, patch.how);
}

/* To call the entry now would kill us. */
static bool not_now(struct mmun_patch *p)
{
	(void)p;
	return false;
}

/* He is not yet ready: his jump leads nowhere, and must not be followed. */
static void test_half_written(void)
{
	uint8_t *code = new_function(), bytes[16], was[16];
	void *nowhere = code_pages(1);
	int err;

	munmap(nowhere, sysconf(_SC_PAGESIZE));
	make_jump(FAR_JUMP, code, nowhere, bytes);
	overwrite(code, bytes, FAR_JUMP->n);
	memcpy(was, code, sizeof(was));
	err = mmun_patch_recheck(&patch, not_now);
	ok(err == -EAGAIN && !memcmp(was, code, sizeof(was)) &&
	   !patch.rechains, "a jump to no code is not followed: %s", patch.how);
	make_jump(FAR_JUMP, code, (void *)foreign_hook, bytes);
	overwrite(code, bytes, FAR_JUMP->n);
	ok(!recheck() && calls(code, 1, 1), "when it leads to some, it is");
}

static void test_unknown(void)
{
	static const uint8_t call_pop[] = { 0xe8, 0, 0, 0, 0, 0x58,
					    0xb8, 7, 0, 0, 0,
					    0x48, 0x01, 0xf8, 0xc3 };
	uint8_t *code = new_function();
	int err;

	overwrite(code, call_pop, sizeof(call_pop));
	err = recheck();
	ok(err == -EOPNOTSUPP && !memcmp(code, call_pop, sizeof(call_pop)) &&
	   calls(code, 0, 0), "what is of no known form is lost: %s",
	   patch.how);
}

/* -- while threads call it -- */

#define CALLERS 3
static uint8_t *volatile target;
static atomic_int parked, wrong;
static atomic_bool park, stop;
static atomic_long done[CALLERS];

static void *caller(void *arg)
{
	atomic_long *count = arg;

	while (!atomic_load(&stop)) {
		if (atomic_load(&park)) {
			atomic_fetch_add(&parked, 1);
			while (atomic_load(&park))
				sched_yield();
			atomic_fetch_sub(&parked, 1);
		}
		if ((((func_t)target)(5) - 12) % HOOKED)
			atomic_fetch_add(&wrong, 1);
		atomic_fetch_add(count, 1);
	}
	return NULL;
}

static void park_all(void)
{
	atomic_store(&park, true);
	while (atomic_load(&parked) < CALLERS)
		sched_yield();
}

static void unpark_all(void)
{
	atomic_store(&park, false);
	while (atomic_load(&parked))
		sched_yield();
}

/* Each has called it once from the start since the re-chain. */
static void let_them_call(void)
{
	for (int i = 0; i < CALLERS; i++) {
		long n = atomic_load(&done[i]);

		while (atomic_load(&done[i]) < n + 2)
			sched_yield();
	}
}

/* Nobody executes what he writes. */
static bool one_round(const struct jump *j)
{
	uint8_t found[16];
	bool good;

	park_all();
	target = new_function();
	arrive(j, target, found);
	unpark_all();
	let_them_call();
	good = !mmun_patch_recheck(&patch, reached) && patch.foreign;
	/* Whoever was on his way has come to him alone; nobody from now on. */
	park_all();
	good = good && calls(target, 1, 1);
	unpark_all();
	let_them_call();
	park_all();
	good = good && atomic_load(&hook_calls) > CALLERS &&
	       atomic_load(&hook_calls) == atomic_load(&foreign_calls);
	unpark_all();
	return good;
}

static void test_threads(void)
{
	pthread_t threads[CALLERS];
	int rounds = 0, good = 0;

	target = new_function();
	for (int i = 0; i < CALLERS; i++)
		if (pthread_create(&threads[i], NULL, caller, &done[i]))
			bail("no thread");
	for (; rounds < 40; rounds++)
		good += one_round(&jumps[rounds % ARRAY_SIZE(jumps)]);
	atomic_store(&stop, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	ok(good == rounds && !atomic_load(&wrong),
	   "%d of %d times in front of him, under %d threads that call", good,
	   rounds, CALLERS);
}

int main(void)
{
	tap_begin(30);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(jumps); i++) {
		const struct jump *j = &jumps[i / 2];

		near = i % 2;
		diag("%s, the hook %s", j->name, near ? "near" : "far");
		test_after_us(j);
		test_before_us(j);
	}
	test_two();
	test_push();
	test_polite();
	test_ping_pong();
	test_half_written();
	test_unknown();
	test_threads();
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
