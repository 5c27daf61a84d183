// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "ops.h"
#include "uring.h"

static void *map_part(int fd, size_t len, off_t what)
{
	long p = raw_call(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, fd, what);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

static unsigned int *word(char *ring, unsigned int offset)
{
	return (unsigned int *)(ring + offset);
}

static void put(struct uring *u, const struct io_uring_sqe *sqe)
{
	const struct io_sqring_offsets *off = &u->params.sq_off;
	unsigned int tail = *word(u->sq, off->tail);
	unsigned int slot = tail & *word(u->sq, off->ring_mask);

	u->sqes[slot] = *sqe;
	word(u->sq, off->array)[slot] = slot;
	/* Pairs with the kernel, which reads the tail first. */
	__atomic_store_n(word(u->sq, off->tail), tail + 1, __ATOMIC_RELEASE);
}

/* The kernel's own thread waits for no call of ours, while it is awake. */
static long wait_without_a_call(struct uring *u)
{
	const struct io_cqring_offsets *off = &u->params.cq_off;

	while (__atomic_load_n(word(u->cq, off->tail), __ATOMIC_ACQUIRE) ==
	       *word(u->cq, off->head))
		sched_yield();
	return 0;
}

static long take(struct uring *u)
{
	const struct io_cqring_offsets *off = &u->params.cq_off;
	unsigned int head = *word(u->cq, off->head);
	unsigned int slot = head & *word(u->cq, off->ring_mask);
	struct io_uring_cqe *cqe = (void *)(u->cq + off->cqes);
	long res = cqe[slot].res;

	__atomic_store_n(word(u->cq, off->head), head + 1, __ATOMIC_RELEASE);
	return res;
}

/* It sleeps until it is woken once, and then looks for work all the time. */
static int wake(struct uring *u)
{
	struct io_uring_sqe nop = { .opcode = IORING_OP_NOP };
	long ret;

	put(u, &nop);
	ret = raw_call(SYS_io_uring_enter, u->fd, 1, 1,
		       IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS, NULL, 0);
	return ret < 0 ? ret : take(u);
}

int uring_open(struct uring *u, unsigned int flags)
{
	const struct io_uring_params *p = &u->params;

	*u = (struct uring){ .flags = flags, .params.flags = flags };
	u->params.sq_thread_idle = 60 * 1000;
	u->fd = raw_call(SYS_io_uring_setup, 4, &u->params);
	if (u->fd < 0)
		return u->fd;
	u->sq = map_part(u->fd, p->sq_off.array + p->sq_entries * sizeof(int),
			 IORING_OFF_SQ_RING);
	u->cq = map_part(u->fd, p->cq_off.cqes +
			 p->cq_entries * sizeof(struct io_uring_cqe),
			 IORING_OFF_CQ_RING);
	u->sqes = map_part(u->fd, p->sq_entries * sizeof(*u->sqes), IORING_OFF_SQES);
	if (!u->sq || !u->cq || !u->sqes)
		return -ENOMEM;
	return flags & IORING_SETUP_SQPOLL ? wake(u) : 0;
}

long uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	long ret;

	put(u, sqe);
	if (u->flags & IORING_SETUP_SQPOLL)
		ret = wait_without_a_call(u);
	else
		ret = raw_call(SYS_io_uring_enter, u->fd, 1, 1,
			       IORING_ENTER_GETEVENTS, NULL, 0);
	return ret < 0 ? ret : take(u);
}
