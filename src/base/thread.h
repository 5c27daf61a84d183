/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_THREAD_H
#define MMUN_BASE_THREAD_H
/*
 * Threads of the library's own.
 *
 * The program's signals are not for them.  Open are those that libc sends itself,
 * for it waits until each thread has changed its user, or is cancelled; and those
 * of an instruction that fails, which would else kill past the program's handler.
 */

#include <pthread.h>
#include <stdint.h>

/*
 * Start one, with these signals open besides.
 * Context: sleeps, allocates; signals blocked or not.  Return: 0 or -ENOMEM.
 */
int mmun_start_thread(pthread_t *ret_thread, void *(*fn)(void *arg), void *arg,
		      uint64_t open_signals);

#endif /* MMUN_BASE_THREAD_H */
