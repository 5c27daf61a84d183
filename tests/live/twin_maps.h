/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TWIN_MAPS_H
#define TWIN_MAPS_H
/*
 * The mappings of a range in a form that two processes can compare.
 *
 * Neighbours that differ in nothing are one: whether the kernel keeps two
 * entries for them is no property of the memory.  A file is a number, in the
 * order in which the caller made them known.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "live.h"

/* Of newer kernels than the C library's headers. */
struct procmap_query_6_11 {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t start;
	uint64_t end;
	uint64_t flags;
	uint64_t page_size;
	uint64_t offset;
	uint64_t inode;
	uint32_t major;
	uint32_t minor;
	uint32_t name_size;
	uint32_t build_id_size;
	uint64_t name;
	uint64_t build_id;
};
#define PROCMAP_QUERY_6_11 _IOWR('f', 17, struct procmap_query_6_11)
#define QUERY_READ 1
#define QUERY_WRITE 2
#define QUERY_EXEC 4
#define QUERY_SHARED 8
#define QUERY_THIS_OR_NEXT 16

struct area {
	unsigned long start;
	unsigned long end;
	unsigned long offset;
	unsigned int flags;	/* of QUERY_READ to QUERY_SHARED */
	unsigned int file;	/* its number, 0 for none */
};

struct area_list {
	unsigned int n;
	struct area area[256];
};

struct inode {
	dev_t dev;
	unsigned long number;
};

/* The number of each is its place plus one. */
static struct inode known_file[16];
static unsigned int nr_known_files;

/* Anonymous memory that is shared has an inode for each mapping. */
#define UNKNOWN_FILE 1000

static inline unsigned int file_number(const struct inode *inode)
{
	for (unsigned int i = 0; i < nr_known_files; i++)
		if (known_file[i].dev == inode->dev &&
		    known_file[i].number == inode->number)
			return i + 1;
	return inode->dev || inode->number ? UNKNOWN_FILE : 0;
}

static inline bool query(int fd, unsigned long at, struct area *ret,
			 struct inode *ret_inode)
{
	struct procmap_query_6_11 q = {
		.size = sizeof(q),
		.query_flags = QUERY_THIS_OR_NEXT,
		.query_addr = at,
	};

	if (raw3(SYS_ioctl, fd, PROCMAP_QUERY_6_11, (long)&q))
		return false;
	*ret = (struct area){ q.start, q.end, q.offset, q.flags & 15, 0 };
	*ret_inode = (struct inode){ makedev(q.major, q.minor), q.inode };
	return true;
}

static inline bool parse_line(const char *line, struct area *ret,
			      struct inode *ret_inode)
{
	unsigned int major, minor;
	char perms[5];

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &ret->start, &ret->end,
		   perms, &ret->offset, &major, &minor,
		   &ret_inode->number) != 7)
		return false;
	ret->flags = (perms[0] == 'r') * QUERY_READ |
		     (perms[1] == 'w') * QUERY_WRITE |
		     (perms[2] == 'x') * QUERY_EXEC |
		     (perms[3] == 's') * QUERY_SHARED;
	ret_inode->dev = makedev(major, minor);
	return true;
}

static inline bool find_in_text(int fd, unsigned long at, struct area *ret,
				struct inode *ret_inode)
{
	static char text[256 << 10];
	size_t len = 0;
	long n;

	while ((n = pread(fd, text + len, sizeof(text) - 1 - len, len)) > 0)
		len += n;
	text[len] = 0;
	for (char *line = text, *eol; (eol = strchr(line, '\n')); line = eol + 1)
		if (parse_line(line, ret, ret_inode) && ret->end > at)
			return true;
	return false;
}

/* The mapping at an address, or the next one.  @fd: /proc/self/maps. */
static inline bool find_area(int fd, unsigned long at, struct area *ret,
			     struct inode *ret_inode)
{
	/* A kernel before 6.11 has the text only. */
	bool found = raw3(SYS_ioctl, fd, PROCMAP_QUERY_6_11, 0) == -ENOTTY ?
			     find_in_text(fd, at, ret, ret_inode) :
			     query(fd, at, ret, ret_inode);

	if (found)
		ret->file = file_number(ret_inode);
	return found;
}

/* What is mapped here is the next file to know. */
static inline void know_file(int fd, const void *at)
{
	struct area a;

	if (!find_area(fd, (unsigned long)at, &a, &known_file[nr_known_files]))
		bail("nothing mapped at %p", at);
	nr_known_files++;
}

static inline bool continues(const struct area *a, const struct area *b)
{
	return a->end == b->start && a->flags == b->flags &&
	       a->file == b->file &&
	       (!a->file || a->offset + (a->end - a->start) == b->offset);
}

static inline void add_area(struct area_list *list, const struct area *a)
{
	struct area *last = list->n ? &list->area[list->n - 1] : NULL;

	if (last && continues(last, a)) {
		last->end = a->end;
		return;
	}
	if (list->n == sizeof(list->area) / sizeof(list->area[0]))
		bail("too many mappings");
	list->area[list->n++] = *a;
}

/* Appends what is mapped in [start, end). */
static inline void list_areas(int fd, unsigned long start, unsigned long end,
			      struct area_list *list)
{
	struct inode inode;
	struct area a;

	while (start < end && find_area(fd, start, &a, &inode) &&
	       a.start < end) {
		add_area(list, &a);
		start = a.end;
	}
}

static inline void tell_areas(const struct area_list *list, const char *whose)
{
	for (unsigned int i = 0; i < list->n; i++)
		diag("%s %#lx-%#lx offset %#lx flags %u file %u", whose,
		     list->area[i].start, list->area[i].end,
		     list->area[i].offset, list->area[i].flags,
		     list->area[i].file);
}

#endif /* TWIN_MAPS_H */
