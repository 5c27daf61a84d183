/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_LDSO_H
#define MMUN_MONITOR_LDSO_H
/*
 * Code that makes mapping calls besides the C library that we are linked to:
 * the dynamic linker's own, and further copies of the C library.
 *
 * Where the C library is the dynamic linker (musl), or there is none (a static
 * program), there is nothing here to find.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The dynamic linker's private function for a system call of at most three
 * arguments.  dlclose() unmaps through SYS_munmap's.  It has no symbol.
 *
 * (SYS_mmap's is of another shape, and not looked for: what the linker maps over
 * is what it has reserved in the same call, where nobody can have pinned a page.)
 *
 * Context: takes the lock of dl_iterate_phdr().
 * Return: its entry; NULL when there is none, or not exactly one that could be,
 *	or when somebody has patched it.
 */
void *mmun_ldso_function(long nr);

/*
 * Where else the code at @addr of a mapped file is mapped as code: dlmopen()
 * gives each namespace a copy of the C library, with an errno of its own.
 * dl_iterate_phdr() tells of the caller's namespace only; this asks
 * /proc/self/maps, and finds copies of the very same file.  Until @fn says no.
 *
 * A copy that is a file of its own (a plugin's private C library, a second one
 * in a container) is not found.
 *
 * Context: system calls only.  Return: 0, or the errno of /proc/self/maps.
 */
int mmun_each_copy(const void *addr, bool (*fn)(void *copy, void *arg),
		   void *arg);

/*
 * Pure, for tests: the stub for system call @nr in the code of one architecture,
 * or NULL if there is none or more than one.  @code is 16-byte aligned.
 */
const uint8_t *mmun_find_stub_x86_64(const uint8_t *code, size_t n, long nr);
const uint8_t *mmun_find_stub_aarch64(const uint8_t *code, size_t n, long nr);

#endif /* MMUN_MONITOR_LDSO_H */
