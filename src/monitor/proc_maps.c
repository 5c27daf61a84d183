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

/* "start-end rwxp offset major:minor inode   path" */
static void parse_line(const char *line, struct mmun_mapping *m)
{
	m->start = parse(&line, 16);
	line++;
	m->end = parse(&line, 16);
	line++;
	m->writable = line[1] == 'w';
	m->executable = line[2] == 'x';
	line += 5;
	m->offset = parse(&line, 16);
	line++;
	parse(&line, 16);	/* major */
	line++;
	parse(&line, 16);	/* minor */
	line++;
	m->inode = parse(&line, 10);
	while (*line == ' ')
		line++;
	m->sysv = !strncmp(line, "/SYSV", 5);
}

static long open_file(const char *path)
{
	return mmun_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* A line's head is all that matters: what is over the buffer's end is skipped. */
int mmun_each_mapping(bool (*fn)(const struct mmun_mapping *m, void *arg),
		      void *arg)
{
	char line[128], chunk[1024];
	struct mmun_mapping m;
	long fd = open_file("/proc/self/maps"), n;
	size_t len = 0;
	bool more = true;

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
			parse_line(line, &m);
			more = fn(&m, arg);
		}
	}
	mmun_syscall(SYS_close, fd);
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
