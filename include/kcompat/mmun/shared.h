/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_MMUN_SHARED_H
#define MMUN_KCOMPAT_MMUN_SHARED_H
/*
 * What a header needs that has state: one instance in the program, whichever
 * files include it.  A weak definition is that; in a shared object with hidden
 * visibility it is one for that object.
 *
 * Drivers have names like remove() or timer_delete() of their own: as little of
 * the C library as possible is declared here, and that under other names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define MMUN_K_SHARED __attribute__((weak))
#define MMUN_K_LIBC(name) __asm__(#name)

struct timespec;

void *mmun_k_malloc(size_t size) MMUN_K_LIBC(malloc);
void *mmun_k_calloc(size_t n, size_t size) MMUN_K_LIBC(calloc);
void *mmun_k_realloc(void *old, size_t size) MMUN_K_LIBC(realloc);
int mmun_k_memalign(void **ret, size_t align, size_t size)
	MMUN_K_LIBC(posix_memalign);
void mmun_k_free(void *old) MMUN_K_LIBC(free);
void mmun_k_abort(void) MMUN_K_LIBC(abort) __attribute__((noreturn));
long mmun_k_write(int fd, const void *from, size_t len) MMUN_K_LIBC(write);
long mmun_k_syscall(long number, ...) MMUN_K_LIBC(syscall);
int mmun_k_vsnprintf(char *to, size_t size, const char *fmt, va_list args)
	MMUN_K_LIBC(vsnprintf);
int mmun_k_nanosleep(const struct timespec *time, struct timespec *left)
	MMUN_K_LIBC(nanosleep);
int mmun_k_getpid(void) MMUN_K_LIBC(getpid);

#endif /* MMUN_KCOMPAT_MMUN_SHARED_H */
