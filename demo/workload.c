// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A program that reads a file: one thread mallocs buffers and reads into them,
 * another looks at the data and frees some of the buffers.  It knows nothing of
 * the cache's trouble and makes no mistake of its own.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define DEPTH 8 /* buffers between the two threads */

struct work {
	struct reader *reader;
	int fd;
	atomic_int error;
	void *bufs[DEPTH];
	sem_t empty, full;
	struct result result;
};

/* What the file holds at this offset; no byte of it is zero. */
static uint64_t file_word(uint64_t offset)
{
	return (offset / 8 + 1) * 0x9e3779b97f4a7c15 | 0x0101010101010101;
}

static off_t block_offset(unsigned long n)
{
	return n % WORK_FILE_BLOCKS * WORK_BLOCK;
}

/* How many bytes of a word are not zero, in the same time for every word. */
static unsigned int nonzero_bytes(uint64_t word)
{
	const uint64_t low7 = 0x7f7f7f7f7f7f7f7f;

	return __builtin_popcountll((((word & low7) + low7) | word) & ~low7);
}

static unsigned long wrong_bytes(const uint64_t *buf, off_t offset)
{
	unsigned long wrong = 0;

	for (size_t i = 0; i < WORK_BLOCK / 8; i++)
		wrong += nonzero_bytes(buf[i] ^ file_word(offset + i * 8));
	return wrong;
}

static void *consume(void *arg)
{
	struct work *w = arg;

	for (unsigned long n = 0; n < WORK_READS; n++) {
		void **buf = &w->bufs[n % DEPTH];
		unsigned long wrong;

		sem_wait(&w->full);
		if (w->error)
			break;
		wrong = wrong_bytes(*buf, block_offset(n));
		w->result.reads++;
		w->result.wrong_reads += wrong != 0;
		w->result.wrong_bytes += wrong;
		if (n % WORK_FREE_EVERY == 0) {
			free(*buf);
			*buf = NULL;
		}
		sem_post(&w->empty);
	}
	return NULL;
}

static void produce(struct work *w)
{
	for (unsigned long n = 0; n < WORK_READS && !w->error; n++) {
		void **buf = &w->bufs[n % DEPTH];

		sem_wait(&w->empty);
		if (!*buf)
			*buf = malloc(WORK_BLOCK);
		w->error = *buf ? reader_read(w->reader, w->fd, *buf,
					      WORK_BLOCK, block_offset(n))
				: -ENOMEM;
		sem_post(&w->full);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int workload_run(struct reader *reader, int fd, struct result *ret_result)
{
	struct work w = {.reader = reader, .fd = fd};
	double begin = now();
	pthread_t consumer;
	int ret;

	sem_init(&w.empty, 0, DEPTH);
	sem_init(&w.full, 0, 0);
	ret = pthread_create(&consumer, NULL, consume, &w);
	if (ret)
		return -ret;
	produce(&w);
	pthread_join(consumer, NULL);
	w.result.seconds = now() - begin;
	for (int i = 0; i < DEPTH; i++)
		free(w.bufs[i]);
	if (!w.error)
		*ret_result = w.result;
	return w.error;
}

static int fill(int fd)
{
	uint64_t block[WORK_BLOCK / 8];

	for (unsigned long n = 0; n < WORK_FILE_BLOCKS; n++) {
		off_t offset = block_offset(n);
		ssize_t ret;

		for (size_t i = 0; i < WORK_BLOCK / 8; i++)
			block[i] = file_word(offset + i * 8);
		ret = pwrite(fd, block, sizeof(block), offset);
		if (ret != sizeof(block))
			return ret < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

int workload_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/mmunotify-demo-XXXXXX",
		 dir ? dir : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		return -errno;
	unlink(path);
	ret = fill(fd);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}
