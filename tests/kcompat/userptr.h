/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef USERPTR_H
#define USERPTR_H
/* Objects made of the memory of users: userptr.c. */
#include <linux/types.h>

struct userptr;

/* An object of @nr_pages of current->mm; an error pointer when it fails. */
struct userptr *userptr_create(unsigned long start, unsigned long nr_pages);

/* Drop the caller's reference. */
void userptr_put(struct userptr *obj);

/* Have its pages pinned by the work queue, and wait.  Return: 0 or an errno. */
int userptr_pin(struct userptr *obj);

/* The private of the @n-th page; 0 when it is not pinned. */
unsigned long userptr_look(struct userptr *obj, unsigned long n);

/* How many objects there are, and how many address spaces they are of. */
int userptr_objects(void);
int userptr_mms(void);

#endif /* USERPTR_H */
