/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_SOURCES_H
#define MMUN_MONITOR_SOURCES_H
/*
 * All sources as one.  monitor.c calls these under its lock, but resolve.
 */

#include "monitor/monitor_ops.h"

/* Return: 0, or -EINVAL. */
int mmun_sources_select(const char *list);
void mmun_sources_resolve(void);
/*
 * Start those that are chosen and do not run.
 * Return: 0; -ENOMEM when one may start later; -EOPNOTSUPP when one that is named
 * cannot be had; -EINVAL for a list in the environment that makes no sense.
 */
int mmun_sources_start(void);
void mmun_sources_fork_child(void);
/* Are they started?  Context: any.  In monitor.c. */
bool mmun_monitors_run(void);
int mmun_sources_entry(size_t index, struct mmun_entry_info *ret_info);

#endif /* MMUN_MONITOR_SOURCES_H */
