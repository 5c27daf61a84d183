// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Patching where something is missing: file descriptors, /proc, room for another
 * mapping.  It says so, leaves the entry as it was, and works when what was
 * missing is there.
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "helpers.h"

/* An exit status: what went wrong, or that it cannot be tried. */
enum { GOOD, CANNOT = 100 };

static struct mmun_patch patch;
/* Volatile: munmap is declared not to call back. */
static volatile int hook_calls;

static int hook(void *addr, size_t len)
{
	hook_calls++;
	return ((int (*)(void *, size_t))patch.orig)(addr, len);
}

static int prepare(void)
{
	patch = (struct mmun_patch){ .entry = (void *)munmap,
				     .hook = (void *)hook };
	return mmun_patch_prepare(&patch);
}

static bool works(int calls)
{
	hook_calls = 0;
	errno = 0;
	return munmap((void *)1, 1) == -1 && errno == EINVAL &&
	       hook_calls == calls;
}

static bool untouched(const uint8_t *was)
{
	return !memcmp((void *)munmap, was, 16) && works(0);
}

static int patched_now(void)
{
	if (prepare())
		return 10;
	if (mmun_patch_commit(&patch))
		return 11;
	return works(1) ? GOOD : 12;
}

/* -- no file descriptor -- */

static int no_descriptor(const uint8_t *was)
{
	struct rlimit limit, none;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	if (prepare() != -EMFILE)
		return 1;
	if (!untouched(was))
		return 2;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (prepare())
		return 3;
	setrlimit(RLIMIT_NOFILE, &none);
	if (mmun_patch_commit(&patch) != -EMFILE)
		return 4;
	if (!untouched(was))
		return 5;
	setrlimit(RLIMIT_NOFILE, &limit);
	return patched_now();
}

/* -- no /proc -- */

static int no_proc(const uint8_t *was)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, NULL))
		return CANNOT;
	if (prepare() != -ENOENT)
		return 1;
	if (!untouched(was))
		return 2;
	if (umount("/proc"))
		return 3;
	return patched_now();
}

/* -- no room for another mapping -- */

#define PAGE 4096UL

/* Pages of alternating protection, then single ones, until there is no more. */
static char *fill_up(void)
{
	const size_t nr = 1UL << 20;
	char *p = mmap(NULL, nr * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i = 1;

	if (p == MAP_FAILED)
		return NULL;
	while (i < nr && !mprotect(p + i * PAGE, PAGE, PROT_READ))
		i += 2;
	if (i >= nr)
		return NULL;
	while (mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED)
		;
	return p;
}

static int no_mapping(const uint8_t *was)
{
	int err;

	if (!fill_up())
		return CANNOT;
	err = prepare();
	if (err != -ENOMEM)
		return 1;
	return untouched(was) ? GOOD : 2;
}

/* Enough to prepare, not to write. */
static int no_split(const uint8_t *was)
{
	char *room;

	if (prepare())
		return 1;
	room = fill_up();
	if (!room)
		return CANNOT;
	if (mmun_patch_commit(&patch) != -ENOMEM)
		return 2;
	if (!untouched(was))
		return 3;
	munmap(room, 64 * PAGE);
	if (mmun_patch_commit(&patch))
		return 4;
	return works(1) ? GOOD : 5;
}

static void in_child(int (*test)(const uint8_t *was), const char *claim,
		     const char *needs)
{
	uint8_t was[16];
	int status = 0;
	pid_t pid;

	memcpy(was, (void *)munmap, sizeof(was));
	pid = fork();
	if (!pid)
		_exit(test(was));
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
		skip(claim, needs);
	else
		ok(!status, "%s (status %#x)", claim, status);
}

int main(void)
{
	tap_begin(20);
	in_child(no_descriptor, "without a descriptor: -EMFILE, then patched",
		 "a limit");
	in_child(no_proc, "without /proc: -ENOENT, then patched",
		 "root, to mount over /proc");
	in_child(no_mapping, "without room for an island: -ENOMEM",
		 "a limit to the number of mappings below a million");
	in_child(no_split, "without room to write: -ENOMEM, then patched",
		 "a limit to the number of mappings below a million");
	return tap_end();
}
