/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MODULEPARAM_H
#define MMUN_KCOMPAT_LINUX_MODULEPARAM_H
/* Parameters keep their values; a test sets them where it can see them. */
#include <linux/compiler.h>
#include <linux/export.h>

#define module_param_named(name, variable, type, mode) \
	static void *mmun_k_param_##name __maybe_unused = (void *)&(variable)
#define module_param(variable, type, mode) \
	module_param_named(variable, variable, type, mode)
#define module_param_unsafe(variable, type, mode) \
	module_param(variable, type, mode)
#define module_param_array(variable, type, n, mode) \
	module_param(variable, type, mode)
#define module_param_string(name, text, len, mode) \
	module_param_named(name, text, charp, mode)
#define MODULE_PARM_DESC(variable, text) MMUN_K_NOTHING()

#endif /* MMUN_KCOMPAT_LINUX_MODULEPARAM_H */
