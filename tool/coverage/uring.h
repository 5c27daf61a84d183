/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_URING_H
#define COVERAGE_URING_H
/* As much of io_uring as it takes to make one call at a time. */

#include <linux/io_uring.h>

struct uring {
	int fd;
	unsigned int flags;
	struct io_uring_params params;
	char *sq;
	char *cq;
	struct io_uring_sqe *sqes;
};

/*
 * With IORING_SETUP_SQPOLL a thread of the kernel takes what it finds: from then
 * on no call is made.  Return: 0, or a negative errno.
 */
int uring_open(struct uring *u, unsigned int flags);
/* Return: what it came to, or a negative errno. */
long uring_do(struct uring *u, const struct io_uring_sqe *sqe);

#endif /* COVERAGE_URING_H */
