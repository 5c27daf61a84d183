// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * In the kernel, before a system call returns: is it one of ours, that may have
 * changed mappings?  Then write it down.
 *
 * There is no program at the entry: what it could say would come too late for
 * the call to wait for it, and the arguments still stand in the saved registers
 * at the end, where only those that change nothing are known already.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <asm/unistd.h>
#include <bpf/bpf_helpers.h>

#include "shared.h"

/* linux/mman.h and linux/fcntl.h drag in more than there is for this target. */
#define MAP_FIXED 0x10
#define MAP_FIXED_NOREPLACE 0x100000
#define SHM_REMAP 040000
#define O_TRUNC 01000
#define FALLOC_FL_KEEP_SIZE 1
#define MAX_IOVECS 16

char program_license[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct mmun_bpf_shared);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MMUN_BPF_RING_SIZE);
} ring SEC(".maps");

/* -- registers: user space's, as the kernel saves them -- */

#if defined(__x86_64__)
struct saved {
	struct pt_regs regs;
};
#define SAVED_NR regs.orig_rax
#define PC(s) ((s)->regs.rip)
#define ARG0(s) ((s)->regs.rdi)
#define ARG1(s) ((s)->regs.rsi)
#define ARG2(s) ((s)->regs.rdx)
#define ARG3(s) ((s)->regs.r10)
#define ARG4(s) ((s)->regs.r8)
#define ARG5(s) ((s)->regs.r9)
#elif defined(__aarch64__)
struct saved {
	struct user_pt_regs regs;
	__u64 orig_x0;
};
#define SAVED_NR regs.regs[8]
#define PC(s) ((s)->regs.pc)
#define ARG0(s) ((s)->orig_x0)
#define ARG1(s) ((s)->regs.regs[1])
#define ARG2(s) ((s)->regs.regs[2])
#define ARG3(s) ((s)->regs.regs[3])
#define ARG4(s) ((s)->regs.regs[4])
#define ARG5(s) ((s)->regs.regs[5])
#endif

/* -- which calls -- */

static __always_inline int is_watched(__u64 nr)
{
	switch (nr) {
	case __NR_munmap:
	case __NR_mmap:
	case __NR_mremap:
	case __NR_madvise:
	case __NR_process_madvise:
	case __NR_mprotect:
	case __NR_pkey_mprotect:
	case __NR_brk:
	case __NR_shmat:
	case __NR_shmdt:
	case __NR_remap_file_pages:
	case __NR_truncate:
	case __NR_ftruncate:
	case __NR_fallocate:
	case __NR_openat:
	case __NR_openat2:
#ifdef __NR_open
	case __NR_open:
	case __NR_creat:
#endif
		return 1;
	default:
		return 0;
	}
}

static __always_inline int is_ours(const struct mmun_bpf_shared *with)
{
	struct bpf_pidns_info me;

	return !bpf_get_ns_current_pid_tgid(with->ns_dev, with->ns_ino, &me,
					    sizeof(me)) &&
	       me.tgid == with->tgid;
}

/* The flags lie in memory that may have changed since: if not readable, assume. */
static __always_inline int openat2_truncates(__u64 how)
{
	__u64 flags;

	return bpf_probe_read_user(&flags, sizeof(flags), (void *)how) ||
	       (flags & O_TRUNC);
}

/* By its arguments and result: can it have changed anything? */
static __always_inline int is_event(__u64 nr, const struct saved *s, long ret)
{
	switch (nr) {
	case __NR_mmap:
		return (ARG3(s) & MAP_FIXED) && !(ARG3(s) & MAP_FIXED_NOREPLACE);
	case __NR_brk:
		return ARG0(s) != 0;
	case __NR_shmat:
		return !!(ARG2(s) & SHM_REMAP);
	case __NR_fallocate:
		return !!((__u32)ARG1(s) & ~FALLOC_FL_KEEP_SIZE);
	case __NR_openat:
		return ret >= 0 && (ARG2(s) & O_TRUNC);
	case __NR_openat2:
		return ret >= 0 && openat2_truncates(ARG2(s));
#ifdef __NR_open
	case __NR_open:
		return ret >= 0 && (ARG1(s) & O_TRUNC);
	case __NR_creat:
		return ret >= 0;
#endif
	default:
		return 1;
	}
}

#define ANY_CALL ((__u64)-1)

static __always_inline int is_told(const struct mmun_bpf_shared *with, __u64 nr,
				   __u64 pc)
{
	for (__u32 i = 0; i < MMUN_BPF_MAX_TEXTS && i < with->nr_texts; i++)
		if ((nr == with->text[i].nr || with->text[i].nr == ANY_CALL) &&
		    pc >= with->text[i].start && pc <= with->text[i].end)
			return 1;
	return 0;
}

/* -- writing it down -- */

/*
 * When there is no place, the loss is counted first and a place looked for
 * again: either there is one now, and the record wakes the reader, or it still
 * has records to read, and looks at the count after these.  (Where adding is no
 * fence, as on aarch64, it may look too early: then it is told with the next
 * call, or to the first who settles.)
 */
static __always_inline struct mmun_bpf_record *
reserve(struct mmun_bpf_shared *with)
{
	struct mmun_bpf_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (r)
		return r;
	__sync_fetch_and_add(&with->lost, 1);
	return bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
}

static __always_inline void record(struct mmun_bpf_shared *with, __u64 nr,
				   const struct saved *s, long ret, int told)
{
	struct mmun_bpf_record *r = reserve(with);

	if (!r)
		return;
	r->nr = nr;
	r->arg[0] = ARG0(s);
	r->arg[1] = ARG1(s);
	r->arg[2] = ARG2(s);
	r->arg[3] = ARG3(s);
	r->arg[4] = ARG4(s);
	r->arg[5] = ARG5(s);
	r->ret = ret;
	r->told = told;
	bpf_ringbuf_submit(r, 0);
}

struct iovec_pair {
	__u64 base;
	__u64 len;
};

/*
 * The ranges lie in the caller's memory, which will be used for something else
 * when this is read: one madvise() for each.
 */
static __always_inline void record_each(struct mmun_bpf_shared *with,
					struct saved *s, long ret)
{
	__u64 iov = ARG1(s), n = ARG2(s), advice = ARG3(s);
	struct iovec_pair pair;

	if (n > MAX_IOVECS)
		__sync_fetch_and_add(&with->lost, 1);
	for (__u32 i = 0; i < MAX_IOVECS && i < n; i++) {
		if (bpf_probe_read_user(&pair, sizeof(pair),
					(void *)(iov + i * sizeof(pair))))
			__sync_fetch_and_add(&with->lost, 1);
		ARG0(s) = pair.base;
		ARG1(s) = pair.len;
		ARG2(s) = advice;
		record(with, __NR_madvise, s, ret, 0);
	}
}

SEC("raw_tp/sys_exit")
int mmun_returned(struct bpf_raw_tracepoint_args *ctx)
{
	const struct saved *regs = (const struct saved *)ctx->args[0];
	long ret = ctx->args[1];
	struct mmun_bpf_shared *with;
	struct saved s;
	__u32 key = 0;
	__u64 nr;
	int told;

	if (bpf_probe_read_kernel(&nr, sizeof(nr), &regs->SAVED_NR) ||
	    !is_watched(nr))
		return 0;
	with = bpf_map_lookup_elem(&shared, &key);
	if (!with || !is_ours(with) ||
	    bpf_probe_read_kernel(&s, sizeof(s), regs) || !is_event(nr, &s, ret))
		return 0;
	told = is_told(with, nr, PC(&s));
	if (nr == __NR_process_madvise && !told)
		record_each(with, &s, ret);
	else if (nr == __NR_brk || !told)
		record(with, nr, &s, ret, told);
	return 0;
}
