/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_KCONFIG_H
#define MMUN_KCOMPAT_LINUX_KCONFIG_H
/*
 * The configuration that drivers are compiled with.  Others: -DCONFIG_X=1.
 * Seen by every file that includes any of these headers.
 */
#define CONFIG_MMU 1
#define CONFIG_MMU_NOTIFIER 1
#define CONFIG_INTERVAL_TREE 1
#define CONFIG_SRCU 1
#define CONFIG_SMP 1
#if __SIZEOF_POINTER__ == 8
#define CONFIG_64BIT 1
#define BITS_PER_LONG 64
#else
#define CONFIG_32BIT 1
#define BITS_PER_LONG 32
#endif
#define BITS_PER_LONG_LONG 64

/* 1 for what is defined as 1, 0 for what is not: the argument moves by one. */
#define MMUN_K_ONE_1 0,
#define MMUN_K_THIRD(a, b, c, ...) c
#define MMUN_K_IS_ONE(x) MMUN_K_IS_ONE_(x)
#define MMUN_K_IS_ONE_(x) MMUN_K_IS_ONE__(MMUN_K_ONE_##x)
#define MMUN_K_IS_ONE__(maybe) MMUN_K_THIRD(maybe 0, 1, 0, 0)

#define IS_BUILTIN(option) MMUN_K_IS_ONE(option)
#define IS_MODULE(option) MMUN_K_IS_ONE(option##_MODULE)
#define IS_ENABLED(option) (IS_BUILTIN(option) || IS_MODULE(option))
#define IS_REACHABLE(option) IS_ENABLED(option)

#endif /* MMUN_KCOMPAT_LINUX_KCONFIG_H */
