/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_SYSCALL_H
#define MMUN_BASE_SYSCALL_H
/*
 * System calls without libc, whose entry points are what the monitor patches, and
 * set errno: neither may happen to the library itself.
 *
 * Context: any.  Return: the kernel's, a negative errno on failure.
 */

#include <sys/syscall.h>

/*
 * All of the library's are made by one instruction, between these two: a source
 * that sees system calls knows by the place that they are ours.
 */
long mmun_syscall6(long nr, long a, long b, long c, long d, long e, long f)
	__attribute__((visibility("hidden")));
extern const char mmun_syscall_text[] __attribute__((visibility("hidden")));
extern const char mmun_syscall_text_end[] __attribute__((visibility("hidden")));

/* By another one, as if somebody else made it: for a source to test itself. */
long mmun_strange_syscall6(long nr, long a, long b, long c, long d, long e,
			   long f) __attribute__((visibility("hidden")));

/* Called as mmun_syscall(SYS_x, ...) with up to six arguments. */
#define MMUN_SYSCALL_PAD(nr, a, b, c, d, e, f, ...)                            \
	mmun_syscall6((nr), (long)(a), (long)(b), (long)(c), (long)(d),        \
		      (long)(e), (long)(f))
#define mmun_syscall(...) MMUN_SYSCALL_PAD(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif /* MMUN_BASE_SYSCALL_H */
