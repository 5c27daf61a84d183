/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_EXPORT_H
#define MMUN_KCOMPAT_LINUX_EXPORT_H
/* Everything is visible to whom the linker lets see it. */
#define MMUN_K_NOTHING(...) _Static_assert(1, "")
#define EXPORT_SYMBOL(symbol) MMUN_K_NOTHING()
#define EXPORT_SYMBOL_GPL(symbol) MMUN_K_NOTHING()
#define EXPORT_SYMBOL_NS(symbol, ns) MMUN_K_NOTHING()
#define EXPORT_SYMBOL_NS_GPL(symbol, ns) MMUN_K_NOTHING()
#define EXPORT_SYMBOL_FOR_MODULES(symbol, modules) MMUN_K_NOTHING()

struct module {
	const char *name;
};

#ifndef THIS_MODULE
#define THIS_MODULE ((struct module *)0)
#endif

#endif /* MMUN_KCOMPAT_LINUX_EXPORT_H */
