/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_STRINGIFY_H
#define MMUN_KCOMPAT_LINUX_STRINGIFY_H
/* A word as a string. */
#define __stringify_1(...) #__VA_ARGS__
#define __stringify(...) __stringify_1(__VA_ARGS__)

#endif /* MMUN_KCOMPAT_LINUX_STRINGIFY_H */
