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

/*
 * A call that copies a signal set in before it finds the rest of its arguments
 * wrong: -EFAULT or -EINVAL.  No sandbox forbids it.
 */
static inline bool mmun_is_readable(const void *word)
{
	return mmun_syscall(SYS_rt_sigprocmask, -1, word, NULL, 8) != -EFAULT;
}

/* For where process_vm_readv() is forbidden: as long as nobody unmaps it now. */
static inline bool mmun_probe_and_copy(void *to, const void *from, size_t size)
{
	const char *last = (const char *)from + size - 8;

	for (const char *at = from; at < last; at += 2048)
		if (!mmun_is_readable(at))
			return false;
	if (!mmun_is_readable(last))
		return false;
	memcpy(to, from, size);
	return true;
}

/* @size is at least 8. */
static inline bool mmun_safe_read(void *to, const void *from, size_t size)
{
	struct iovec local = { to, size };
	struct iovec remote = { (void *)from, size };
	long n = mmun_syscall(SYS_process_vm_readv, mmun_syscall(SYS_getpid),
			      &local, 1, &remote, 1, 0);

	if (n < 0 && n != -EFAULT)
		return mmun_probe_and_copy(to, from, size);
	return n == (long)size;
}

#endif /* MMUN_BASE_SAFE_READ_H */
