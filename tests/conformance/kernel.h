/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_KERNEL_H
#define CONFORMANCE_KERNEL_H
/* What the runner does itself when the back end is a kernel. */
#include <sys/types.h>

/* Open the module's device, or end the program. */
void kernel_open(void);
void kernel_pause(unsigned int ms);
/* S, in a process that is executed anew.  Return: its pid. */
pid_t kernel_start_subject(int *ret_fd);
int kernel_subject_main(int fd);
/* A command of the parent's, about the S with this pid. */
long kernel_run_parent(const char *line, pid_t pid);

#endif /* CONFORMANCE_KERNEL_H */
