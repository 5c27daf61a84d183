/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_HEIR_SHARED_H
#define MMUN_MONITOR_HEIR_SHARED_H
/*
 * Between the process and its heir: the calls that it has been handed.  The kernel
 * writes them into this memory, so that none is lost with the process.
 */
#include <linux/seccomp.h>
#include <stdbool.h>

#define MMUN_NR_CALLS 1024	/* threads that wait; further ones wait longer */

/* Newer kernels may have more to say: the sizes are asked for. */
#define MMUN_NOTIF_ROOM 128
#define MMUN_RESP_ROOM 64

struct mmun_stopped_call {
	union {
		struct seccomp_notif notif;
		char room[MMUN_NOTIF_ROOM];
	};
	union {
		struct seccomp_notif_resp resp;
		char resp_room[MMUN_RESP_ROOM];
	};
	bool own;	/* a thread of ours, no child that shares our memory */
};

#define MMUN_CALLS_SIZE (MMUN_NR_CALLS * sizeof(struct mmun_stopped_call))

#endif /* MMUN_MONITOR_HEIR_SHARED_H */
