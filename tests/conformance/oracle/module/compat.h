/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MNORACLE_COMPAT_H
#define MNORACLE_COMPAT_H
/* What differs among the kernels that the module builds for, 5.10 to 7.2. */
#include <linux/version.h>

#define SINCE(major, minor) \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/* What the callbacks about young pages return. */
#if SINCE(7, 0)
typedef bool young_t;
#else
typedef int young_t;
#endif

/* Intervals whose callback has a second pass. */
#define HAVE_TWO_PASS SINCE(7, 0)

/* invalidate_range() has another name, and range_end() another argument. */
#define HAVE_SECONDARY_TLBS SINCE(6, 6)

#define HAVE_CHANGE_PTE !SINCE(6, 10)

#if SINCE(5, 14)
#define task_state_of(task) READ_ONCE((task)->__state)
#else
#define task_state_of(task) READ_ONCE((task)->state)
#endif

#endif /* MNORACLE_COMPAT_H */
