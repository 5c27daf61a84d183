/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_ENTRIES_H
#define MMUN_MONITOR_ENTRIES_H
/*
 * What others may ask of the source "entries".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Look whether the patches still stand, and chain again to whoever has patched
 * over them.  Never waits: who comes while another is at it has him look again.
 * Context: any; no allocation.
 */
void mmun_entries_recheck(void);

/* A patched function, whose system calls are made by way of its hook only. */
struct mmun_text {
	uintptr_t start;
	uintptr_t end;
	long nr;	/* of the system call; -1: any */
};

/* Is an entry patched by somebody else now, who may make calls behind our back? */
bool mmun_entries_are_bypassed(void);

/*
 * Those whose calls all come by way of us.  Fill in at most @max.  Context: once started; not in a callback.
 * Return: how many there are.
 */
size_t mmun_entries_text(struct mmun_text *text, size_t max);

#endif /* MMUN_MONITOR_ENTRIES_H */
