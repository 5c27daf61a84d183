// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does it cost who unmaps 64 KiB by instruction that userfaultfd tells us?
 * The peer is the least that anybody can do: a thread that reads, and drops
 * what it has read.  Everything on one CPU.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "base/syscall.h"
#include "bench.h"

enum { SIZE = 64 << 10 };

static int peer_fd;
static unsigned long events;

static void *read_for_ever(void *unused)
{
	struct uffd_msg msg;

	while (read(peer_fd, &msg, sizeof(msg)) == sizeof(msg))
		;
	return unused;
}

static void start_peer(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_EVENT_UNMAP |
			    UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	pthread_t thread;

	peer_fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	bench_require(peer_fd >= 0 && !ioctl(peer_fd, UFFDIO_API, &api),
		      "no userfaultfd here");
	bench_require(!pthread_create(&thread, NULL, read_for_ever, NULL),
		      "no thread");
}

/*
 * What is mapped into a watched range is seen after this question, which looks at
 * all mappings; so all are asked it, and nobody alone has what it leaves of caches.
 */
static int blind(unsigned long at)
{
	return mmun_coverage(mm_self(), at, at + SIZE);
}

static void register_peer(unsigned long at)
{
	struct uffdio_register range = {
		.range = { at, SIZE },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	bench_require(blind(at) >= 0 && !ioctl(peer_fd, UFFDIO_REGISTER, &range),
		      "cannot register");
}

static void register_ours(unsigned long at)
{
	int ways = blind(at);

	bench_require(ways >= 0 && !(ways & MMUN_BLIND_RAW), "not watched");
}

static void register_nothing(unsigned long at)
{
	bench_require(blind(at) >= 0, "cannot be asked");
}

static int count(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	events++;
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = count };
static struct mmu_notifier subscriber = { .ops = &ops };
static struct mmun_watch watch;

static struct place {
	unsigned long at;
	void (*enrol)(unsigned long at);
} places[] = {
	{ 0x200000000000UL, register_nothing },
	{ 0x210000000000UL, register_peer },
	{ 0x220000000000UL, register_ours },
};

static void start_ours(void)
{
	unsigned long at = places[2].at;

	bench_require(!mmu_notifier_register(&subscriber, mm_self()) &&
		      !mmun_watch(&watch, mm_self(), at, at + SIZE),
		      "nothing can be watched");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double time_munmap(void *arg, long n, bool *disturbed)
{
	const struct place *place = arg;
	double sum = 0, begin;

	for (long i = 0; i < n; i++) {
		mmun_syscall(SYS_mmap, place->at, SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		place->enrol(place->at);
		*(volatile char *)place->at = 1;
		begin = now();
		mmun_syscall(SYS_munmap, place->at, SIZE);
		sum += now() - begin;
	}
	*disturbed = false;
	return sum;
}

int main(int argc, char **argv)
{
	struct bench_case cases[] = {
		{ .name = "unwatched", .time = time_munmap, .arg = &places[0] },
		{ .name = "read-loop", .time = time_munmap, .arg = &places[1] },
		{ .name = "watched", .time = time_munmap, .arg = &places[2] },
	};
	unsigned long before;
	bool disturbed;

	bench_begin("uffd", argc, argv);
	start_peer();
	start_ours();
	before = events;
	time_munmap(&places[2], 10, &disturbed);
	mmun_settle(mm_self());
	bench_require(events == before + 10, "saw %lu events of 10 calls",
		      events - before);
	bench_measure(cases, 3);
	bench_added("raw_munmap_64k watched", &cases[2], &cases[0]);
	bench_added("raw_munmap_64k read-loop", &cases[1], &cases[0]);
	bench_ratio("raw_munmap_64k watched", &cases[2], &cases[1], NULL);
	bench_release(cases, 3);
	return 0;
}
