// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ops.h"
#include "page.h"
#include "uring.h"

/* Of this memory, whoever of those that share it asks. */
static int pagemap, memory;
static pid_t owner;

int page_open(void)
{
	owner = getpid();
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	return pagemap < 0 || memory < 0 ? -errno : 0;
}

static uint64_t entry(const char *page)
{
	uint64_t e = 0;
	off_t at = (unsigned long)page / page_size * sizeof(e);

	raw_call(SYS_pread64, pagemap, &e, sizeof(e), at);
	return e;
}

bool page_present(const char *page)
{
	return entry(page) >> 63;
}

uint64_t page_frame(const char *page)
{
	return entry(page) & ((1ULL << 55) - 1);
}

bool page_word(const char *page, uint64_t *ret_word)
{
	struct iovec to = { ret_word, sizeof(*ret_word) };
	struct iovec from = { (void *)page, sizeof(*ret_word) };

	return raw_call(SYS_process_vm_readv, owner, &to, 1, &from, 1, 0) ==
	       sizeof(*ret_word);
}

/* -- a pin for long: device access, as the kernel has it -- */

#define PROBE 0x70726f6265206d65ULL	/* a word that fill() does not write */

static enum pin held;
static struct uring ring;
static int scratch = -1;	/* a file for the ring to read */
static int tube[2];		/* holds the reference */

static bool pin_by_ring(char *page)
{
	struct iovec iov = { page, page_size };

	if (uring_open(&ring, 0))
		return false;
	return !raw_call(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS,
			 &iov, 1);
}

/* Write the word into the pin, whatever is behind the address by now. */
static bool write_to_pin(char *page, uint64_t word)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ_FIXED,
		.fd = scratch,
		.addr = (unsigned long)page,
		.len = sizeof(word),
	};

	return pwrite(scratch, &word, sizeof(word), 0) == sizeof(word) &&
	       uring_do(&ring, &sqe) == sizeof(word);
}

/* Even where nobody may read. */
static bool peek(const char *page, uint64_t *ret_word)
{
	return pread(memory, ret_word, sizeof(*ret_word), (unsigned long)page) ==
	       sizeof(*ret_word);
}

/* -- a reference, where the kernel refuses a pin -- */

static bool pin_by_pipe(char *page)
{
	struct iovec iov = { page, page_size };

	return !pipe(tube) && vmsplice(tube[1], &iov, 1, 0) == (ssize_t)page_size;
}

static bool poke(char *page, uint64_t word)
{
	return pwrite(memory, &word, sizeof(word), (unsigned long)page) ==
	       sizeof(word);
}

enum pin pin_page(char *page)
{
	if (scratch < 0)
		scratch = make_memfd(page_size);
	if (pin_by_ring(page))
		held = PIN_LONGTERM;
	else if (pin_by_pipe(page))
		held = PIN_REFERENCE;
	return held;
}

static bool is_connected(char *page)
{
	uint64_t word;

	if (held == PIN_LONGTERM)
		return write_to_pin(page, PROBE) && peek(page, &word) &&
		       word == PROBE;
	return poke(page, PROBE) &&
	       read(tube[0], &word, sizeof(word)) == sizeof(word) &&
	       word == PROBE;
}

enum truth pin_truth(char *page)
{
	if (held == PIN_NONE)
		return TRUTH_UNKNOWN;
	if (!page_present(page))
		return TRUTH_LOST;
	return is_connected(page) ? TRUTH_SAME : TRUTH_MOVED;
}
