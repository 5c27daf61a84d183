/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_BPF_H
#define MMUN_MONITOR_BPF_H
/*
 * The parts of the source "bpf":
 *
 *	bpf/syscalls.bpf.c	in the kernel: calls that return, into a ring
 *	bpf_load.c		brings it there, through libbpf
 *	bpf_ring.c		reads the ring
 *	bpf_tell.c		from a call that was made to ranges
 *	bpf.c			the threads, and the source itself
 */

#include <stdbool.h>
#include <stdint.h>

#include "monitor/bpf/shared.h"

/* -- bpf_load.c -- */

/* Descriptors of this process, high ones that exec closes. */
struct mmun_bpf_fds {
	int attached;	/* the program runs as long as this is open */
	int ring;
};

/* Find libbpf.  Context: may take the dynamic linker's lock. */
void mmun_bpf_resolve(void);

/*
 * Load, map (mmun_bpf_shared, and the ring) and attach.  Context: allocates.
 * Return: 0, or a negative errno with the reason in *why.
 */
int mmun_bpf_load(struct mmun_bpf_fds *ret_fds, const char **why);
void mmun_bpf_close(struct mmun_bpf_fds *fds);
void mmun_bpf_unmap(void);
/* The mappings are the parent's only. */
void mmun_bpf_fork_child(void);

/* The map that both sides write; NULL before it is loaded. */
extern struct mmun_bpf_shared *mmun_bpf_shared
	__attribute__((visibility("hidden")));

/* -- bpf_ring.c: one reader -- */

/* Return: 0, or a negative errno. */
int mmun_bpf_ring_map(int fd);
void mmun_bpf_ring_unmap(void);
void mmun_bpf_ring_fork_child(void);
/* How far the kernel has written.  Context: any. */
uint64_t mmun_bpf_ring_written(void);
/* The reader's own position. */
uint64_t mmun_bpf_ring_read(void);
/* Take the next record, if there is one that is complete. */
bool mmun_bpf_ring_next(struct mmun_bpf_record *ret_record);

/* -- bpf_tell.c.  Context: the thread that tells; calls subscribers -- */

void mmun_bpf_tell_init(void);
/* @quiet: keep account, but don't tell: everything will be told. */
void mmun_bpf_tell(const struct mmun_bpf_record *r, bool quiet);
void mmun_bpf_tell_everything(void);

#endif /* MMUN_MONITOR_BPF_H */
