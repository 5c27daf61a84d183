/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_TYPECHECK_H
#define MMUN_KCOMPAT_LINUX_TYPECHECK_H
/* Is it of that type? */
#include <linux/compiler.h>

#define typecheck(type, x) \
	({ _Static_assert(__same_type(type, typeof(x)), #x " is " #type); 1; })

#endif /* MMUN_KCOMPAT_LINUX_TYPECHECK_H */
