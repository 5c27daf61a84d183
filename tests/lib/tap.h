/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TAP_H
#define TAP_H
/*
 * Test Anything Protocol, by hand.  One write(2) a line, no allocation: may be
 * used from any thread and inside a callback.
 *
 *	int main(void) { tap_begin(60); ok(1 + 1 == 2, "sums"); return tap_end(); }
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int tap_count, tap_failed;

static inline void tap_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s", prefix);

	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, n) != n)
		_exit(3);
}

/* A case: a claim, and whether it holds. */
__attribute__((format(printf, 2, 3)))
static inline bool ok(bool holds, const char *fmt, ...)
{
	char prefix[32];
	va_list ap;

	if (!holds)
		atomic_fetch_add(&tap_failed, 1);
	snprintf(prefix, sizeof(prefix), "%s %d - ", holds ? "ok" : "not ok",
		 atomic_fetch_add(&tap_count, 1) + 1);
	va_start(ap, fmt);
	tap_line(prefix, fmt, ap);
	va_end(ap);
	return holds;
}

__attribute__((format(printf, 1, 2)))
static inline void diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line("# ", fmt, ap);
	va_end(ap);
}

/* A case that cannot run here; CI knows the exact set that may be skipped. */
static inline void skip(const char *claim, const char *missing)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "ok %d - %s # SKIP %s\n",
			 atomic_fetch_add(&tap_count, 1) + 1, claim, missing);

	if (write(STDOUT_FILENO, line, n) != n)
		_exit(3);
}

__attribute__((format(printf, 1, 2), noreturn))
static inline void bail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line("Bail out! ", fmt, ap);
	va_end(ap);
	_exit(2);
}

/* A hang is a failure: the process dies after so many seconds. */
static inline void tap_begin(unsigned int limit_s)
{
	alarm(limit_s);
}

static inline int tap_end(void)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "1..%d\n", atomic_load(&tap_count));

	if (write(STDOUT_FILENO, line, n) != n)
		return 3;
	return atomic_load(&tap_failed) ? 1 : 0;
}

#endif /* TAP_H */
