/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_SAFE_READ_H
#define MMUN_BASE_SAFE_READ_H
/*
 * Read memory of this process that may not be there.
 * Context: any; a system call.  Return: was all of it there?
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include "base/syscall.h"

static inline bool mmun_safe_read(void *to, const void *from, size_t size)
{
	struct iovec local = { to, size };
	struct iovec remote = { (void *)from, size };
	long n = mmun_syscall(SYS_process_vm_readv, mmun_syscall(SYS_getpid),
			      &local, 1, &remote, 1, 0);

	/* Where a sandbox forbids that, trust the pointer. */
	if (n == -ENOSYS || n == -EPERM) {
		memcpy(to, from, size);
		return true;
	}
	return n == (long)size;
}

#endif /* MMUN_BASE_SAFE_READ_H */
