/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_STDDEF_H
#define MMUN_KCOMPAT_LINUX_STDDEF_H
/* offsetof() and what goes with it. */
#if __has_include_next(<linux/stddef.h>)
#include_next <linux/stddef.h>
#endif
#include <stddef.h>
#include <stdbool.h>
#include <linux/compiler.h>

#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof_field(type, member))

#endif /* MMUN_KCOMPAT_LINUX_STDDEF_H */
