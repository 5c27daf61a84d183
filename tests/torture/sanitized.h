/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_TORTURE_SANITIZED_H
#define TESTS_TORTURE_SANITIZED_H
/* What a sanitizer's runtime does not bear. */

/*
 * TSan's runtime allows no thread to be started in a child, and no instrumented
 * code inside the mapping calls that it makes itself.
 */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* ASan's allocator may be locked for ever in the child of a process with threads. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif
#define MAY_FORK (!UNDER_TSAN && !UNDER_ASAN)

#endif /* TESTS_TORTURE_SANITIZED_H */
