/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_POISON_H
#define MMUN_KCOMPAT_LINUX_POISON_H
/* What is in the pointers of what was taken off a list. */
#define LIST_POISON1 ((void *)0xdead000000000100UL)
#define LIST_POISON2 ((void *)0xdead000000000122UL)

#endif /* MMUN_KCOMPAT_LINUX_POISON_H */
