// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>

#include "reader.h"

static int ring_read(struct io_uring *ring, int index, int fd, char *buf,
		     size_t len, off_t offset)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	io_uring_prep_read_fixed(sqe, fd, buf, len, offset, index);
	do {
		ret = io_uring_submit_and_wait(ring, 1);
	} while (ret == -EINTR);
	if (ret >= 0)
		ret = io_uring_wait_cqe(ring, &cqe);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

int reader_read(struct reader *reader, int fd, void *buf, size_t len,
		off_t offset)
{
	void *held = NULL;
	int index, ret = 1;

	reader->lookups++;
	index = reader->find(reader, buf, len, &held);
	if (index < 0)
		return index;
	for (size_t done = 0; done < len && ret > 0; done += ret)
		ret = ring_read(&reader->ring, index, fd, (char *)buf + done,
				len - done, offset + done);
	reader->done(reader, held);
	return ret > 0 ? 0 : ret ? ret : -EIO;
}
