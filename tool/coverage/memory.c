// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kinds of memory that operations are done to. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/statfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "ops.h"

size_t page_size;

static uint64_t next_word(void)
{
	static uint64_t word = 0x6d6d756e6f746966;

	return word += 0x9e3779b97f4a7c15;
}

void fill(char *start, size_t len)
{
	for (char *p = start; p < start + len; p += page_size)
		*(volatile uint64_t *)p = next_word();
}

int use_memory(struct subject *s, void *start, size_t len, size_t at)
{
	s->start = start;
	s->len = len;
	s->victim = s->start + at;
	return 0;
}

int map_pages(void *at, size_t len, int flags, int fd, char **ret_start)
{
	void *p = mmap(at, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret_start = p;
	return 0;
}

static int map_filled(struct subject *s, size_t len, int flags, int fd)
{
	char *p = NULL;
	int err = map_pages(NULL, len, flags, fd, &p);

	if (err)
		return err;
	fill(p, len);
	return use_memory(s, p, len, 4 * page_size);
}

int map_anon(struct subject *s)
{
	return map_filled(s, NR_PAGES * page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* -- files -- */

static int fill_file(int fd, size_t len)
{
	for (size_t at = 0; at < len; at += page_size) {
		uint64_t word = next_word();

		if (pwrite(fd, &word, sizeof(word), at) != sizeof(word))
			return -errno;
	}
	return ftruncate(fd, len) ? -errno : fd;
}

int make_memfd(size_t len)
{
	int fd = memfd_create("mmunotify-coverage", MFD_CLOEXEC);

	return fd < 0 ? -errno : fill_file(fd, len);
}

static bool is_on_disk(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type != TMPFS_MAGIC &&
	       fs.f_type != RAMFS_MAGIC;
}

int make_file(size_t len)
{
	static const char *const places[] = { "/var/tmp", "/tmp", "." };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

		if (fd >= 0 && is_on_disk(fd))
			return fill_file(fd, len);
		if (fd >= 0)
			close(fd);
	}
	return -ENODEV;
}

const char *path_of(int fd)
{
	static char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static int map_shared(struct subject *s, int fd)
{
	if (fd < 0)
		return fd;
	s->fd = fd;
	return map_filled(s, NR_PAGES * page_size, MAP_SHARED, fd);
}

int map_memfd(struct subject *s)
{
	return map_shared(s, make_memfd(NR_PAGES * page_size));
}

int map_file(struct subject *s)
{
	return map_shared(s, make_file(NR_PAGES * page_size));
}

/* -- huge pages -- */

#define HUGE (2UL << 20)

/* The kernel gives one at the first touch, if it has one. */
int map_thp(struct subject *s)
{
	char *p = NULL;
	int err = map_pages(NULL, 2 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1, &p);

	if (err)
		return err;
	p = (char *)(((unsigned long)p + HUGE - 1) & -HUGE);
	if (madvise(p, HUGE, MADV_HUGEPAGE))
		return -errno;
	fill(p, HUGE);
	return use_memory(s, p, HUGE, 4 * page_size);
}

int map_hugetlb(struct subject *s)
{
	return map_filled(s, HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
}

/* -- System V -- */

int map_sysv(struct subject *s)
{
	int id = shmget(IPC_PRIVATE, NR_PAGES * page_size, IPC_CREAT | 0600);
	void *p;

	if (id < 0)
		return -errno;
	p = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		return -errno;
	fill(p, NR_PAGES * page_size);
	return use_memory(s, p, NR_PAGES * page_size, 4 * page_size);
}
