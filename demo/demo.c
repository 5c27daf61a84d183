// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A cache of pinned memory, without and with a notifier.
 *
 * Reading order: plain.c (the cache as it is written today), registered.c (with
 * ours), workload.c (a program that uses it), lifetime.c (get, put, synchronize).
 *
 * Exit status: 0 when the plain cache was wrong and the registration cache not,
 * 77 when the kernel does not let us have an io_uring, 1 otherwise.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifetime.h"
#include "reader.h"
#include "workload.h"

struct part {
	struct result work;
	unsigned long lookups, registered, invalidated;
};

_Noreturn static void die(const char *what, long error)
{
	fflush(stdout);
	fprintf(stderr, "mmunotify-demo: %s: %s\n", what, strerror(-error));
	if (error == -ENOMEM)
		fprintf(stderr, "(pins about %lu KiB: see ulimit -l)\n",
			BUFFERS * (WORK_BLOCK >> 10));
	exit(EXIT_FAILURE);
}

static void need_io_uring(void)
{
	struct reader *c = plain_new();

	if (!IS_ERR(c)) {
		plain_free(c);
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
static struct part run_part(struct reader *reader, int fd)
{
	struct part part;
	int ret;

	if (IS_ERR(reader))
		die("io_uring", PTR_ERR(reader));
	ret = workload_run(reader, fd, &part.work);
	if (ret)
		die("read", ret);
	part.lookups = reader->lookups;
	return part;
}

static struct part run_plain(int fd)
{
	struct reader *reader = plain_new();
	struct part part = run_part(reader, fd);

	part.registered = reader->registered;
	part.invalidated = 0;
	plain_free(reader);
	return part;
}

static struct part run_registered(int fd)
{
	struct reader *reader = registered_new();
	struct part part = run_part(reader, fd);

	registered_count(reader);
	part.registered = reader->registered;
	part.invalidated = reader->invalidated;
	registered_free(reader);
	return part;
}

static void row(const char *name, unsigned long plain, unsigned long ours)
{
	printf("  %-28s %14lu %14lu\n", name, plain, ours);
}

static double hit_rate(const struct part *p)
{
	return 100.0 - 100.0 * p->registered / p->lookups;
}

static double mib_per_second(const struct part *p)
{
	return p->work.reads * (WORK_BLOCK / 1048576.0) / p->work.seconds;
}

static void report(const struct part *plain, const struct part *ours)
{
	printf("  %-28s %14s %14s\n", "", "plain cache", "ours");
	row("reads", plain->work.reads, ours->work.reads);
	row("reads with wrong bytes", plain->work.wrong_reads,
	    ours->work.wrong_reads);
	row("wrong bytes", plain->work.wrong_bytes, ours->work.wrong_bytes);
	row("registrations invalidated", plain->invalidated, ours->invalidated);
	row("buffers registered", plain->registered, ours->registered);
	printf("  %-28s %13.1f%% %13.1f%%\n", "cache hits", hit_rate(plain),
	       hit_rate(ours));
	printf("  %-28s %14.0f %14.0f\n\n", "MiB/s, read and checked",
	       mib_per_second(plain), mib_per_second(ours));
}

static bool verdict(const char *claim, bool holds)
{
	printf("%s %s\n", holds ? "yes" : "NO ", claim);
	return holds;
}

int main(void)
{
	struct part plain, ours;
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
	ours = run_registered(fd);
	report(&plain, &ours);

	printf("Lifetime of a notifier:\n");
	fflush(stdout);
	good = lifetime_show();
	printf("\n");

	good = verdict("get, put and synchronize kept their promises", good);
	good &= verdict("the plain cache gave the program wrong bytes",
			plain.work.wrong_bytes > 0);
	good &= verdict("the registration cache gave it the file's",
			ours.work.wrong_bytes == 0);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
