/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_URING_H
#define MMUN_URING_H
/**
 * DOC: fixed buffers of an io_uring, cached
 *
 * A ring's sparse table of buffers as a registrar: a region's handle is the index
 * of its buffer, as io_uring_prep_read_fixed() wants it.  When the table is full,
 * or the limit on locked memory is reached, idle buffers make room.
 *
 *	err = mmun_uring_create(&ring, 64, &attr, &uring);
 *	err = mmun_regcache_get(uring->cache, addr, len, 0, &region);
 *	io_uring_prep_read_fixed(sqe, fd, addr, len, offset, region->handle);
 *	... when it has completed ...
 *	mmun_regcache_put(region);
 */
#include <liburing.h>
#include <pthread.h>

#include <mmunotify/regcache.h>

/**
 * struct mmun_uring - the table of a ring
 * @cache: its buffers, on mm_self(); they have no kinds of access
 * @ring: the ring, of the caller's
 * @lock: of what follows
 * @nr: size of the table
 * @taken: which of it is in use
 */
struct mmun_uring {
	struct mmun_regcache *cache;
	struct io_uring *ring;
	pthread_mutex_t lock;
	unsigned int nr;
	bool taken[];
};

/**
 * mmun_uring_create() - give a ring a table, and cache what is in it
 * @ring: a ring without registered buffers, until mmun_uring_destroy()
 * @nr: size of the table
 * @attr: of the cache, or NULL
 * @ret_uring: the table; untouched on error
 *
 * Context: as mmun_regcache_create().
 * Return: 0, -ENOMEM, or the errors of io_uring_register_buffers_sparse(): -EINVAL
 *         before Linux 5.19.
 */
int mmun_uring_create(struct io_uring *ring, unsigned int nr,
		      const struct mmun_regcache_attr *attr,
		      struct mmun_uring **ret_uring);

/**
 * mmun_uring_destroy() - take it away again
 * @uring: the table; nobody holds a region
 *
 * Context: as mmun_regcache_destroy().
 */
void mmun_uring_destroy(struct mmun_uring *uring);

#endif /* MMUN_URING_H */
