// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* brk() and what malloc() gives back by itself. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"

#define CHUNK (100 << 10)	/* less than malloc() would map by itself */
#define NR_CHUNKS 40

static char *chunks[NR_CHUNKS];

/*
 * From here on malloc() has enough, and keeps it: what observers allocate does
 * not move the end of the data segment.
 */
static void settle_heap(void)
{
	void *p;

#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
	p = malloc(512 << 10);
	__asm__ volatile("" : "+r"(p));
	free(p);
}

/* -- brk -- */

static int map_brk(struct subject *s)
{
	size_t len = NR_PAGES * page_size;
	char *p = NULL;

	settle_heap();
	p = ROUND_UP(sbrk(0));
	if (brk(p + len))
		return -errno;
	fill(p, len);
	return use_memory(s, p, len, 4 * page_size);
}

static long shrink_brk(struct subject *s)
{
	if (s->raw)	/* it returns where the end is */
		return raw_call(SYS_brk, s->start) == (long)s->start ? 0 : -ENOMEM;
	return from_libc(brk(s->start));
}

static long shrink_sbrk(struct subject *s)
{
	char *old = sbrk(-(intptr_t)s->len);

	return old == (void *)-1 ? -errno : old != s->start + s->len;
}

/* -- large blocks -- */

#define LARGE (8UL << 20)

static char *block;

static int use_block(struct subject *s, char *p, size_t len)
{
	char *start = ROUND_UP(p);

	if (!p)
		return -ENOMEM;
	fill(start, len - page_size);
	return use_memory(s, start, (len - page_size) & -page_size, 8 * page_size);
}

static int map_large(struct subject *s)
{
	block = malloc(LARGE);
	return use_block(s, block, LARGE);
}

static long free_large(struct subject *s)
{
	(void)s;
	free(block);
	return 0;
}

static int map_large_walled(struct subject *s)
{
	int err = map_large(s);

	/* It may be taken already. */
	if (!err)
		mmap(ROUND_UP(block + LARGE), page_size, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	return err;
}

static long grow_large(struct subject *s)
{
	char *p = realloc(block, 2 * LARGE);

	(void)s;
	return p ? p != block : -ENOMEM;
}

/* -- many small ones -- */

static int fill_heap(struct subject *s)
{
	settle_heap();
	for (int i = 0; i < NR_CHUNKS; i++) {
		chunks[i] = malloc(CHUNK);
		if (!chunks[i])
			return -ENOMEM;
		fill(ROUND_UP(chunks[i]), CHUNK - 2 * page_size);
	}
	return use_block(s, chunks[NR_CHUNKS / 2], CHUNK);
}

static int fill_heap_to_top(struct subject *s)
{
	int err = fill_heap(s);

	for (int i = 0; i < NR_CHUNKS; i++)
		free(chunks[i]);
	/* Touched by nobody since, but for the ends of what was merged. */
	return err;
}

static int fill_heap_with_hole(struct subject *s)
{
	int err = fill_heap(s);

	for (int i = 4; i < NR_CHUNKS - 1; i++)
		free(chunks[i]);
	return err;
}

static long trim(struct subject *s)
{
	(void)s;
#ifdef __GLIBC__
	return malloc_trim(0) ? 0 : 1;
#else
	return -ENOSYS;
#endif
}

#define HEAP_OP(name_, kind_, via_, setup_, perform_)                          \
	{ .name = name_, .kind = kind_, .via = via_, .flags = OP_TABLE,        \
	  .blind = MMUN_BLIND_RAW, .setup = setup_, .perform = perform_ }

const struct op ops_heap[] = {
	HEAP_OP("brk shrink", "heap", VIA_BOTH, map_brk, shrink_brk),
	HEAP_OP("sbrk(-n)", "heap", VIA_LIBC, map_brk, shrink_sbrk),
	HEAP_OP("free() of an 8 MB chunk", "anon", VIA_LIBC, map_large, free_large),
	HEAP_OP("realloc() of an 8 MB chunk", "anon", VIA_LIBC, map_large_walled,
		grow_large),
	HEAP_OP("malloc_trim: heap top", "heap", VIA_LIBC, fill_heap_to_top, trim),
	HEAP_OP("malloc_trim: hole inside heap", "heap", VIA_LIBC,
		fill_heap_with_hole, trim),
	{ 0 }
};
