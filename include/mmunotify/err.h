/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_ERR_H
#define MMUNOTIFY_ERR_H
/**
 * DOC: error pointers
 *
 * The calls whose kernel signature returns a pointer report an error as the
 * kernel does: the last 4095 addresses of the address space, which no mapping
 * can occupy, stand for -1 to -4095.  Every other call returns 0 or a
 * negative errno; none of them sets errno.
 *
 * Context: any, a signal handler included.
 */

#include <stdbool.h>

#define MAX_ERRNO 4095

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ERR_PTR() - make an error pointer
 * @error: a negative errno, -1 to -MAX_ERRNO
 *
 * Return: the pointer that stands for @error.
 */
static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

/**
 * PTR_ERR() - the error inside an error pointer
 * @ptr: a pointer for which IS_ERR() holds
 *
 * Return: the negative errno.
 */
static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

/**
 * IS_ERR() - is this pointer an error?
 * @ptr: what a call returned
 *
 * Return: true for an error pointer; false for NULL and for real addresses.
 */
static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

/**
 * IS_ERR_OR_NULL() - is this pointer an error or NULL?
 * @ptr: what a call returned
 *
 * Return: true for an error pointer and for NULL.
 */
static inline bool IS_ERR_OR_NULL(const void *ptr)
{
	return !ptr || IS_ERR(ptr);
}

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_ERR_H */
