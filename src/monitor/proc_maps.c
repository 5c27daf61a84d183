// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

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
	m->maps = -1;
}

static long open_file(const char *path)
{
	return mmun_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/*
 * A line's head is all that matters: what is over the buffer's end is skipped.
 * Return: 0; -ESRCH when there are none.
 */
static int each_line(const char *path,
		     bool (*fn)(const struct mmun_mapping *m, void *arg),
		     void *arg)
{
	char line[128], chunk[1024];
	struct mmun_mapping m;
	long fd = open_file(path), n;
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

/* The process's is empty when its first thread has ended. */
int mmun_each_mapping(bool (*fn)(const struct mmun_mapping *m, void *arg),
		      void *arg)
{
	int err = each_line("/proc/self/maps", fn, arg);

	return err == -ESRCH ? each_line("/proc/thread-self/maps", fn, arg) : err;
}

/* -- one after another -- */

/* Of newer kernels than the C library's headers: linux/fs.h. */
struct procmap_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};
#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)
#define VMA_WRITABLE 0x02
#define VMA_EXECUTABLE 0x04
#define VMA_SHARED 0x08
#define COVERING_OR_NEXT 0x10

/*
 * A name that is longer than this is a file's on a disk.
 * Return: 0; -ENOENT when there is none from @at on.
 */
static long query(long fd, unsigned long at, struct mmun_mapping *m)
{
	char name[320] = "";
	struct procmap_query q = {
		.size = sizeof(q),
		.query_flags = COVERING_OR_NEXT,
		.query_addr = at,
		.vma_name_size = sizeof(name),
		.vma_name_addr = (uintptr_t)name,
	};
	long err = mmun_syscall(SYS_ioctl, fd, PROCMAP_QUERY, &q);

	if (err == -ENAMETOOLONG) {
		name[0] = '/';
		q.vma_name_size = 0;
		q.vma_name_addr = 0;
		err = mmun_syscall(SYS_ioctl, fd, PROCMAP_QUERY, &q);
	}
	*m = (struct mmun_mapping){
		.start = q.vma_start,
		.end = q.vma_end,
		.offset = q.vma_offset,
		.inode = q.inode,
		.major = q.dev_major,
		.minor = q.dev_minor,
		.kind = kind_of(name),
		.writable = q.vma_flags & VMA_WRITABLE,
		.executable = q.vma_flags & VMA_EXECUTABLE,
		.shared = q.vma_flags & VMA_SHARED,
		.maps = fd,
	};
	return err;
}

struct part {
	unsigned long start;
	unsigned long end;
	bool (*fn)(const struct mmun_mapping *m, void *arg);
	void *arg;
};

static bool in_part(const struct mmun_mapping *m, void *arg)
{
	const struct part *p = arg;

	if (m->start >= p->end)
		return false;
	return m->end <= p->start || p->fn(m, p->arg);
}

int mmun_each_mapping_in(unsigned long start, unsigned long end,
			 bool (*fn)(const struct mmun_mapping *m, void *arg),
			 void *arg)
{
	struct part part = { start, end, fn, arg };
	struct mmun_mapping m;
	long fd = open_file("/proc/self/maps"), err;

	if (fd < 0)
		return fd;
	for (;;) {
		err = query(fd, start, &m);
		if (err || m.start >= end || !fn(&m, arg) || m.end >= end)
			break;
		start = m.end;
	}
	mmun_syscall(SYS_close, fd);
	/* Where it is not known, or the first thread has gone. */
	if (err && err != -ENOENT)
		return mmun_each_mapping(in_part, &part);
	return 0;
}

static bool copy_first(const struct mmun_mapping *m, void *arg)
{
	*(struct mmun_mapping *)arg = *m;
	return false;
}

bool mmun_mapping_stands(const struct mmun_mapping *m)
{
	struct mmun_mapping now = { 0 };
	long err = m->maps >= 0 ? query(m->maps, m->start, &now) :
				  mmun_each_mapping_in(m->start, m->end,
						       copy_first, &now);

	return !err && now.start <= m->start && now.end >= m->end &&
	       now.inode == m->inode && now.major == m->major &&
	       now.minor == m->minor && now.kind == m->kind;
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
