// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is built beside the tool: in its own folder, or where it is installed. */
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "ops.h"

const char *find_module(const char *name)
{
	static char path[1024];
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/%s", self, name);
	if (!access(path, R_OK))
		return path;
	snprintf(path, sizeof(path), "%s/%s", MODULES, name);
	return access(path, R_OK) ? NULL : path;
}

/*
 * By its descriptor, which is opened at the first call: the folder may be closed
 * to an unprivileged user.
 */
const char *victim_module(void)
{
	static char by_fd[32];
	const char *path = *by_fd ? NULL :
				    find_module("mmunotify-coverage-victim.so");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	return *by_fd ? by_fd : NULL;
}
