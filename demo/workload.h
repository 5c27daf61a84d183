/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef DEMO_WORKLOAD_H
#define DEMO_WORKLOAD_H

#include "reader.h"

#define WORK_BLOCK (128UL << 10) /* bytes in one read */
#define WORK_FILE_BLOCKS 192
#define WORK_READS 8000
#define WORK_FREE_EVERY 5 /* reads */

struct result {
	unsigned long reads, wrong_reads, wrong_bytes;
	double seconds;
};

/* An unlinked temporary file in which every word tells its offset, or -errno */
int workload_file(void);

/* Return: 0 or the negative errno of a read that failed. */
int workload_run(struct reader *reader, int fd, struct result *ret_result);

#endif /* DEMO_WORKLOAD_H */
