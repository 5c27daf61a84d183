/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PATCH_HELPERS_H
#define PATCH_HELPERS_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/patch.h"
#include "tap.h"

typedef long (*func_t)(long);

/* Pages of /proc/self/maps that are writable and executable at once. */
static inline int writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096], prot[5];
	int n = 0;

	if (!maps)
		bail("no /proc/self/maps");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%*s %4s", prot) == 1)
			n += prot[1] == 'w' && prot[2] == 'x';
	fclose(maps);
	return n;
}

/* What another patcher does: write over the code, and put the page back. */
static inline void overwrite(void *at, const void *bytes, size_t n)
{
	uintptr_t size = sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)at & ~(size - 1);
	size_t len = (((uintptr_t)at + n + size - 1) & ~(size - 1)) - start;

	if (mprotect((void *)start, len, PROT_READ | PROT_WRITE | PROT_EXEC))
		bail("mprotect of code to writable: %m");
	memcpy(at, bytes, n);
	__builtin___clear_cache(at, (char *)at + n);
	if (mprotect((void *)start, len, PROT_READ | PROT_EXEC))
		bail("mprotect of code back: %m");
}

/* Pages of code to fill with overwrite(). */
static inline uint8_t *code_pages(unsigned int n)
{
	void *p = mmap(NULL, (size_t)n * sysconf(_SC_PAGESIZE),
		       PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		bail("mmap of executable memory: %m");
	return p;
}

#endif /* PATCH_HELPERS_H */
