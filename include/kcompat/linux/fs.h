/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_FS_H
#define MMUN_KCOMPAT_LINUX_FS_H
/* Open files, as far as a character device fills in what is called for them. */
#if __has_include_next(<linux/fs.h>)
#include_next <linux/fs.h>
#endif
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#define FMODE_READ 1u
#define FMODE_WRITE 2u

struct inode {
	void *i_private;
	dev_t i_rdev;
	loff_t i_size;
};

struct address_space {
	struct inode *host;
};

struct file {
	void *private_data;
	unsigned int f_flags;
	fmode_t f_mode;
	loff_t f_pos;
	struct inode *f_inode;
	struct address_space *f_mapping;
	const struct file_operations *f_op;
};

struct poll_table_struct;

struct file_operations {
	struct module *owner;
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
	ssize_t (*read)(struct file *file, char __user *to, size_t len,
			loff_t *pos);
	ssize_t (*write)(struct file *file, const char __user *from, size_t len,
			 loff_t *pos);
	unsigned int (*poll)(struct file *file, struct poll_table_struct *wait);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd,
			       unsigned long arg);
	long (*compat_ioctl)(struct file *file, unsigned int cmd,
			     unsigned long arg);
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	int (*open)(struct inode *inode, struct file *file);
	int (*flush)(struct file *file, void *id);
	int (*release)(struct inode *inode, struct file *file);
	int (*fasync)(int fd, struct file *file, int on);
	unsigned long (*get_unmapped_area)(struct file *file,
					   unsigned long addr,
					   unsigned long len,
					   unsigned long pgoff,
					   unsigned long flags);
};

#define file_inode(file) ((file)->f_inode)
#define compat_ptr_ioctl NULL

static inline loff_t noop_llseek(struct file *file, loff_t offset, int whence)
{
	(void)offset;
	(void)whence;
	return file->f_pos;
}

static inline loff_t no_llseek(struct file *file, loff_t offset, int whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	return -29;			/* -ESPIPE */
}

#endif /* MMUN_KCOMPAT_LINUX_FS_H */
