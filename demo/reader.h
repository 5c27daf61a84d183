/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef DEMO_READER_H
#define DEMO_READER_H
/*
 * Reading into registered buffers of an io_uring.
 *
 * Registering a buffer pins its pages, and READ_FIXED then moves data without
 * looking at the page tables again.  That is why people register, and why they
 * keep what they registered: pinning costs more than a read.  Which buffer is
 * registered where, a cache knows: plain.c, or ours, registered.c.
 *
 * One thread reads.
 */
#include <liburing.h>
#include <sys/types.h>

#include <mmunotify/mmu_notifier.h>

#define BUFFERS 16

struct reader {
	struct io_uring ring;
	/*
	 * Find a buffer's index in the ring's table, or register it.
	 * @ret_held: what done() is called with after the read.
	 */
	int (*find)(struct reader *reader, void *buf, size_t len, void **ret_held);
	void (*done)(struct reader *reader, void *held);
	unsigned long lookups, registered, invalidated;
};

/* All return 0 or a negative errno; those that make one, an error pointer. */
int reader_read(struct reader *reader, int fd, void *buf, size_t len,
		off_t offset);

/* As people write it today. */
struct reader *plain_new(void);
void plain_free(struct reader *reader);

/* With the registration cache. */
struct reader *registered_new(void);
void registered_free(struct reader *reader);
/* Fill in what it has registered, and what died, so far. */
void registered_count(struct reader *reader);

#endif /* DEMO_READER_H */
