/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CONTAINER_OF_H
#define MMUN_KCOMPAT_LINUX_CONTAINER_OF_H
/* From a member to what it is a member of. */
#include <linux/stddef.h>

#undef container_of
#define container_of(ptr, type, member)					\
	({								\
		_Static_assert(__same_type(*(ptr),			\
					   ((type *)0)->member) ||	\
			       __same_type(*(ptr), void),		\
			       "the pointer is to the member");		\
		(type *)((char *)(ptr) - offsetof(type, member));	\
	})
#define container_of_const(ptr, type, member)				\
	_Generic(ptr,							\
		 const typeof(*(ptr)) *:				\
			 (const type *)container_of(ptr, type, member), \
		 default: container_of(ptr, type, member))
#define typeof_member(type, member) typeof(((type *)0)->member)

#endif /* MMUN_KCOMPAT_LINUX_CONTAINER_OF_H */
