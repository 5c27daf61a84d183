// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory that libc gives back by itself, through its internal calls.
 */
#include <malloc.h>

#include "live.h"

#define BIG (8UL << 20)
#define SMALL (64UL << 10)
#define NR 64

/* A block with a mapping of its own: a header of two words, then the data. */
static char *block(void *chunk)
{
	return address(chunk) - 16;
}

static size_t block_len(void *chunk)
{
	return malloc_usable_size(chunk) + 16;
}

static void test_big(void)
{
	char *p = malloc(BIG), *q;
	size_t len;

	p[0] = p[BIG - 1] = 1;
	q = block(p);
	len = block_len(p);
	listen_now();
	free(p);
	ok(heard_one(MMU_NOTIFY_UNMAP, q, len) && !heard[1].mapped,
	   "free of a large block: UNMAP of it");

	p = malloc(BIG);
	q = block(p);
	len = block_len(p);
	/* A neighbour, so that it has to move; whatever is there will do. */
	raw(SYS_mmap, (long)(q + len), PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	listen_now();
	p = realloc(p, 2 * BIG);
	ok(p && block(p) != q && heard_one(MMU_NOTIFY_UNMAP, q, len),
	   "realloc that moves a large block: UNMAP of the old place");
	q = block(p);
	len = block_len(p);
	listen_now();
	p = realloc(p, BIG);
	ok(p && block(p) == q &&
	   heard_one(MMU_NOTIFY_UNMAP, block(p) + block_len(p),
		     len - block_len(p)),
	   "realloc that shrinks a large block: UNMAP of the tail");
	free(p);
}

static void test_trim(void)
{
	char *part[NR], *plug, *top;

	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	for (int i = 0; i < NR; i++)
		part[i] = memset(malloc(SMALL), 1, SMALL);
	plug = address(malloc(SMALL));
	top = address(malloc(SMALL));
	for (int i = 0; i < NR; i++)
		free(part[i]);
	listen_now();
	malloc_trim(0);
	ok(heard_at(MMU_NOTIFY_CLEAR, part[NR / 2]),
	   "malloc_trim of a hole in the heap: CLEAR");
	free(top);
	free(plug);
	listen_now();
	malloc_trim(0);
	ok(heard_at(MMU_NOTIFY_UNMAP, part[NR / 2]),
	   "malloc_trim of the top of the heap: UNMAP");
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

static void *fill_and_free(void *arg)
{
	char *part[NR];

	for (int i = 0; i < NR; i++)
		part[i] = memset(malloc(SMALL), 1, SMALL);
	*(char **)arg = part[NR / 2];
	listen_now();
	for (int i = NR - 1; i >= 0; i--)
		free(part[i]);
	listened();
	return NULL;
}

static void *use_stack(void *arg)
{
	char deep[1 << 20];

	for (size_t i = 0; i < sizeof(deep); i += PAGE)
		((volatile char *)deep)[i] = 1;
	*(char **)arg = deep + PAGE;
	listen_now();
	return NULL;
}

static char *run_thread(void *(*body)(void *), size_t stack)
{
	pthread_attr_t attr;
	pthread_t thread;
	char *seen = NULL;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, stack);
	if (pthread_create(&thread, &attr, body, &seen))
		bail("no thread");
	pthread_join(thread, NULL);
	listened();
	return seen;
}

static void test_threads(void)
{
	char *seen = run_thread(fill_and_free, BIG);

	ok(heard_at(MMU_NOTIFY_CLEAR, seen) || heard_at(MMU_NOTIFY_UNMAP, seen),
	   "free that shrinks the arena of a thread");
	seen = run_thread(use_stack, BIG);
	ok(heard_at(MMU_NOTIFY_CLEAR, seen),
	   "thread exit: CLEAR of the stack that is kept for the next");
	seen = run_thread(use_stack, 8 * BIG);
	ok(heard_at(MMU_NOTIFY_UNMAP, seen),
	   "thread exit: UNMAP of a stack too large to keep");
}

static void test_stdio(void)
{
	FILE *f = fopen("/proc/self/exe", "rm");
	char *p;

	if (!f || fgetc(f) == EOF) {
		skip("fclose of a mapped file", "fopen(\"rm\") of the program");
		return;
	}
	p = (char *)f->_IO_read_base;
	listen_now();
	fclose(f);
	ok(((unsigned long)p & (PAGE - 1)) == 0 &&
	   heard_at(MMU_NOTIFY_UNMAP, p),
	   "fclose of a file that stdio has mapped: UNMAP");
}

int main(void)
{
	tap_begin(60);
	/* Fixed limits: the sizes above must not adapt to their use. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
	record();
	test_big();
	test_trim();
	test_threads();
	test_stdio();
	mmu_notifier_unregister(&recorder, mm_self());
	return tap_end();
}
