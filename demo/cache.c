// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cache as people write it today.  If nobody ever calls cache_invalidate()
 * it is wrong as soon as malloc() returns an address for the second time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

static int ring_set_buffer(struct cache *c, int index, void *buf, size_t len)
{
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	int ret = io_uring_register_buffers_update_tag(&c->ring, index, &iov,
						       NULL, 1);

	return ret < 0 ? ret : 0;
}

static void slot_clear(struct cache *c, int index)
{
	atomic_store(&c->slots[index].state, SLOT_EMPTY);
	ring_set_buffer(c, index, NULL, 0);
}

/*
 * Deregister what died.  cache_invalidate() cannot: it runs inside somebody's
 * free(), and nothing may wait or allocate there.
 */
static void cache_reap(struct cache *c)
{
	for (int i = 0; i < CACHE_SLOTS; i++) {
		if (atomic_load(&c->slots[i].state) == SLOT_DEAD)
			slot_clear(c, i);
	}
}

static int cache_find(struct cache *c, unsigned long start, unsigned long end)
{
	for (int i = 0; i < CACHE_SLOTS; i++) {
		struct slot *s = &c->slots[i];

		if (atomic_load(&s->state) == SLOT_LIVE &&
		    atomic_load(&s->start) == start &&
		    atomic_load(&s->end) == end)
			return i;
	}
	return -1;
}

/* An empty slot, or else the one that was not used for longest. */
static int cache_victim(struct cache *c)
{
	int victim = 0;

	for (int i = 0; i < CACHE_SLOTS; i++) {
		if (atomic_load(&c->slots[i].state) == SLOT_EMPTY)
			return i;
		if (c->slots[i].used < c->slots[victim].used)
			victim = i;
	}
	return victim;
}

/*
 * Publish first, pin second: an invalidation that comes while the kernel is
 * pinning must find the slot.  If one did, we may hold the old pages or the
 * new ones, so pin again.
 */
static int cache_pin(struct cache *c, int index, void *buf, size_t len)
{
	struct slot *s = &c->slots[index];
	int ret;

	do {
		atomic_store(&s->state, SLOT_EMPTY);
		atomic_store(&s->start, (unsigned long)buf);
		atomic_store(&s->end, (unsigned long)buf + len);
		atomic_store(&s->state, SLOT_LIVE);
		ret = ring_set_buffer(c, index, buf, len);
		if (ret) {
			slot_clear(c, index);
			return ret;
		}
	} while (atomic_load(&s->state) != SLOT_LIVE);
	return 0;
}

/* The index under which the ring knows this buffer. */
static int cache_get(struct cache *c, void *buf, size_t len)
{
	unsigned long start = (unsigned long)buf;
	int index, ret;

	cache_reap(c);
	index = cache_find(c, start, start + len);
	if (index >= 0) {
		c->hits++;
	} else {
		index = cache_victim(c);
		ret = cache_pin(c, index, buf, len);
		if (ret)
			return ret;
	}
	c->slots[index].used = ++c->lookups;
	return index;
}

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

int cache_read(struct cache *c, int fd, void *buf, size_t len, off_t offset)
{
	int index = cache_get(c, buf, len);

	if (index < 0)
		return index;
	for (size_t done = 0; done < len;) {
		int ret = ring_read(&c->ring, index, fd, (char *)buf + done,
				    len - done, offset + done);

		if (ret <= 0)
			return ret ? ret : -EIO;
		done += ret;
	}
	return 0;
}

/*
 * Only atomic accesses to an array that never moves.  If the cache's thread
 * gives the slot to another buffer between the look and the exchange, that
 * buffer is pinned once more than it had to be: harmless.
 */
void cache_invalidate(struct cache *c, unsigned long start, unsigned long end)
{
	for (int i = 0; i < CACHE_SLOTS; i++) {
		struct slot *s = &c->slots[i];
		int live = SLOT_LIVE;

		if (atomic_load(&s->start) < end &&
		    start < atomic_load(&s->end) &&
		    atomic_compare_exchange_strong(&s->state, &live, SLOT_DEAD))
			atomic_fetch_add(&c->invalidated, 1);
	}
}

void cache_drop_all(struct cache *c)
{
	for (int i = 0; i < CACHE_SLOTS; i++)
		slot_clear(c, i);
}

struct cache *cache_new(void)
{
	struct cache *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return ERR_PTR(-ENOMEM);
	ret = io_uring_queue_init(1, &c->ring, 0);
	if (ret < 0)
		goto no_ring;
	ret = io_uring_register_buffers_sparse(&c->ring, CACHE_SLOTS);
	if (ret < 0)
		goto no_table;
	return c;

no_table:
	io_uring_queue_exit(&c->ring);
no_ring:
	free(c);
	return ERR_PTR(ret);
}

void cache_free(struct cache *c)
{
	io_uring_queue_exit(&c->ring);
	free(c);
}
