/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_MONITOR_H
#define MMUNOTIFY_MONITOR_H
/**
 * DOC: monitors
 *
 * A monitor is a source of events for mm_self().  Monitors start by
 * themselves when the first notifier registers on mm_self(); these calls say
 * what came of it.
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mmun_entry_info - what became of one watched entry point
 * @monitor: the source, "entries"
 * @name: the entry point, "munmap"
 * @how: in words, how it is watched, or why it is not; static
 * @error: 0, or the negative errno of the refusal
 * @reports: the self-test saw an event of this entry arrive
 */
struct mmun_entry_info {
	const char *monitor;
	const char *name;
	const char *how;
	int error;
	bool reports;
};

/**
 * mmun_monitor_start() - start the monitors now
 *
 * What the first registration on mm_self() does.  Once they run they never
 * stop, and the library stays in memory.
 *
 * Context: sleeps, allocates; not in a callback or signal handler.
 * Return: 0; -EOPNOTSUPP when the process cannot be watched here, for good;
 *         -ENOMEM when it could not be this time.  mmun_monitor_entry() has the
 *         reasons.
 */
int mmun_monitor_start(void);

/**
 * mmun_monitor_entry() - ask about one watched entry point
 * @index: from 0 on
 * @ret_info: what became of it; untouched on error
 *
 * Context: any but a signal handler.
 * Return: 0, -ENOENT past the last one, -EINVAL without @ret_info, -EAGAIN
 *         before the first attempt to start the monitors.
 */
int mmun_monitor_entry(size_t index, struct mmun_entry_info *ret_info);

/**
 * mmun_srcu_flavor() - how read sections are implemented in this process
 *
 * Context: any.
 * Return: "rseq+membarrier", or "atomic" where one of the two is missing
 *         (an old kernel or C library, valgrind, an emulator); static.
 */
const char *mmun_srcu_flavor(void);

/**
 * mmun_set_warn_handler() - where warnings about misuse go
 * @handler: called with one line, without a newline; NULL for the default,
 *	which writes it to standard error in one write(2)
 *
 * Each kind of misuse warns once in a process.  The handler may be called
 * from inside free(), or in a signal handler: it must not allocate, nor use
 * stdio.
 *
 * Context: any.
 */
void mmun_set_warn_handler(void (*handler)(const char *line));

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_MONITOR_H */
