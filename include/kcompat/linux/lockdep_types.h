/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_LOCKDEP_TYPES_H
#define MMUN_KCOMPAT_LINUX_LOCKDEP_TYPES_H
/* What a lock knows of who holds it. */
struct lock_class_key {
	char mmun_unused;
};

struct lockdep_map {
	const void *owner;	/* the thread that holds it for writing */
	int readers;
};

#endif /* MMUN_KCOMPAT_LINUX_LOCKDEP_TYPES_H */
