/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MM_TYPES_H
#define MMUN_KCOMPAT_LINUX_MM_TYPES_H
/*
 * Address spaces, which are the library's, and what tests fill in: pages,
 * mappings.
 *
 * The frame number of a page is where its struct page is, as in a kernel that
 * has an array of those.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <mmun/mmap_tag.h>
#include <mmun/notifier.h>

struct page {
	unsigned long flags;		/* 1: dirty */
	atomic_t _refcount;
	void *mmun_memory;
	void *private;
} __attribute__((__aligned__(64)));

struct folio {
	struct page page;
};

struct file;
struct vm_operations_struct;

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	unsigned long vm_page_prot;
	unsigned long vm_pgoff;
	const struct vm_operations_struct *vm_ops;
	struct file *vm_file;
	void *vm_private_data;
};

typedef unsigned int vm_fault_t;

struct vm_fault {
	struct vm_area_struct *vma;
	gfp_t gfp_mask;
	pgoff_t pgoff;
	unsigned long address;
	unsigned int flags;
	struct page *page;
};

struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);
	void (*close)(struct vm_area_struct *vma);
	int (*may_split)(struct vm_area_struct *vma, unsigned long addr);
	vm_fault_t (*fault)(struct vm_fault *vmf);
	vm_fault_t (*huge_fault)(struct vm_fault *vmf, unsigned int order);
	vm_fault_t (*page_mkwrite)(struct vm_fault *vmf);
	int (*access)(struct vm_area_struct *vma, unsigned long addr,
		      void *buf, int len, int write);
	const char *(*name)(struct vm_area_struct *vma);
	struct page *(*find_special_page)(struct vm_area_struct *vma,
					  unsigned long addr);
};

#endif /* MMUN_KCOMPAT_LINUX_MM_TYPES_H */
