// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/syscall.h"
#include "monitor/proc_maps.h"

static unsigned long parse(const char **text, unsigned int base)
{
	unsigned long value = 0;

	for (;; (*text)++) {
		char c = **text;
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			return value;
		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

static bool begins_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static enum mmun_mapping_kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum mmun_mapping_kind kind;
	} kinds[] = {
		{ "/SYSV", MMUN_MAPPING_SYSV },
		{ "/memfd:", MMUN_MAPPING_SHMEM },
		{ "/dev/zero (deleted)", MMUN_MAPPING_SHMEM },
		{ "/dev/shm/", MMUN_MAPPING_SHMEM },
		{ "/anon_hugepage", MMUN_MAPPING_HUGETLB },
		{ "[anon_shmem:", MMUN_MAPPING_SHMEM },
		{ "[v", MMUN_MAPPING_SPECIAL },
		{ "[", MMUN_MAPPING_ANON },
		{ "/", MMUN_MAPPING_FILE },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (begins_with(name, kinds[i].name))
			return kinds[i].kind;
	/* "anon_inode:[io_uring]" and its like are files of drivers. */
	return *name ? MMUN_MAPPING_FILE : MMUN_MAPPING_ANON;
}

/* "start-end rwxp offset major:minor inode   path" */
static void parse_line(const char *line, struct mmun_mapping *m)
{
	m->start = parse(&line, 16);
	line++;
	m->end = parse(&line, 16);
	line++;
	m->writable = line[1] == 'w';
	m->executable = line[2] == 'x';
	m->shared = line[3] == 's';
	line += 5;
	m->offset = parse(&line, 16);
	line++;
	m->major = parse(&line, 16);
	line++;
	m->minor = parse(&line, 16);
	line++;
	m->inode = parse(&line, 10);
	while (*line == ' ')
		line++;
	m->kind = kind_of(line);
}

static long open_file(const char *path)
{
	return mmun_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* The process's is empty when its first thread has ended. */
static long open_maps(void)
{
	long fd = open_file("/proc/thread-self/maps");

	return fd == -ENOENT ? open_file("/proc/self/maps") : fd;
}

/* A line's head is all that matters: what is over the buffer's end is skipped. */
int mmun_each_mapping(bool (*fn)(const struct mmun_mapping *m, void *arg),
		      void *arg)
{
	char line[128], chunk[1024];
	struct mmun_mapping m;
	long fd = open_maps(), n;
	bool more = true, any = false;
	size_t len = 0;

	if (fd < 0)
		return fd;
	while (more && (n = mmun_syscall(SYS_read, fd, chunk, sizeof(chunk))) > 0) {
		for (long i = 0; more && i < n; i++) {
			if (chunk[i] != '\n') {
				if (len < sizeof(line) - 1)
					line[len++] = chunk[i];
				continue;
			}
			line[len] = 0;
			len = 0;
			any = true;
			parse_line(line, &m);
			more = fn(&m, arg);
		}
	}
	mmun_syscall(SYS_close, fd);
	if (!any)
		return n < 0 ? (int)n : -ESRCH;
	return more && n < 0 ? (int)n : 0;
}

long mmun_read_file(const char *path, char *text, size_t size)
{
	long fd = open_file(path), n;

	if (fd < 0)
		return fd;
	n = mmun_syscall(SYS_read, fd, text, size);
	mmun_syscall(SYS_close, fd);
	return n;
}
