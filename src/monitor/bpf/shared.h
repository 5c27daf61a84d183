/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_BPF_SHARED_H
#define MMUN_MONITOR_BPF_SHARED_H
/* What the program in the kernel and the library say to each other. */

#include <linux/types.h>

#define MMUN_BPF_RING_SIZE (256 << 10)
#define MMUN_BPF_MAX_TEXTS 64

/* Calls of @nr, or of any for -1, from [start, end) are told by somebody else. */
struct mmun_bpf_text {
	__u64 start;
	__u64 end;
	__u64 nr;
};

/* One, mapped by the library, which fills in all but @lost before it attaches. */
struct mmun_bpf_shared {
	__u64 lost;		/* records that found no place in the ring */
	__u64 ns_dev;		/* of the process's PID namespace, */
	__u64 ns_ino;
	__u32 tgid;		/* ... and its number there */
	__u32 nr_texts;
	struct mmun_bpf_text text[MMUN_BPF_MAX_TEXTS];
};

/* A system call that has been made, and is about to return. */
struct mmun_bpf_record {
	__u64 nr;
	__u64 arg[6];
	__s64 ret;
	__u64 told;		/* by somebody else: know it, but don't tell */
};

#endif /* MMUN_MONITOR_BPF_SHARED_H */
