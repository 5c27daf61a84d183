/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONTEXT_H
#define CONTEXT_H
/* A device with a translation cache for each address space: context.c. */
#include <linux/types.h>

struct context;

/* The context of current->mm, which all who open it share. */
struct context *context_open(void);
void context_close(struct context *ctx);

/* Make the device's translation of @addr.  Return: 0 or a negative errno. */
int context_fault(struct context *ctx, unsigned long addr);

/*
 * What the device sees at @addr: its page's private; 0 without a translation.
 */
unsigned long context_look(struct context *ctx, unsigned long addr);

/* How many contexts there are. */
int context_count(void);

#endif /* CONTEXT_H */
