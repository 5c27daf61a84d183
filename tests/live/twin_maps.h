/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TWIN_MAPS_H
#define TWIN_MAPS_H
/*
 * The mappings of a range, in a form that two processes can compare: where they
 * begin and end, what may be done with them, of which file they are and from
 * where in it on.
 *
 * A file is a number, as its inode differs from one process to the other: its
 * place in the order in which the caller made it known; or, of one that is not
 * known (memory that is shared, and has no name), that in which it was met.
 *
 * One question after another by PROCMAP_QUERY is the fastest way to ask, and
 * doesn't tell all; what else there is to tell /proc/self/smaps knows.
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
#define QUERY_FLAGS 15
#define QUERY_THIS_OR_NEXT 16

/* What smaps calls the flags; the first four are the query's. */
static const char flag_names[] =
	"rd wr ex sh mr mw me ms gd pf lo io sr rr dc de lf ac nr ht sf ar wf "
	"dd sd mm hg nh mg um dp ss uw gu";
#define KEY_SHIFT 48

struct inode {
	dev_t dev;
	unsigned long number;
};

struct area {
	unsigned long start;
	unsigned long end;
	unsigned long offset;
	unsigned long flags;	/* by their place in flag_names */
	unsigned long file;	/* its number, 0 for none */
};

#define MAX_AREAS 256
#define MAX_FILES 128

struct area_list {
	unsigned int n;
	unsigned int nr_met;
	struct area area[MAX_AREAS];
	struct inode met[MAX_FILES];
};

/*
 * Of memory that userfaultfd knows, and other that it doesn't, the kernel never
 * makes one mapping.  So it may be no matter where one ends, and another that
 * differs in nothing begins.
 */
static bool neighbours_are_one;

static struct inode known_file[16];
static unsigned int nr_known_files;

static int maps_fd, smaps_fd;

/* -- numbers of files -- */

static inline bool is_inode(const struct inode *a, const struct inode *b)
{
	return a->dev == b->dev && a->number == b->number;
}

static inline unsigned long file_number(struct area_list *list,
					const struct inode *inode)
{
	if (!inode->dev && !inode->number)
		return 0;
	for (unsigned int i = 0; i < nr_known_files; i++)
		if (is_inode(&known_file[i], inode))
			return 1 + i;
	for (unsigned int i = 0; i < list->nr_met; i++)
		if (is_inode(&list->met[i], inode))
			return 1000 + i;
	if (list->nr_met == MAX_FILES)
		bail("too many files");
	list->met[list->nr_met] = *inode;
	return 1000 + list->nr_met++;
}

/* -- a list of areas -- */

static inline bool continues(const struct area *a, const struct area *b)
{
	return neighbours_are_one && a->end == b->start &&
	       a->flags == b->flags && a->file == b->file &&
	       (!a->file || a->offset + (a->end - a->start) == b->offset);
}

static inline void add_area(struct area_list *list, struct area a,
			    const struct inode *inode)
{
	struct area *last = list->n ? &list->area[list->n - 1] : NULL;

	a.file = file_number(list, inode);
	if (last && continues(last, &a)) {
		last->end = a.end;
		return;
	}
	if (list->n == MAX_AREAS)
		bail("too many mappings");
	list->area[list->n++] = a;
}

static inline void clear_list(struct area_list *list)
{
	list->n = list->nr_met = 0;
}

/* -- by questions -- */

struct range {
	unsigned long start;
	unsigned long end;
};

/* The mapping at an address, or the next one.  Return: 0, or an errno. */
static inline long query(unsigned long at, struct area *ret,
			 struct inode *ret_inode)
{
	struct procmap_query_6_11 q = {
		.size = sizeof(q),
		.query_flags = QUERY_THIS_OR_NEXT,
		.query_addr = at,
	};
	long err = raw3(SYS_ioctl, maps_fd, PROCMAP_QUERY_6_11, (long)&q);

	*ret = (struct area){ q.start, q.end, q.offset, q.flags & QUERY_FLAGS,
			      0 };
	*ret_inode = (struct inode){ makedev(q.major, q.minor), q.inode };
	return -err;
}

static inline long list_by_query(struct range range, struct area_list *list)
{
	struct inode inode;
	struct area a;
	long err = 0;

	for (unsigned long at = range.start; at < range.end; at = a.end) {
		err = query(at, &a, &inode);
		if (err || a.start >= range.end)
			break;
		add_area(list, a, &inode);
	}
	return err;
}

/* -- from the text, where the kernel is older than 6.11 -- */

/* "55d0c0e4f000-55d0c0e51000 r-xp 00002000 08:01 1835023  /usr/bin/cat" */
static inline void parse_line(const char *line, struct area *ret,
			      struct inode *ret_inode)
{
	unsigned long major, minor;
	char *at;

	ret->start = strtoul(line, &at, 16);
	ret->end = strtoul(at + 1, &at, 16);
	ret->flags = (at[1] == 'r') | (at[2] == 'w') << 1 |
		     (at[3] == 'x') << 2 | (at[4] == 's') << 3;
	ret->offset = strtoul(at + 5, &at, 16);
	major = strtoul(at, &at, 16);
	minor = strtoul(at + 1, &at, 16);
	ret_inode->dev = makedev(major, minor);
	ret_inode->number = strtoul(at, NULL, 10);
}

/* Lines are whole, and come in order. */
static inline void list_from_text(struct range range, struct area_list *list)
{
	struct inode inode;
	struct area a = { 0 };
	char text[8193];
	long n;

	for (off_t at = 0; (n = pread(maps_fd, text, 8192, at)) > 0; at += n) {
		text[n] = 0;
		for (char *line = text; *line; line = strchr(line, '\n') + 1) {
			parse_line(line, &a, &inode);
			if (a.start >= range.end)
				return;
			if (a.end > range.start)
				add_area(list, a, &inode);
		}
	}
}

/* Appends what is mapped in the range, be it in part. */
static inline void list_areas(struct range range, struct area_list *list)
{
	if (list_by_query(range, list) == ENOTTY)
		list_from_text(range, list);
}

/* What is mapped here is the next file to know. */
static inline void know_file(const void *at)
{
	struct range range = { (unsigned long)at, (unsigned long)at + 1 };
	static struct area_list list;

	clear_list(&list);
	list_areas(range, &list);
	if (!list.nr_met)
		bail("no file mapped at %p", at);
	known_file[nr_known_files++] = list.met[0];
}

/* -- all there is to know -- */

static inline char *read_text(int fd)
{
	static char text[512 << 10];
	size_t len = 0;
	long n;

	while ((n = pread(fd, text + len, sizeof(text) - 1 - len, len)) > 0)
		len += n;
	text[len] = 0;
	return text;
}

/* "VmFlags: rd wr mr mw me ac" */
static inline unsigned long parse_flags(char *names)
{
	unsigned long flags = 0;
	const char *known;

	for (char *name = strtok(names, " "); name; name = strtok(NULL, " "))
		if ((known = strstr(flag_names, name)))
			flags |= 1UL << (known - flag_names) / 3;
	return flags;
}

/*
 * What follows from having neighbours: to be userfaultfd's; whether memory that
 * was never touched is counted still when nobody can write it any more; and how
 * far away from a guard there may be one.
 */
static inline unsigned long flags_of_neighbours(void)
{
	char names[] = "uw ac gu";

	return neighbours_are_one ? parse_flags(names) : 0;
}

/* A mapping's first line begins with a number, the others with a capital. */
static inline bool begins_mapping(const char *line)
{
	return *line < 'A' || *line > 'Z';
}

/* All mappings of the process, one after another, with all of their flags. */
static inline void each_area(void (*visit)(const struct area *,
					   const struct inode *, void *),
			     void *arg)
{
	unsigned long key = 0, ignored = flags_of_neighbours();
	struct inode inode;
	struct area a = { 0 };

	for (char *line = read_text(smaps_fd), *eol;
	     (eol = strchr(line, '\n')); line = eol + 1) {
		*eol = 0;
		if (begins_mapping(line))
			parse_line(line, &a, &inode);
		else if (!strncmp(line, "ProtectionKey:", 14))
			key = strtoul(line + 14, NULL, 10);
		else if (!strncmp(line, "VmFlags: ", 9)) {
			a.flags = parse_flags(line + 9) & ~ignored;
			a.flags |= key << KEY_SHIFT;
			visit(&a, &inode, arg);
		}
	}
}

/* -- telling -- */

static inline bool has_area(const struct area_list *list, const struct area *a)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (!memcmp(&list->area[i], a, sizeof(*a)))
			return true;
	return false;
}

/* Those that the other list has not. */
static inline void tell_areas(const char *what, const struct area_list *list,
			      const struct area_list *other)
{
	for (unsigned int i = 0; i < list->n; i++) {
		const struct area *a = &list->area[i];

		if (!has_area(other, a))
			diag("%s %#lx-%#lx offset %#lx flags %#lx file %lu",
			     what, a->start, a->end, a->offset, a->flags,
			     a->file);
	}
}

#endif /* TWIN_MAPS_H */
