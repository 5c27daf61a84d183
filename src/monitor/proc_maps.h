/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_PROC_MAPS_H
#define MMUN_MONITOR_PROC_MAPS_H
/*
 * The mappings of this process, from /proc/self/maps, and other small files of
 * /proc, without allocation or libc.
 *
 * Context: the event path, for the few calls whose arguments don't tell what
 * they change.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the kernel's own, such as [vdso], nobody takes pages away. */
enum mmun_mapping_kind {
	MMUN_MAPPING_ANON,	/* private memory; also [heap] and [stack] */
	MMUN_MAPPING_SHMEM,	/* memfd, shared anonymous memory, /dev/shm */
	MMUN_MAPPING_SYSV,	/* a System V shared memory segment */
	MMUN_MAPPING_HUGETLB,	/* huge pages without a file of a name */
	MMUN_MAPPING_FILE,	/* anything else that has a name */
	MMUN_MAPPING_SPECIAL,	/* [vdso], [vvar], [vsyscall] */
};

struct mmun_mapping {
	unsigned long start;
	unsigned long end;
	unsigned long offset;	/* of start, in bytes, in what is mapped */
	unsigned long inode;
	uint32_t major;		/* of the device that the inode is on */
	uint32_t minor;
	enum mmun_mapping_kind kind;
	bool writable;
	bool executable;
	bool shared;
	int maps;		/* where to ask for it again, meanwhile; or -1 */
};

/*
 * Call fn for each mapping in order, until it returns false.
 * Return: 0, or a negative errno when they cannot be read.
 */
int mmun_each_mapping(bool (*fn)(const struct mmun_mapping *m, void *arg),
		      void *arg);

/*
 * The same for those that overlap [start, end), at a cost that does not grow with
 * the others, where the kernel can be asked (Linux 6.11).
 */
int mmun_each_mapping_in(unsigned long start, unsigned long end,
			 bool (*fn)(const struct mmun_mapping *m, void *arg),
			 void *arg);

/*
 * Is it, of the same, one mapping, or part of one?  Context: in what
 * mmun_each_mapping_in() calls.
 */
bool mmun_mapping_stands(const struct mmun_mapping *m);

/* The first bytes of a file.  Return: how many, or a negative errno. */
long mmun_read_file(const char *path, char *text, size_t size);

#endif /* MMUN_MONITOR_PROC_MAPS_H */
