// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that take pages away from a file.  Which memory that is, /proc/self/maps
 * tells, by device and inode; where it cannot, all of it.  Nobody pays for that
 * before somebody listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/safe_read.h"
#include "base/syscall.h"
#include "core/core.h"
#include "monitor/bracket.h"
#include "monitor/decode_parts.h"
#include "monitor/proc_maps.h"

#ifndef FALLOC_FL_COLLAPSE_RANGE
#define FALLOC_FL_COLLAPSE_RANGE 0x08
#endif
#ifndef FALLOC_FL_INSERT_RANGE
#define FALLOC_FL_INSERT_RANGE 0x20
#endif
#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 0x01
#endif
#ifndef FALLOC_FL_UNSHARE_RANGE
#define FALLOC_FL_UNSHARE_RANGE 0x40
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define RAMFS_MAGIC 0x858458f6
#define FUSE_MAGIC 0x65735546
#define XFS_MAGIC 0x58465342

/* The file system's word for a file, and how far it may be believed. */
struct file {
	unsigned long inode;
	uint32_t major;
	uint32_t minor;
	bool any_device;	/* stat() says another than /proc/self/maps ... */
	bool any_inode;		/* ... or another inode, too */
	unsigned long unit;	/* in which it takes away */
};

static void everything(struct mmun_spans *s)
{
	mmun_span_add(s, 0, ULONG_MAX, MMU_NOTIFY_CLEAR, 0);
}

/* -- the mappings of a part of a file -- */

struct part {
	const struct file *file;
	unsigned long start;	/* bytes of the file */
	unsigned long end;	/* ULONG_MAX: to its end, wherever that is */
	unsigned long skip_start; /* memory that is accounted for already */
	unsigned long skip_end;
	struct mmun_spans *spans;
};

static bool is_file(const struct mmun_mapping *m, const struct file *f)
{
	if (!m->inode || m->kind == MMUN_MAPPING_SPECIAL)
		return false;
	if (f->any_inode)
		return true;
	return m->inode == f->inode &&
	       (f->any_device || (m->major == f->major && m->minor == f->minor));
}

/* Two mappings side by side, as mprotect() makes them, are one span. */
static void add_or_extend(struct mmun_spans *s, unsigned long start,
			  unsigned long end)
{
	struct mmun_span *last = s->n ? &s->span[s->n - 1] : NULL;

	if (last && last->end == start && last->event == MMU_NOTIFY_CLEAR)
		last->end = end;
	else
		mmun_span_add(s, start, end, MMU_NOTIFY_CLEAR, 0);
}

static bool add_overlap(const struct mmun_mapping *m, void *arg)
{
	struct part *p = arg;
	unsigned long from = m->offset, to = m->offset + (m->end - m->start);

	if (!is_file(m, p->file))
		return true;
	if (from < p->start)
		from = p->start;
	if (to > p->end)
		to = p->end;
	if (from >= to)
		return true;
	from += m->start - m->offset;
	to += m->start - m->offset;
	if (from < p->skip_start || to > p->skip_end)
		add_or_extend(p->spans, from, to);
	return true;
}

static void add_part(const struct file *f, unsigned long start,
		     unsigned long end, struct mmun_spans *s)
{
	struct part p = { f, start, end, ULONG_MAX, 0, s };

	if (mmun_each_mapping(add_overlap, &p))
		everything(s);
}

/* -- which file -- */

/* Those whose stat() says what /proc/self/maps does. */
static bool tells_device(long type)
{
	switch (type) {
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
	case HUGETLBFS_MAGIC:
	case EXT4_SUPER_MAGIC:
	case XFS_MAGIC:
	case NFS_SUPER_MAGIC:
	case FUSE_MAGIC:
		return true;
	default:	/* Btrfs has a device for each subvolume */
		return false;
	}
}

/* Blocks that are larger than a page go as a whole. */
static unsigned long unit_of(const struct statfs *fs)
{
	unsigned long size = fs->f_bsize;

	if (fs->f_type == TMPFS_MAGIC || fs->f_type == HUGETLBFS_MAGIC ||
	    size < mmun_page_size || (size & (size - 1)))
		return mmun_page_size;
	return size;
}

static void know(struct file *f, const struct stat *st, const struct statfs *fs)
{
	f->inode = st->st_ino;
	f->major = (st->st_dev >> 8) & 0xfff;
	f->minor = (st->st_dev & 0xff) | ((st->st_dev >> 12) & 0xfff00);
	f->any_device = !fs || !tells_device(fs->f_type);
	f->any_inode = !fs || fs->f_type == OVERLAYFS_SUPER_MAGIC;
	f->unit = fs ? unit_of(fs) : mmun_page_size;
}

/* By descriptor, or without a path by that alone. */
struct place {
	int fd;
	const char *path;
};

static struct place place_of(const struct mmun_raw_event *ev)
{
	switch (ev->nr) {
	case SYS_ftruncate:
	case SYS_fallocate:
		return (struct place){ ev->arg[0], NULL };
	case SYS_openat:
		return (struct place){ ev->arg[0], (const char *)ev->arg[1] };
	default:
		return (struct place){ AT_FDCWD, (const char *)ev->arg[0] };
	}
}

static long stat_place(const struct place *p, struct stat *st)
{
	if (!p->path)
		return mmun_syscall(SYS_fstat, p->fd, st);
	return mmun_syscall(SYS_newfstatat, p->fd, p->path, st, 0);
}

/* statfs() knows no directory descriptor; the directory's file system is asked. */
static long statfs_place(const struct place *p, const struct stat *st,
			 struct statfs *fs)
{
	struct stat dir;

	if (!p->path)
		return mmun_syscall(SYS_fstatfs, p->fd, fs);
	if (p->fd == AT_FDCWD || *p->path == '/')
		return mmun_syscall(SYS_statfs, p->path, fs);
	if (mmun_syscall(SYS_fstat, p->fd, &dir) || dir.st_dev != st->st_dev)
		return -EXDEV;
	return mmun_syscall(SYS_fstatfs, p->fd, fs);
}

/* Errors for which the kernel refuses the call itself as well. */
static bool no_such_file(long err)
{
	return err == -EBADF || err == -ENOENT || err == -ENOTDIR ||
	       err == -EFAULT || err == -ENAMETOOLONG || err == -ELOOP ||
	       err == -EACCES;
}

/* -- the calls -- */

/* By a look at the arguments: an open() that cuts what is there? */
static bool open_cuts(unsigned long flags)
{
	unsigned long only_new = O_CREAT | O_EXCL;

	return (flags & O_TRUNC) && !(flags & O_PATH) &&
	       (flags & only_new) != only_new;
}

/* struct open_how begins with the flags; its rules for a path are its own. */
static bool openat2_cuts(const unsigned long *arg)
{
	uint64_t flags;

	return mmun_safe_read(&flags, (const void *)arg[2], sizeof(flags)) &&
	       open_cuts(flags);
}

/* Does this mode take pages away?  An unknown one may. */
static bool fallocate_takes(unsigned int mode)
{
	return mode & ~(unsigned int)(FALLOC_FL_KEEP_SIZE |
				      FALLOC_FL_UNSHARE_RANGE);
}

bool mmun_is_file_call(long nr)
{
	switch (nr) {
	case SYS_ftruncate:
	case SYS_truncate:
	case SYS_fallocate:
	case SYS_openat:
	case SYS_openat2:
#ifdef SYS_open
	case SYS_open:
	case SYS_creat:
#endif
		return true;
	default:
		return false;
	}
}

/* By a look at the arguments, may it take anything away? */
static bool may_take(const struct mmun_raw_event *ev)
{
	switch (ev->nr) {
	case SYS_ftruncate:
	case SYS_truncate:
		return (long)ev->arg[1] >= 0;
	case SYS_openat2:
		return openat2_cuts(ev->arg);
	case SYS_fallocate:
		return fallocate_takes(ev->arg[1]);
	case SYS_openat:
		return open_cuts(ev->arg[2]);
#ifdef SYS_open
	case SYS_open:
		return open_cuts(ev->arg[1]);
	case SYS_creat:
		return true;
#endif
	default:
		return false;
	}
}

static unsigned long new_size(const struct mmun_raw_event *ev)
{
	return ev->nr == SYS_ftruncate || ev->nr == SYS_truncate ?
		       ev->arg[1] : 0;
}

static void decode_fallocate(const struct file *f, const unsigned long *arg,
			     struct mmun_spans *s)
{
	unsigned long mode = arg[1], start = arg[2], len = arg[3], end;
	unsigned long moves = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;
	unsigned long unit = f->unit;

	if ((long)start < 0 || (long)len <= 0 || (long)(start + len) < 0)
		return;
	end = (start + len + unit - 1) & -unit;
	if (mode & moves)
		end = ULONG_MAX;
	add_part(f, start & -unit, end, s);
}

static void decode_call(const struct mmun_raw_event *ev, struct mmun_spans *s)
{
	struct place place = place_of(ev);
	struct statfs fs;
	struct stat st;
	struct file f;
	long err;

	if (ev->nr == SYS_openat2)
		return everything(s);
	err = stat_place(&place, &st);
	if (err && !no_such_file(err))
		everything(s);
	if (err || !S_ISREG(st.st_mode))
		return;
	know(&f, &st, statfs_place(&place, &st, &fs) ? NULL : &fs);
	if (ev->nr == SYS_fallocate)
		decode_fallocate(&f, ev->arg, s);
	else
		add_part(&f, mmun_page_up(new_size(ev)), ULONG_MAX, s);
}

bool mmun_decode_file(const struct mmun_raw_event *ev, struct mmun_spans *s)
{
	if (!mmun_has_listeners(&mmun_self) || !may_take(ev))
		return false;
	decode_call(ev, s);
	return true;
}

bool mmun_file_at_stake(const struct mmun_raw_event *ev)
{
	struct place place = place_of(ev);
	struct stat st;
	long err;

	if (!mmun_has_listeners(&mmun_self) || !may_take(ev))
		return false;
	if (ev->nr == SYS_openat2)
		return true;
	err = stat_place(&place, &st);
	if (err)
		return !no_such_file(err);
	return S_ISREG(st.st_mode) &&
	       mmun_page_up(st.st_size) > mmun_page_up(new_size(ev));
}

bool mmun_file_unchanged(int error)
{
	switch (error) {
	case EBADF:
	case EPERM:
	case EACCES:
	case EEXIST:
	case EROFS:
	case EISDIR:
	case ENOENT:
	case ENOTDIR:
	case ETXTBSY:
	case EMFILE:
	case ENFILE:
		return true;
	default:
		return false;
	}
}

/* -- the other mappings of what is mapped somewhere -- */

#define MAX_PIECES 4

struct pieces {
	unsigned long start;	/* the memory */
	unsigned long end;
	unsigned int n;
	struct {
		struct file file;
		unsigned long start;	/* bytes of the file */
		unsigned long end;
	} piece[MAX_PIECES];
};

static bool add_piece(const struct mmun_mapping *m, void *arg)
{
	struct pieces *p = arg;
	unsigned long from = m->start, to = m->end, n = p->n;

	if (from < p->start)
		from = p->start;
	if (to > p->end)
		to = p->end;
	if (from >= to || !m->inode)
		return m->start < p->end;
	p->n++;
	if (n == MAX_PIECES)
		return false;
	p->piece[n].file = (struct file){ .inode = m->inode,
					  .major = m->major,
					  .minor = m->minor };
	p->piece[n].start = from - m->start + m->offset;
	p->piece[n].end = to - m->start + m->offset;
	return true;
}

void mmun_decode_shared(unsigned long addr, unsigned long len,
			struct mmun_spans *s)
{
	struct pieces p = { .start = addr, .end = addr + len };
	bool lost;

	if (!mmun_has_listeners(&mmun_self))
		return;
	lost = mmun_each_mapping(add_piece, &p) || p.n > MAX_PIECES;
	for (unsigned int i = 0; !lost && i < p.n; i++) {
		struct part part = { &p.piece[i].file, p.piece[i].start,
				     p.piece[i].end, addr, addr + len, s };

		lost = mmun_each_mapping(add_overlap, &part);
	}
	if (lost)
		everything(s);
}
