/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MIRROR_H
#define MIRROR_H
/* A device that mirrors a range of an address space: mirror.c. */
#include <linux/types.h>

struct mirror;

/*
 * Of @nr_pages of current->mm from @start on; an error pointer when it fails.
 */
struct mirror *mirror_create(unsigned long start, unsigned long nr_pages);
void mirror_destroy(struct mirror *mirror);

/* Mirror it all.  Return: 0 or a negative errno. */
int mirror_fault(struct mirror *mirror);

/*
 * What the device sees at @addr: its page's private; 0 when it is not mirrored.
 */
unsigned long mirror_look(struct mirror *mirror, unsigned long addr);

/* How often a mirror had to be made again. */
unsigned long mirror_retries(void);

#endif /* MIRROR_H */
