/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_VMALLOC_H
#define MMUN_KCOMPAT_LINUX_VMALLOC_H
/* Large memory: malloc() too. */
#include <linux/slab.h>

#define vmalloc(size) kmalloc(size, GFP_KERNEL)
#define vzalloc(size) kzalloc(size, GFP_KERNEL)
#define vmalloc_user(size) kzalloc(size, GFP_KERNEL)
#define vcalloc(n, size) kcalloc(n, size, GFP_KERNEL)
#define vmalloc_array(n, size) kmalloc_array(n, size, GFP_KERNEL)
#define vfree(p) kfree(p)
#define is_vmalloc_addr(p) ((void)(p), 0)

#endif /* MMUN_KCOMPAT_LINUX_VMALLOC_H */
