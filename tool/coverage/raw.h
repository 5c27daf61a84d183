/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_RAW_H
#define COVERAGE_RAW_H
/*
 * System calls by instruction, as a Go program makes them: past everything that
 * anybody has patched in libc.  Return: the kernel's, a negative errno on failure.
 */

#include <sys/syscall.h>

static inline long raw_call6(long nr, long a, long b, long c, long d, long e,
			     long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret = nr;

	__asm__ __volatile__("syscall"
			     : "+a"(ret)
			     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			     : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ __volatile__("svc 0"
			     : "+r"(x0)
			     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			     : "memory");
	return x0;
#else
#error "mmunotify runs on x86-64 and aarch64"
#endif
}

#define RAW_PAD(nr, a, b, c, d, e, f, ...)                                     \
	raw_call6((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), \
		  (long)(f))
#define raw_call(...) RAW_PAD(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif /* COVERAGE_RAW_H */
