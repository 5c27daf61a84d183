// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "mmun_uring.h"

static int update(struct mmun_uring *uring, unsigned int index,
		  unsigned long addr, size_t len)
{
	struct iovec iov = { .iov_base = (void *)addr, .iov_len = len };
	int ret = io_uring_register_buffers_update_tag(uring->ring, index, &iov,
						       NULL, 1);

	return ret < 0 ? ret : 0;
}

/* Return: -ENOMEM when all are taken: then the cache gives some back. */
static int take_index(struct mmun_uring *uring, unsigned int *ret_index)
{
	unsigned int index = 0;

	pthread_mutex_lock(&uring->lock);
	while (index < uring->nr && uring->taken[index])
		index++;
	if (index < uring->nr)
		uring->taken[index] = true;
	pthread_mutex_unlock(&uring->lock);
	*ret_index = index;
	return index < uring->nr ? 0 : -ENOMEM;
}

static void give_index(struct mmun_uring *uring, unsigned int index)
{
	pthread_mutex_lock(&uring->lock);
	uring->taken[index] = false;
	pthread_mutex_unlock(&uring->lock);
}

static int reg(void *ctx, unsigned long addr, size_t len, unsigned int access,
	       uint64_t *ret_handle)
{
	unsigned int index;
	int err = take_index(ctx, &index);

	(void)access;
	if (err)
		return err;
	err = update(ctx, index, addr, len);
	if (err)
		give_index(ctx, index);
	*ret_handle = index;
	return err;
}

/* A request that uses the buffer keeps it until it has completed. */
static void dereg(void *ctx, uint64_t handle)
{
	update(ctx, handle, 0, 0);
	give_index(ctx, handle);
}

static const struct mmun_regcache_ops ops = { .reg = reg, .dereg = dereg };

int mmun_uring_create(struct io_uring *ring, unsigned int nr,
		      const struct mmun_regcache_attr *attr,
		      struct mmun_uring **ret_uring)
{
	struct mmun_uring *uring = calloc(1, sizeof(*uring) + nr);
	int ret;

	if (!uring)
		return -ENOMEM;
	uring->ring = ring;
	uring->nr = nr;
	pthread_mutex_init(&uring->lock, NULL);
	ret = io_uring_register_buffers_sparse(ring, nr);
	if (ret)
		goto no_table;
	ret = mmun_regcache_create(mm_self(), &ops, uring, attr, &uring->cache);
	if (ret)
		goto no_cache;
	*ret_uring = uring;
	return 0;

no_cache:
	io_uring_unregister_buffers(ring);
no_table:
	free(uring);
	return ret;
}

void mmun_uring_destroy(struct mmun_uring *uring)
{
	mmun_regcache_destroy(uring->cache);
	io_uring_unregister_buffers(uring->ring);
	free(uring);
}
