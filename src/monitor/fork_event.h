/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_FORK_EVENT_H
#define MMUN_MONITOR_FORK_EVENT_H
/*
 * What fork() does to the memory of the parent.
 *
 * Context: fork handlers, the calls in pairs, under the lock of monitor.c.
 */

void mmun_fork_event_start(void);
/* In the parent; in the child they are over, as are all that it did not start. */
void mmun_fork_event_end(void);

#endif /* MMUN_MONITOR_FORK_EVENT_H */
