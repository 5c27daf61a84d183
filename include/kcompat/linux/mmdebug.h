/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MMDEBUG_H
#define MMUN_KCOMPAT_LINUX_MMDEBUG_H
/* Checks of memory management. */
#include <linux/bug.h>

#define VM_BUG_ON(condition) BUG_ON(condition)
#define VM_BUG_ON_PAGE(condition, page) BUG_ON(condition)
#define VM_BUG_ON_VMA(condition, vma) BUG_ON(condition)
#define VM_BUG_ON_MM(condition, mm) BUG_ON(condition)
#define VM_WARN_ON(condition) ((void)WARN_ON(condition))
#define VM_WARN_ON_ONCE(condition) ((void)WARN_ON_ONCE(condition))
#define VM_WARN_ONCE(condition, ...) ((void)WARN_ONCE(condition, __VA_ARGS__))

#endif /* MMUN_KCOMPAT_LINUX_MMDEBUG_H */
