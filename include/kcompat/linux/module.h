/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MODULE_H
#define MMUN_KCOMPAT_LINUX_MODULE_H
/*
 * Modules.  What module_init() and module_exit() name is put on lists before
 * main(); mmun_kcompat_init_modules() and mmun_kcompat_exit_modules() call it.
 */
#if __has_include_next(<linux/module.h>)
#include_next <linux/module.h>
#endif
#include <linux/init.h>
#include <linux/export.h>
#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/srcu.h>
#include <linux/stringify.h>

struct mmun_k_module {
	int (*init)(void);
	void (*exit)(void);
	struct mmun_k_module *next;
};

/* The first one first; the last one first. */
MMUN_K_SHARED struct mmun_k_module *mmun_k_inits;
MMUN_K_SHARED struct mmun_k_module *mmun_k_exits;

static inline void mmun_k_add_init(struct mmun_k_module *module)
{
	struct mmun_k_module **at = &mmun_k_inits;

	while (*at)
		at = &(*at)->next;
	*at = module;
}

static inline void mmun_k_add_exit(struct mmun_k_module *module)
{
	module->next = mmun_k_exits;
	mmun_k_exits = module;
}

#define module_init(fn)							\
static void __attribute__((__constructor__)) mmun_k_module_init(void)	\
{									\
	static struct mmun_k_module mmun_k_module = { .init = fn };	\
									\
	mmun_k_add_init(&mmun_k_module);				\
}									\
MMUN_K_NOTHING()
#define module_exit(fn)							\
static void __attribute__((__constructor__)) mmun_k_module_exit(void)	\
{									\
	static struct mmun_k_module mmun_k_module = { .exit = fn };	\
									\
	mmun_k_add_exit(&mmun_k_module);				\
}									\
MMUN_K_NOTHING()
#define device_initcall(fn) module_init(fn)
#define subsys_initcall(fn) module_init(fn)
#define late_initcall(fn) module_init(fn)
#define fs_initcall(fn) module_init(fn)
#define core_initcall(fn) module_init(fn)

#define MODULE_LICENSE(text) MMUN_K_NOTHING()
#define MODULE_AUTHOR(text) MMUN_K_NOTHING()
#define MODULE_DESCRIPTION(text) MMUN_K_NOTHING()
#define MODULE_VERSION(text) MMUN_K_NOTHING()
#define MODULE_ALIAS(text) MMUN_K_NOTHING()
#define MODULE_ALIAS_MISCDEV(minor) MMUN_K_NOTHING()
#define MODULE_SOFTDEP(text) MMUN_K_NOTHING()
#define MODULE_FIRMWARE(text) MMUN_K_NOTHING()
#define MODULE_IMPORT_NS(ns) MMUN_K_NOTHING()
#define MODULE_DEVICE_TABLE(type, name) MMUN_K_NOTHING()
#define MODULE_INFO(tag, text) MMUN_K_NOTHING()

#define try_module_get(module) ((void)(module), true)
#define __module_get(module) ((void)(module))
#define module_put(module) ((void)(module))
#define module_refcount(module) ((void)(module), 1)
#ifndef KBUILD_MODNAME
#define KBUILD_MODNAME "kcompat"
#endif

#endif /* MMUN_KCOMPAT_LINUX_MODULE_H */
