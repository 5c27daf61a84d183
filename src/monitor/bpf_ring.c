// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's ring of records, read where it is mapped: without an allocation,
 * which libbpf's reader does not promise.
 *
 * Two counters of bytes, each on a page of its own, the reader's and the
 * writers', then the data, mapped twice in a row so that no record is split.  A
 * record's place is taken first, and its header says busy until it is complete.
 *
 * No child of fork() has these mappings.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/bpf.h>

#include "base/atomic.h"
#include "base/syscall.h"
#include "monitor/bpf.h"
#include "monitor/decode.h"

#define HEADER 8

static struct {
	uint64_t *read;
	uint64_t *written;
	const char *data;
} ring;

static void *map(int fd, size_t size, int prot, size_t at)
{
	long addr = mmun_syscall(SYS_mmap, NULL, size, prot, MAP_SHARED, fd, at);

	if (addr < 0)
		return NULL;
	mmun_syscall(SYS_madvise, addr, size, MADV_DONTFORK);
	return (void *)addr;
}

int mmun_bpf_ring_map(int fd)
{
	size_t page = mmun_page_size;

	ring.read = map(fd, page, PROT_READ | PROT_WRITE, 0);
	ring.written = map(fd, page + 2 * MMUN_BPF_RING_SIZE, PROT_READ, page);
	if (!ring.read || !ring.written) {
		mmun_bpf_ring_unmap();
		return -ENOMEM;
	}
	ring.data = (char *)ring.written + page;
	return 0;
}

static void unmap(void *addr, size_t size)
{
	if (addr)
		mmun_syscall(SYS_munmap, addr, size);
}

void mmun_bpf_ring_unmap(void)
{
	unmap(ring.read, mmun_page_size);
	unmap(ring.written, mmun_page_size + 2 * MMUN_BPF_RING_SIZE);
	mmun_bpf_ring_fork_child();
}

void mmun_bpf_ring_fork_child(void)
{
	ring.read = ring.written = NULL;
}

uint64_t mmun_bpf_ring_written(void)
{
	/* ORDER(bpf-ring): what the kernel has counted before. */
	return mmun_load_acquire(ring.written);
}

uint64_t mmun_bpf_ring_read(void)
{
	return mmun_read(ring.read);
}

/*
 * ORDER(bpf-ring), store buffering: the kernel wakes the reader when a record
 * becomes complete at which the reader stands.  It looks at our counter after it
 * has written its own and the header, and we look at these after we have written
 * ours: whoever comes second sees the other.
 */
bool mmun_bpf_ring_next(struct mmun_bpf_record *ret_record)
{
	uint64_t at = mmun_read(ring.read);
	const char *record = ring.data + (at & (MMUN_BPF_RING_SIZE - 1));
	uint32_t len;

	/* ORDER(bpf-ring): after the exchange below, of last time. */
	if (at == mmun_load_ordered(ring.written))
		return false;
	len = mmun_load_ordered((const uint32_t *)record);
	if (len & BPF_RINGBUF_BUSY_BIT)
		return false;
	memcpy(ret_record, record + HEADER, sizeof(*ret_record));
	len &= ~BPF_RINGBUF_DISCARD_BIT;
	/* ORDER(bpf-ring): what we have read; and before the next look. */
	mmun_xchg(ring.read, at + ((len + HEADER + 7) & ~7UL));
	return true;
}
