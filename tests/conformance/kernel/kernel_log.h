/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_KERNEL_LOG_H
#define CONFORMANCE_KERNEL_LOG_H
/* What the kernel has said in a scenario, of notifiers and of what is wrong. */

void kernel_log_open(void);
/* Print the lines that are new, "    [kmsg] LINE". */
void print_kernel_log(void);

#endif /* CONFORMANCE_KERNEL_LOG_H */
