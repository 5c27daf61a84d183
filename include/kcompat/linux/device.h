/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_DEVICE_H
#define MMUN_KCOMPAT_LINUX_DEVICE_H
/* Devices, as far as they are named, and carry data. */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/dev_printk.h>

struct device_driver {
	const char *name;
	struct module *owner;
};

struct device {
	const char *init_name;
	struct device *parent;
	void *driver_data;
	void *platform_data;
	struct device_driver *driver;
	void (*release)(struct device *dev);
	dev_t devt;
};

static inline const char *dev_name(const struct device *dev)
{
	return dev && dev->init_name ? dev->init_name : "device";
}

static inline void *dev_get_drvdata(const struct device *dev)
{
	return dev->driver_data;
}

static inline void dev_set_drvdata(struct device *dev, void *data)
{
	dev->driver_data = data;
}

#define dev_to_node(dev) ((void)(dev), 0)

#endif /* MMUN_KCOMPAT_LINUX_DEVICE_H */
