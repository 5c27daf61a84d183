/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_INIT_H
#define MMUN_KCOMPAT_LINUX_INIT_H
/*
 * Functions that run when a module is loaded, and when it goes
 * (linux/module.h).
 */
#include <linux/compiler.h>

#define __init
#define __exit
#define __initdata
#define __exitdata
#define __initconst
#define __ro_after_init
#define __read_mostly
#define __refdata
#define __ref
#define __meminit
#define __devinit

#include <linux/module.h>

#endif /* MMUN_KCOMPAT_LINUX_INIT_H */
