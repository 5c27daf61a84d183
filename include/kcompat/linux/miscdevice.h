/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MISCDEVICE_H
#define MMUN_KCOMPAT_LINUX_MISCDEVICE_H
/* Devices that the test opens by their operations. */
#include <linux/device.h>
#include <linux/fs.h>

#define MISC_DYNAMIC_MINOR 255

struct miscdevice {
	int minor;
	const char *name;
	const struct file_operations *fops;
	struct list_head list;
	struct device *parent;
	struct device *this_device;
	const char *nodename;
	umode_t mode;
};

static inline int misc_register(struct miscdevice *misc)
{
	(void)misc;
	return 0;
}

static inline void misc_deregister(struct miscdevice *misc)
{
	(void)misc;
}

#endif /* MMUN_KCOMPAT_LINUX_MISCDEVICE_H */
