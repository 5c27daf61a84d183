/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_WATCH_H
#define MMUN_MONITOR_WATCH_H
/*
 * Who is interested in which part of mm_self().
 *
 * Context: not the event path.
 */

#include <stdbool.h>

/* Does any watch overlap [start, end)? */
bool mmun_is_watched(unsigned long start, unsigned long end);

/* The sources have started, perhaps in a fork()ed child: tell them of all watches. */
void mmun_watch_started(void);

/* fork() takes and gives back the lock here. */
void mmun_watch_fork_prepare(void);
void mmun_watch_fork_done(void);

#endif /* MMUN_MONITOR_WATCH_H */
