// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cache as people write it today, keyed by address.  Nobody tells it that the
 * memory was freed: it is wrong as soon as malloc() returns an address for the
 * second time.
 */
#include <errno.h>
#include <stdlib.h>

#include "reader.h"

struct slot {
	void *buf;		/* NULL: nothing is registered here */
	size_t len;
	unsigned long used;	/* when, in lookups */
};

struct plain {
	struct reader reader;
	struct slot slots[BUFFERS];	/* index: in the ring's table */
};

/* An empty slot, or else the one that was not used for longest. */
static int find_victim(struct plain *plain)
{
	int victim = 0;

	for (int i = 0; i < BUFFERS; i++) {
		if (!plain->slots[i].buf)
			return i;
		if (plain->slots[i].used < plain->slots[victim].used)
			victim = i;
	}
	return victim;
}

static int plain_register(struct plain *plain, int index, void *buf, size_t len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	int ret = io_uring_register_buffers_update_tag(&plain->reader.ring, index,
						       &iov, NULL, 1);

	plain->slots[index] = (struct slot){ .buf = ret < 0 ? NULL : buf,
					     .len = len };
	plain->reader.registered++;
	return ret < 0 ? ret : 0;
}

static int plain_find(struct reader *reader, void *buf, size_t len,
		      void **ret_held)
{
	struct plain *plain = (struct plain *)reader;
	int index = 0, ret;

	(void)ret_held;
	while (index < BUFFERS && (plain->slots[index].buf != buf ||
				   plain->slots[index].len != len))
		index++;
	if (index == BUFFERS) {
		index = find_victim(plain);
		ret = plain_register(plain, index, buf, len);
		if (ret)
			return ret;
	}
	plain->slots[index].used = reader->lookups;
	return index;
}

static void plain_done(struct reader *reader, void *held)
{
	(void)reader;
	(void)held;
}

struct reader *plain_new(void)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int ret;

	if (!plain)
		return ERR_PTR(-ENOMEM);
	plain->reader.find = plain_find;
	plain->reader.done = plain_done;
	ret = io_uring_queue_init(1, &plain->reader.ring, 0);
	if (ret < 0)
		goto no_ring;
	ret = io_uring_register_buffers_sparse(&plain->reader.ring, BUFFERS);
	if (ret < 0)
		goto no_table;
	return &plain->reader;

no_table:
	io_uring_queue_exit(&plain->reader.ring);
no_ring:
	free(plain);
	return ERR_PTR(ret);
}

void plain_free(struct reader *reader)
{
	io_uring_queue_exit(&reader->ring);
	free(reader);
}
