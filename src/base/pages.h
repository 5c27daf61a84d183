/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_PAGES_H
#define MMUN_BASE_PAGES_H
/*
 * Memory from the system: no call that is patched, no lock of an allocator's, no
 * event.
 */
#include <stddef.h>

/*
 * Zeroed; the first @used bytes, if many, in huge pages, and the rest in small ones.
 * Return: NULL without memory.  Context: any.
 */
void *mmun_map_pages(size_t size, size_t used);
void mmun_unmap_pages(void *pages, size_t size);

#endif /* MMUN_BASE_PAGES_H */
