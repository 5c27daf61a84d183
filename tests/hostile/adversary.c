// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * To be preloaded: an allocator that advises and unmaps upon every call, as those
 * of other projects may at any.  Who allocates in a callback, or frees under a
 * lock that a callback takes, hangs with it.
 */
#include <stddef.h>
#include <sys/mman.h>

#define LEN 4096UL

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

static __thread __attribute__((tls_model("initial-exec"))) int busy;

static void give_back(void)
{
	volatile char *p;

	if (busy)
		return;
	busy = 1;
	p = mmap(NULL, 2 * LEN, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED) {
		*p = 1;
		madvise((void *)p, LEN, MADV_DONTNEED);
		munmap((void *)p, 2 * LEN);
	}
	busy = 0;
}

void *malloc(size_t size)
{
	give_back();
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	give_back();
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	give_back();
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	give_back();
	return __libc_memalign(align, size);
}

void free(void *p)
{
	give_back();
	__libc_free(p);
}
