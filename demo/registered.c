// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The same with the registration cache: all that it takes is get and put.
 */
#include <errno.h>
#include <stdlib.h>

#include "mmun_uring.h"
#include "reader.h"

struct registered {
	struct reader reader;
	struct mmun_uring *uring;
};

static int registered_find(struct reader *reader, void *buf, size_t len,
			   void **ret_held)
{
	struct registered *r = (struct registered *)reader;
	struct mmun_regcache_region *region;
	int err = mmun_regcache_get(r->uring->cache, (unsigned long)buf, len, 0,
				    &region);

	if (err)
		return err;
	*ret_held = region;
	return region->handle;
}

static void registered_done(struct reader *reader, void *held)
{
	(void)reader;
	mmun_regcache_put(held);
}

/* Ways to unmap memory that the sources may not see, and that we don't use. */
static const struct mmun_regcache_attr attr = {
	.accept_blind = MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD |
			MMUN_BLIND_RAW_SHM | MMUN_BLIND_RAW_EXIT |
			MMUN_BLIND_LDSO | MMUN_BLIND_IO_URING,
};

struct reader *registered_new(void)
{
	struct registered *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return ERR_PTR(-ENOMEM);
	r->reader.find = registered_find;
	r->reader.done = registered_done;
	ret = io_uring_queue_init(1, &r->reader.ring, 0);
	if (ret < 0)
		goto no_ring;
	ret = mmun_uring_create(&r->reader.ring, BUFFERS, &attr, &r->uring);
	if (ret < 0)
		goto no_table;
	return &r->reader;

no_table:
	io_uring_queue_exit(&r->reader.ring);
no_ring:
	free(r);
	return ERR_PTR(ret);
}

void registered_free(struct reader *reader)
{
	struct registered *r = (struct registered *)reader;

	mmun_uring_destroy(r->uring);
	io_uring_queue_exit(&reader->ring);
	free(r);
}

void registered_count(struct reader *reader)
{
	struct registered *r = (struct registered *)reader;
	struct mmun_regcache_stats stats;

	mmun_regcache_get_stats(r->uring->cache, &stats);
	reader->registered = stats.misses + stats.retries;
	reader->invalidated = 0;
	for (int i = 0; i < MMUN_REGCACHE_CAUSES; i++)
		reader->invalidated += stats.invalidations[i];
}
