/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_OPS_H
#define COVERAGE_OPS_H
/*
 * The operations that may take a page from behind its address.  Each runs in a
 * process of its own; what it keeps between its functions is static.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <mmunotify/monitor.h>

#include "raw.h"

enum {
	VIA_LIBC = 1,
	VIA_RAW = 2,	/* by an instruction of one's own */
	VIA_BOTH = 3,
};

enum {
	OP_TABLE = 1,		/* one of those that peers were measured by */
	OP_MAY_FAIL = 2,	/* a refusal is an answer too */
	OP_ENDS = 4,		/* and with it the process */
};

struct op;

/* What an operation is done to. */
struct subject {
	const struct op *op;
	bool raw;
	/* What somebody is interested in, and the page in it that is judged. */
	char *start;
	size_t len;
	char *victim;
	int fd;		/* of the file, when it maps one */
};

struct op {
	const char *name;
	const char *kind;	/* of memory */
	unsigned int via;
	unsigned int flags;
	int blind;		/* which of enum mmun_blind it is */
	long arg;
	int (*before)(struct subject *s);	/* the source is started */
	/* Return: 0, or a negative errno. */
	int (*setup)(struct subject *s);
	/*
	 * Return: a number that each run must come to, whatever addresses it
	 * met, or a negative errno.
	 */
	long (*perform)(struct subject *s);
};

extern const struct op ops_map[], ops_advice[], ops_heap[], ops_thread[],
	ops_sysv[], ops_file[], ops_loader[], ops_process[], ops_uring[];

/* -- what operations are made of -- */

extern size_t page_size;

#define NR_PAGES 16	/* of most subjects; the fifth is the victim */

/* Each page of it begins with a word of its own. */
void fill(char *start, size_t len);
/* What lies in [start, start + len), and the victim @at bytes into it. */
int use_memory(struct subject *s, void *start, size_t len, size_t at);
/* mmap(), MAP_FAILED turned into an error.  Return: 0, or a negative errno. */
int map_pages(void *at, size_t len, int flags, int fd, char **ret_start);

int map_anon(struct subject *s);
int map_memfd(struct subject *s);
int map_file(struct subject *s);	/* shared, of a file on a disk */
int map_thp(struct subject *s);
int map_hugetlb(struct subject *s);
int map_sysv(struct subject *s);

/* Each page of the file begins as fill() does it.  Return: fd or an error. */
int make_memfd(size_t len);
int make_file(size_t len);
/* A name by which another call finds the open file. */
const char *path_of(int fd);

static inline long from_libc(long ret)
{
	return ret == -1 ? -errno : ret;
}

/* CALL(s, munmap(p, n), SYS_munmap, p, n): the way that the row is about. */
#define CALL(s, libc, ...)                                                     \
	((s)->raw ? raw_call(__VA_ARGS__) : from_libc((long)(libc)))

#define ROUND_UP(p) \
	((char *)(((unsigned long)(p) + page_size - 1) & -page_size))

/*
 * A fork()ed child has a copy of the memory and none of the events: it says so,
 * first of all.
 */
void forget_events(void);

/* What is built beside the tool: its place until the next call, or NULL. */
const char *find_module(const char *name);
/* Opened while that is allowed. */
const char *victim_module(void);

#endif /* COVERAGE_OPS_H */
