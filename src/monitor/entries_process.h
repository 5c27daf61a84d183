/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_ENTRIES_PROCESS_H
#define MMUN_MONITOR_ENTRIES_PROCESS_H
/*
 * Calls that make, replace and end processes.
 */

#include <stdbool.h>
#include <sys/syscall.h>

#include "monitor/decode.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/* By its number, is it one that mmun_process_call() is to know of? */
static inline bool mmun_is_process_call(long nr)
{
	switch (nr) {
	case SYS_execve:
	case SYS_execveat:
	case SYS_exit_group:
	case SYS_clone:
	case SYS_clone3:
#ifdef SYS_vfork
	case SYS_vfork:
#endif
		return true;
	default:
		return false;
	}
}

/*
 * It is about to be made.  Return: is it an event, which is to be bracketed?
 * Context: any; in a child that borrows our memory, too.
 */
bool mmun_process_call(const struct mmun_raw_event *ev);

/* In a child by fork(), and at the start: this process is the one. */
void mmun_process_is_own(void);

#endif /* MMUN_MONITOR_ENTRIES_PROCESS_H */
