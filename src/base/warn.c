// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <mmunotify/monitor.h>

#include "base/export.h"
#include "base/syscall.h"
#include "base/warn.h"

static void (*warn_handler)(const char *line);

void mmun_warn(const char *line)
{
	void (*handler)(const char *) = mmun_load_acquire(&warn_handler);
	struct iovec iov[] = {
		{ (char *)"mmunotify: ", 11 },
		{ (char *)line, strlen(line) },
		{ (char *)"\n", 1 },
	};
	int saved_errno = errno;

	if (handler)
		handler(line);
	else
		mmun_syscall(SYS_writev, STDERR_FILENO, iov, 3);
	errno = saved_errno;
}

void mmun_set_warn_handler(void (*handler)(const char *line))
{
	mmun_store_release(&warn_handler, handler);
}
EXPORT_SYMBOL(mmun_set_warn_handler);
