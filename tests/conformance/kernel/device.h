/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_DEVICE_H
#define CONFORMANCE_DEVICE_H
/* /dev/mnoracle: ../oracle/module has what it understands. */
#include <stdbool.h>
#include <stddef.h>

/* Return: is the module there? */
bool device_open(void);
/* Return: 0 or a negative errno.  rN+K become numbers. */
long device_command(const char *line);
/* Call @line with each line of trace that is new. */
void device_drain(void (*line)(char *text));

/* -- waiting for the kernel, instead of for time to pass -- */

/* Until the thread has nothing to do, or is blocked by the scenario. */
void wait_for_thread(int tid);
/* Until each free_notifier that is to come has been. */
void wait_for_frees(void);

#endif /* CONFORMANCE_DEVICE_H */
