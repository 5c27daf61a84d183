/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_COMPILER_TYPES_H
#define MMUN_KCOMPAT_LINUX_COMPILER_TYPES_H
/* What sparse reads, and the compiler does not. */
#include <linux/kconfig.h>
#include <linux/compiler_attributes.h>

#define __user
#define __kernel
#define __iomem
#define __percpu
#define __rcu
#define __force
#define __nocast
#define __safe
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __must_not_hold(x)
#define __cond_acquires(x, ...)
#define __guarded_by(...)
#define __acquire(x) ((void)0)
#define __release(x) ((void)0)
#define __cond_lock(x, c) (c)
#define __private
#define ACCESS_PRIVATE(p, member) ((p)->member)
#define __chk_user_ptr(x) ((void)(x))

#define asmlinkage
#define notrace
#define __visible
#define __no_kcsan
#define __no_sanitize_address
#define randomized_struct_fields_start
#define randomized_struct_fields_end
#define __randomize_layout
#define __designated_init

#endif /* MMUN_KCOMPAT_LINUX_COMPILER_TYPES_H */
