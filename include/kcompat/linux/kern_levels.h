/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_KERN_LEVELS_H
#define MMUN_KCOMPAT_LINUX_KERN_LEVELS_H
/* What comes before a message: nothing, here. */
#define KERN_SOH ""
#define KERN_EMERG ""
#define KERN_ALERT ""
#define KERN_CRIT ""
#define KERN_ERR ""
#define KERN_WARNING ""
#define KERN_NOTICE ""
#define KERN_INFO ""
#define KERN_DEBUG ""
#define KERN_DEFAULT ""
#define KERN_CONT ""

#endif /* MMUN_KCOMPAT_LINUX_KERN_LEVELS_H */
