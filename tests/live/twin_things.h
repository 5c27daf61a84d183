/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TWIN_THINGS_H
#define TWIN_THINGS_H
/*
 * What a twin has to make calls about, each of its own: the two share nothing.
 * And what it may not do.
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "twin_calls.h"
#include "twin_maps.h"

/* -- files -- */

static int new_file(const char *name, int flags)
{
	int fd = open(name, O_CREAT | O_CLOEXEC | flags, 0600);

	if (fd < 0)
		bail("no file %s: %s", name, strerror(errno));
	return fd;
}

static void make_known(int fd)
{
	char *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED || ftruncate(fd, 12 * PAGE))
		bail("a file that cannot be used");
	know_file(at);
	munmap(at, PAGE);
}

static void make_files(void)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;

	file = new_file(FILE_NAME, O_RDWR);
	read_only = new_file(FILE_NAME, O_RDONLY);
	directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mem_file = memfd_create("twin", MFD_CLOEXEC);
	sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (directory < 0 || mem_file < 0 || symlink(FILE_NAME, LINK_NAME))
		bail("no files");
	make_known(file);
	make_known(mem_file);
	make_known(sealed);
	if (fcntl(sealed, F_ADD_SEALS, seals))
		bail("no seals");
	snprintf(mem_file_name, sizeof(mem_file_name), "/proc/self/fd/%d",
		 mem_file);
	memset(long_name, 'x', sizeof(long_name) - 1);
}

/* -- System V segments, processes, memory -- */

/* It stays as long as somebody has it: this one place, and no name. */
static void make_segment(int i)
{
	char *at;

	segment[i] = shmget(IPC_PRIVATE, segment_pages[i] * PAGE,
			    IPC_CREAT | 0600);
	at = shmat(segment[i], NULL, 0);
	if (segment[i] < 0 || at == (void *)-1)
		bail("no shared memory");
	know_file(at);
	shmctl(segment[i], IPC_RMID, NULL);
}

static pid_t start_child(bool lives)
{
	pid_t pid = fork();

	if (pid < 0)
		bail("no process");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (lives)
		pause();
	_exit(0);
}

static pid_t make_processes(void)
{
	pid_t other = start_child(true), dead = start_child(false);

	self_pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	other_pidfd = syscall(SYS_pidfd_open, other, 0);
	dead_pidfd = syscall(SYS_pidfd_open, dead, 0);
	if (self_pidfd < 0 || other_pidfd < 0 || dead_pidfd < 0)
		bail("no pidfd");
	reap(dead);
	return other;
}

static void map(char *at, size_t len)
{
	if (mmap(at, len, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) != at)
		bail("no memory");
}

/* Below all else: what the kernel chooses is never in it. */
static void make_memory(void)
{
	map(arena, AREA * PAGE);
	map(huge, NR_HUGE * HUGE_PAGE);
	madvise(huge, NR_HUGE * HUGE_PAGE, MADV_HUGEPAGE);
	memset(huge, 1, HUGE_PAGE);
}

static void make_things(void)
{
	maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	smaps_fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (maps_fd < 0 || smaps_fd < 0 || mem < 0)
		bail("no /proc/self");
	make_files();
	for (int i = 0; i < NR_SEGMENTS; i++)
		make_segment(i);
	make_memory();
}

/* -- what it may not do -- */

static void limit(int what, rlim_t value)
{
	struct rlimit limit = { value, value };

	if (setrlimit(what, &limit))
		bail("setrlimit: %s", strerror(errno));
}

/* Poisoning the machine's memory, and having a lot of it, are to be refused. */
static void drop_power(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
						   0 };
	struct __user_cap_data_struct data[2];
	unsigned int lost = 1U << CAP_SYS_ADMIN | 1U << CAP_SYS_RAWIO |
			    1U << CAP_IPC_LOCK | 1U << CAP_SYS_RESOURCE;

	if (syscall(SYS_capget, &header, data))
		bail("capget: %s", strerror(errno));
	data[0].effective &= ~lost;
	data[0].permitted &= ~lost;
	if (syscall(SYS_capset, &header, data))
		bail("capset: %s", strerror(errno));
	limit(RLIMIT_AS, 2UL << 30);
	limit(RLIMIT_MEMLOCK, 64 * PAGE);
	limit(RLIMIT_FSIZE, 16UL << 20);
	signal(SIGXFSZ, SIG_IGN);
}

/* So that it is there, and need not grow. */
static void touch_stack(void)
{
	volatile char deep[128 << 10];

	for (size_t i = 0; i < sizeof(deep); i += PAGE)
		deep[i] = 0;
}

#endif /* TWIN_THINGS_H */
