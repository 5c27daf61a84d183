/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_KERNEL_SUBJECT_H
#define CONFORMANCE_KERNEL_SUBJECT_H
/*
 * S, when the back end is a kernel: a process that takes commands by a socket, a
 * message each, and answers with a long.  READY is the first answer of an image.
 */
#include <stdbool.h>

#define READY 0x7eadbeefL

/* In a process of its own.  Does not return. */
void subject_run(int fd, bool has_helpers) __attribute__((noreturn));

#endif /* CONFORMANCE_KERNEL_SUBJECT_H */
