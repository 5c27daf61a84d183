// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A cache of pinned memory, without and with a notifier.
 *
 * Reading order: cache.c (the cache), subscriber.c (what makes it right),
 * workload.c (a program that uses it), lifetime.c (get, put, synchronize).
 *
 * Exit status: 0 when the plain cache was wrong and the subscriber was not,
 * 77 when the kernel does not let us have an io_uring, 1 otherwise.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "lifetime.h"
#include "subscriber.h"
#include "workload.h"

struct part {
	struct result work;
	unsigned long lookups, hits, invalidated;
};

_Noreturn static void die(const char *what, long error)
{
	fflush(stdout);
	fprintf(stderr, "mmunotify-demo: %s: %s\n", what, strerror(-error));
	if (error == -ENOMEM)
		fprintf(stderr, "(pins about %lu KiB: see ulimit -l)\n",
			CACHE_SLOTS * (WORK_BLOCK >> 10));
	exit(EXIT_FAILURE);
}

static void need_io_uring(void)
{
	struct cache *c = cache_new();

	if (!IS_ERR(c)) {
		cache_free(c);
		return;
	}
	switch (PTR_ERR(c)) {
	case -ENOSYS:
	case -EPERM:
	case -EACCES:
		printf("mmunotify-demo: skipped: io_uring is forbidden here: "
		       "%s\nSee /proc/sys/kernel/io_uring_disabled, or the "
		       "seccomp profile of the container.\n",
		       strerror(-PTR_ERR(c)));
		exit(77);
	case -EINVAL:
		printf("mmunotify-demo: skipped: io_uring has no sparse buffer "
		       "table here; Linux 5.19 has\n");
		exit(77);
	}
	die("io_uring", PTR_ERR(c));
}

/* Both parts are this function. */
static struct part run_part(struct cache *c, int fd)
{
	struct part part;
	int ret = workload_run(c, fd, &part.work);

	if (ret)
		die("read", ret);
	part.lookups = c->lookups;
	part.hits = c->hits;
	part.invalidated = atomic_load(&c->invalidated);
	cache_drop_all(c);
	return part;
}

static struct part run_plain(int fd)
{
	struct cache *c = cache_new();
	struct part part;

	if (IS_ERR(c))
		die("io_uring", PTR_ERR(c));
	part = run_part(c, fd);
	cache_free(c);
	return part;
}

static struct part run_subscribed(int fd)
{
	struct cache *c = subscriber_get();
	struct part part;

	if (IS_ERR(c))
		die("mmu_notifier_get", PTR_ERR(c));
	part = run_part(c, fd);
	subscriber_put(c);
	return part;
}

static void row(const char *name, unsigned long plain, unsigned long subscribed)
{
	printf("  %-28s %14lu %14lu\n", name, plain, subscribed);
}

static double hit_rate(const struct part *p)
{
	return 100.0 * p->hits / p->lookups;
}

static double mib_per_second(const struct part *p)
{
	return p->work.reads * (WORK_BLOCK / 1048576.0) / p->work.seconds;
}

static void report(const struct part *plain, const struct part *sub)
{
	printf("  %-28s %14s %14s\n", "", "plain cache", "subscriber");
	row("reads", plain->work.reads, sub->work.reads);
	row("reads with wrong bytes", plain->work.wrong_reads,
	    sub->work.wrong_reads);
	row("wrong bytes", plain->work.wrong_bytes, sub->work.wrong_bytes);
	row("registrations invalidated", plain->invalidated, sub->invalidated);
	row("buffers registered", plain->lookups - plain->hits,
	    sub->lookups - sub->hits);
	printf("  %-28s %13.1f%% %13.1f%%\n", "cache hits", hit_rate(plain),
	       hit_rate(sub));
	printf("  %-28s %14.0f %14.0f\n\n", "MiB/s, read and checked",
	       mib_per_second(plain), mib_per_second(sub));
}

static bool verdict(const char *claim, bool holds)
{
	printf("%s %s\n", holds ? "yes" : "NO ", claim);
	return holds;
}

int main(void)
{
	struct part plain, sub;
	bool good;
	int fd;

	/*
	 * 128 KiB is where glibc begins to use mmap() and munmap(), but then
	 * it moves the limit up to what it saw freed.  Programs that want
	 * their memory back, as servers do, fix the limit, and so do we.
	 */
	mallopt(M_MMAP_THRESHOLD, WORK_BLOCK);
	need_io_uring();
	fd = workload_file();
	if (fd < 0)
		die("temporary file", fd);

	printf("A file is read by io_uring into registered (pinned) buffers of "
	       "%lu KiB that\ncome from malloc(); every %dth is freed after "
	       "use.  A cache remembers which\naddress is registered.\n\n",
	       WORK_BLOCK >> 10, WORK_FREE_EVERY);
	fflush(stdout);
	plain = run_plain(fd);
	sub = run_subscribed(fd);
	report(&plain, &sub);

	printf("Lifetime of a notifier:\n");
	fflush(stdout);
	good = lifetime_show();
	printf("\n");

	good = verdict("get, put and synchronize kept their promises", good);
	good &= verdict("the plain cache gave the program wrong bytes",
			plain.work.wrong_bytes > 0);
	good &= verdict("the subscriber gave it the file's",
			sub.work.wrong_bytes == 0);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
