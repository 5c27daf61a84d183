// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is done to a file, and dies in its mappings. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/falloc.h>

#include "ops.h"

#define RW (PROT_READ | PROT_WRITE)

static long cut(struct subject *s)
{
	return CALL(s, ftruncate(s->fd, 0), SYS_ftruncate, s->fd, 0);
}

static long cut_by_path(struct subject *s)
{
	return CALL(s, truncate(path_of(s->fd), 0), SYS_truncate, path_of(s->fd), 0);
}

static long cut_by_open(struct subject *s)
{
	const int flags = O_RDWR | O_TRUNC;
	long fd = CALL(s, open(path_of(s->fd), flags), SYS_openat, AT_FDCWD,
		       path_of(s->fd), flags);

	return fd < 0 ? fd : 0;
}

static long cut_by_creat(struct subject *s)
{
	int fd = creat(path_of(s->fd), 0600);

	return fd < 0 ? -errno : 0;
}

static long cut_by_fopen(struct subject *s)
{
	return fopen(path_of(s->fd), "w") ? 0 : -errno;
}

static long change(struct subject *s)
{
	off_t at = s->victim - s->start, len = 2 * page_size;

	return CALL(s, fallocate(s->fd, s->op->arg, at, len), SYS_fallocate,
		    s->fd, s->op->arg, at, len);
}

/* Behind the address comes what lies further on in the file. */
static long rearrange(struct subject *s)
{
	size_t pgoff = (s->victim - s->start) / page_size + 4;

	return CALL(s, remap_file_pages(s->victim, page_size, 0, pgoff, 0),
		    SYS_remap_file_pages, s->victim, page_size, 0, pgoff, 0);
}

/* -- a private mapping -- */

static int map_private(struct subject *s)
{
	size_t len = NR_PAGES * page_size;
	int fd = make_file(len);
	char *p = NULL;
	int err = fd < 0 ? fd : map_pages(NULL, len, MAP_PRIVATE, fd, &p);

	if (err)
		return err;
	for (char *at = p; at < p + len; at += page_size)
		(void)*(volatile char *)at;
	return use_memory(s, p, len, 4 * page_size);
}

static long write_to_it(struct subject *s)
{
	*(volatile uint64_t *)(s->victim + 64) = 1;
	return 0;
}

/* -- stdio -- */

static FILE *stream;

/* glibc maps what it reads so. */
static int map_stream(struct subject *s)
{
	size_t len = NR_PAGES * page_size;
	int fd = make_file(len);

	stream = fd < 0 ? NULL : fopen(path_of(fd), "rm");
	if (!stream || getc(stream) == EOF)
		return fd < 0 ? fd : -EIO;
#ifdef __GLIBC__
	if ((unsigned long)stream->_IO_read_base % page_size == 0) {
		for (char *at = stream->_IO_read_base; len; len -= page_size)
			(void)*(volatile char *)(at + len - page_size);
		return use_memory(s, stream->_IO_read_base,
				  NR_PAGES * page_size, 4 * page_size);
	}
#else
	(void)s;
#endif
	return -EOPNOTSUPP;
}

static long close_stream(struct subject *s)
{
	(void)s;
	return from_libc(fclose(stream));
}

/* -- another process -- */

static int shared_fd, ask[2], answer[2];

/* It does one thing, when asked, and never again. */
static void serve(struct subject *s)
{
	long ret = -EINTR;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(ask[0], &byte, 1) == 1)
		ret = s->op->arg ? raw_call(SYS_fallocate, shared_fd, s->op->arg,
					    0, NR_PAGES * page_size) :
				   raw_call(SYS_ftruncate, shared_fd, 0);
	if (write(answer[1], &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	_exit(0);
}

static int start_server(struct subject *s)
{
	pid_t pid;

	shared_fd = make_memfd(NR_PAGES * page_size);
	if (shared_fd < 0 || pipe(ask) || pipe(answer))
		return -errno;
	pid = fork();
	if (!pid) {
		forget_events();
		serve(s);
	}
	return pid < 0 ? -errno : 0;
}

static int map_served(struct subject *s)
{
	size_t len = NR_PAGES * page_size;
	char *p = NULL;
	int err = map_pages(NULL, len, MAP_SHARED, shared_fd, &p);

	if (err)
		return err;
	fill(p, len);
	return use_memory(s, p, len, 4 * page_size);
}

/* One that was forked while the source ran. */
static int map_and_start_server(struct subject *s)
{
	int err = start_server(s);

	return err ? err : map_served(s);
}

static long ask_server(struct subject *s)
{
	long ret;

	(void)s;
	if (write(ask[1], "", 1) != 1 ||
	    read(answer[0], &ret, sizeof(ret)) != sizeof(ret))
		return -EIO;
	return ret;
}

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

#define FILE_OP(name_, kind_, via_, flags_, setup_, perform_, arg_)            \
	{ .name = name_, .kind = kind_, .via = via_, .flags = flags_,          \
	  .blind = MMUN_BLIND_RAW_FILE, .setup = setup_, .perform = perform_,  \
	  .arg = arg_ }
#define OTHERS_OP(name_, flags_, before_, setup_, arg_)                        \
	{ .name = name_, .kind = "memfd", .via = VIA_RAW, .flags = flags_,     \
	  .blind = MMUN_BLIND_OTHERS, .before = before_, .setup = setup_,      \
	  .perform = ask_server, .arg = arg_ }

const struct op ops_file[] = {
	FILE_OP("ftruncate(memfd, 0)", "memfd", VIA_BOTH, OP_TABLE, map_memfd,
		cut, 0),
	FILE_OP("truncate(memfd, 0)", "memfd", VIA_BOTH, 0, map_memfd,
		cut_by_path, 0),
	FILE_OP("open(O_TRUNC) of a memfd", "memfd", VIA_BOTH, 0, map_memfd,
		cut_by_open, 0),
	FILE_OP("creat() of a memfd", "memfd", VIA_LIBC, 0, map_memfd,
		cut_by_creat, 0),
	FILE_OP("fopen(\"w\") of a memfd", "memfd", VIA_LIBC, 0, map_memfd,
		cut_by_fopen, 0),
	FILE_OP("ftruncate of a file", "file", VIA_BOTH, 0, map_file, cut, 0),
	OTHERS_OP("ftruncate by another process", OP_TABLE, start_server,
		  map_served, 0),
	OTHERS_OP("fallocate(PUNCH_HOLE) by another process", 0, start_server,
		  map_served, PUNCH),
	OTHERS_OP("ftruncate by a forked child", 0, NULL, map_and_start_server, 0),
	FILE_OP("fallocate(PUNCH_HOLE)", "memfd", VIA_BOTH, OP_TABLE, map_memfd,
		change, PUNCH),
	FILE_OP("fallocate(PUNCH_HOLE) of a file", "file", VIA_BOTH, 0, map_file,
		change, PUNCH),
	FILE_OP("fallocate(COLLAPSE_RANGE) of a file", "file", VIA_BOTH, 0,
		map_file, change, FALLOC_FL_COLLAPSE_RANGE),
	FILE_OP("fallocate(ZERO_RANGE) of a file", "file", VIA_BOTH, 0, map_file,
		change, FALLOC_FL_ZERO_RANGE),
	FILE_OP("remap_file_pages", "memfd", VIA_BOTH, OP_TABLE, map_memfd,
		rearrange, 0),
	{ .name = "fclose of fopen(\"rm\") mmapped file", .kind = "file",
	  .via = VIA_LIBC, .flags = OP_TABLE, .blind = MMUN_BLIND_RAW,
	  .setup = map_stream, .perform = close_stream },
	{ .name = "first write to MAP_PRIVATE file page", .kind = "file",
	  .via = VIA_RAW, .flags = OP_TABLE, .setup = map_private,
	  .perform = write_to_it },
	{ 0 }
};
