// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Patch functions that four threads are calling: each call is either wholly
 * the function or wholly the hook, no call is lost, and once commit returned
 * no thread calls the function any more.
 */
#include <pthread.h>
#include <sched.h>

#include "helpers.h"

#define NR_THREADS 4
#define NR_BYTES 600 /* functions written as bytes, unless told */
#define NR_SHORT 32 /* x86: with a first instruction of 3 bytes */
#define HOOKED 1000000

/* Functions that add 7, in bytes. */
#ifdef __x86_64__
#define MOV5 0xb8, 7, 0, 0, 0
#define ADD_RET 0x48, 0x01, 0xf8, 0xc3

/* In a quadword; over two, behind endbr64; relative to %rip. */
static const uint8_t shapes[3][24] = {
	{ MOV5, ADD_RET },
	{ 0xf3, 0x0f, 0x1e, 0xfa, MOV5, ADD_RET },
	{ 0x48, 0x8b, 0x05, 9, 0, 0, 0, ADD_RET, 0x90, 0x90, 0x90, 0x90, 0x90,
	  7 },
};

/* And with their own padding, which dynamic symbols prove dead. */
__asm__(".text\n"
	".altmacro\n"
	".macro short_function n\n"
	".p2align 4\n"
	".globl short_\\n\n"
	".type short_\\n, @function\n"
	"short_\\n: mov %rdi, %rsi\n"
	"lea 7(%rsi), %rax\n"
	"ret\n"
	".size short_\\n, . - short_\\n\n"
	".endm\n"
	".set i, 0\n"
	".rept 32\n"
	"short_function %i\n"
	".set i, i + 1\n"
	".endr\n"
	".p2align 4\n"
	".noaltmacro\n");

long short_0(long a), short_1(long a);
#else
/* mov x1, #7; add x0, x0, x1; ret: plain, after bti c, within paciasp. */
static const uint32_t shapes[3][6] = {
	{ 0xd28000e1, 0x8b010000, 0xd65f03c0 },
	{ 0xd503245f, 0xd28000e1, 0x8b010000, 0xd65f03c0 },
	{ 0xd503233f, 0xd28000e1, 0x8b010000, 0xd50323bf, 0xd65f03c0 },
};
#endif

static _Atomic(func_t) orig; /* published before the commit */
static _Atomic(func_t) function;
static atomic_bool live, stop;
static atomic_ulong hook_calls;

static struct thread {
	pthread_t id;
	atomic_ulong calls;
	unsigned long hooked, late, wrong;
} threads[NR_THREADS];

static long hook(long a)
{
	atomic_fetch_add_explicit(&hook_calls, 1, memory_order_relaxed);
	return atomic_load(&orig)(a) + HOOKED;
}

static void *call(void *arg)
{
	struct thread *t = arg;

	for (long i = 0; !stop; i = (i + 1) & 0xfff) {
		bool was_live = live;
		long got = atomic_load(&function)(i) - i;

		t->hooked += got == 7 + HOOKED;
		t->late += was_live && got != 7 + HOOKED;
		t->wrong += got != 7 && got != 7 + HOOKED;
		atomic_fetch_add(&t->calls, 1);
		if (i % 512 == 0)
			sched_yield();
	}
	return NULL;
}

/* Until each thread has begun and finished a call from now on. */
static void wait_for_calls(void)
{
	for (int i = 0; i < NR_THREADS; i++) {
		unsigned long seen = threads[i].calls;

		while (threads[i].calls - seen < 2)
			sched_yield();
	}
}

static bool patch_one(func_t f)
{
	struct mmun_patch p = { .entry = f, .hook = hook };

	live = false;
	wait_for_calls(); /* none believes that the last one's state is ours */
	function = f;
	wait_for_calls();
	if (mmun_patch_prepare(&p))
		return false;
	orig = p.orig;
	if (mmun_patch_commit(&p))
		return false;
	live = true;
	wait_for_calls();
	return true;
}

static int patch_bytes(int nr)
{
	const unsigned int room = 64;
	uint8_t *code = code_pages(nr * room / 4096 + 1);
	uint8_t bytes[64];
	int done = 0;

	for (int i = 0; i < nr; i++) {
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, shapes[i % 3], sizeof(shapes[0]));
		overwrite(code + i * room, bytes, room);
	}
	function = (func_t)code;
	for (int i = 0; i < nr; i++)
		done += patch_one((func_t)(code + i * room));
	return done;
}

#ifdef __x86_64__
static int patch_short(void)
{
	const uintptr_t room = (uintptr_t)short_1 - (uintptr_t)short_0;
	int done = 0;

	for (int i = 0; i < NR_SHORT; i++)
		done += patch_one((func_t)((uintptr_t)short_0 + i * room));
	return done;
}
#endif

static long idle(long a)
{
	return a + 7;
}

/* Optional argument: how many functions. */
int main(int argc, char **argv)
{
	unsigned long calls = 0, hooked = 0, late = 0, wrong = 0;
	int done, nr = argc > 1 ? atoi(argv[1]) : NR_BYTES;

	tap_begin(60);
	function = idle;
	for (int i = 0; i < NR_THREADS; i++)
		if (pthread_create(&threads[i].id, NULL, call, &threads[i]))
			bail("pthread_create");
	done = patch_bytes(nr);
	ok(nr > 0 && done == nr, "%d functions patched in one store", done);
#ifdef __x86_64__
	done = patch_short();
	ok(done == NR_SHORT, "%d functions patched by short jumps", done);
#endif
	stop = true;
	for (int i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		calls += threads[i].calls;
		hooked += threads[i].hooked;
		late += threads[i].late;
		wrong += threads[i].wrong;
	}
	diag("%lu calls, %lu of them hooked", calls, hooked);
	ok(!wrong, "each call was the function or the hook");
	ok(hooked == hook_calls && hooked < calls,
	   "each call of the hook came back to its caller");
	ok(!late, "no call past the hook after commit");
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
