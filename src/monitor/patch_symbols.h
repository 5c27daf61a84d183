/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_PATCH_SYMBOLS_H
#define MMUN_MONITOR_PATCH_SYMBOLS_H
/*
 * The symbols of the object that contains an address, which say where its
 * functions end: the dynamic ones, or, for a program that is linked statically
 * and not stripped, those of its file.
 *
 * Context: takes the lock of dl_iterate_phdr(); raw system calls, no heap.
 */
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mmun_symbols {
	uintptr_t base;
	const ElfW(Sym) *tab;
	size_t nr;
	const void *file;	/* the mapping that @tab lies in, or NULL */
	size_t file_size;
};

/* Symbols of the object at @addr; none if it has none.  To be closed. */
void mmun_symbols_open(struct mmun_symbols *s, uintptr_t addr);
void mmun_symbols_close(struct mmun_symbols *s);

/* Is symbol @i a function of the object?  Then its bytes. */
bool mmun_symbols_function(const struct mmun_symbols *s, size_t i,
			   uintptr_t *start, uintptr_t *end);

/* Bytes from @at to the end of the function that contains it; 0: unknown. */
size_t mmun_patch_function_size(uintptr_t at);

#endif /* MMUN_MONITOR_PATCH_SYMBOLS_H */
