/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_UACCESS_H
#define MMUN_KCOMPAT_LINUX_UACCESS_H
/* The user's memory is ours. */
#include <linux/compiler.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/types.h>

#define access_ok(...) 1

static inline unsigned long __must_check
copy_from_user(void *to, const void __user *from, unsigned long len)
{
	memcpy(to, from, len);
	return 0;
}

static inline unsigned long __must_check
copy_to_user(void __user *to, const void *from, unsigned long len)
{
	memcpy(to, from, len);
	return 0;
}

static inline unsigned long __must_check
clear_user(void __user *to, unsigned long len)
{
	memset(to, 0, len);
	return 0;
}

#define __copy_from_user(to, from, len) copy_from_user(to, from, len)
#define __copy_to_user(to, from, len) copy_to_user(to, from, len)
#define get_user(to, from) ({ (to) = *(from); 0; })
#define put_user(value, to) ({ *(to) = (value); 0; })
#define pagefault_disable() preempt_disable()
#define pagefault_enable() preempt_enable()

#endif /* MMUN_KCOMPAT_LINUX_UACCESS_H */
