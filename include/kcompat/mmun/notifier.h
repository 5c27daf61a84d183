/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_MMUN_NOTIFIER_H
#define MMUN_KCOMPAT_MMUN_NOTIFIER_H
/*
 * The library's notifiers, with callbacks about the accessed state that return
 * bool, as in Linux 7, or int, as before: what these members point to is not
 * checked here. The library takes what is returned for a bool: 0 or 1.
 *
 * A member in the library's header is "bool (*name)(arguments)", and becomes
 * that between two arrays without elements.
 */
#include <mmunotify/mm.h>
#include <mmunotify/err.h>

#define clear_flush_young						\
	mmun_none_1[0])(void); void *clear_flush_young; bool (*mmun_none_2[0]
#define clear_young							\
	mmun_none_3[0])(void); void *clear_young; bool (*mmun_none_4[0]
#define test_young							\
	mmun_none_5[0])(void); void *test_young; bool (*mmun_none_6[0]
#include <mmunotify/mmu_notifier.h>
#undef clear_flush_young
#undef clear_young
#undef test_young
#include <mmunotify/interval_notifier.h>

#endif /* MMUN_KCOMPAT_MMUN_NOTIFIER_H */
