// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ring's end, and the process's: descriptors, children, other processes.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <semaphore.h>

#include "bpf.h"

/* -- descriptors -- */

#define FDS 1024

struct fds {
	bool open[FDS];
};

static struct fds open_fds(void)
{
	struct fds fds;

	for (int fd = 0; fd < FDS; fd++)
		fds.open[fd] = fcntl(fd, F_GETFD) >= 0;
	return fds;
}

static bool same_fds(const struct fds *before)
{
	struct fds now = open_fds();

	return !memcmp(&now, before, sizeof(now));
}

/* ORDER(bpf-phase): the process's descriptors are closed once there are others. */
static bool hears_raw_munmap(void)
{
	char *p = pages(1);

	listen_settled();
	drop(p, 1);
	return told(MMU_NOTIFY_UNMAP, p, PAGE);
}

static void test_closed_descriptors(void)
{
	raw3(SYS_close_range, 3, ~0U, 0);
	ok(hears_raw_munmap(), "a program that closes all descriptors is seen");
}

/* Nobody but us waits at the other end. */
static void test_pipe(void)
{
	int end[2];
	char c;

	if (pipe(end))
		bail("pipe");
	close(end[1]);
	ok(read(end[0], &c, 1) == 0, "a pipe ends when its writer closes it");
	close(end[0]);
}

/* -- the ring -- */

#define MORE_THAN_FIT 5000

static sem_t gate_reached, gate;
static atomic_bool closed;

static int wait_at_gate(struct mmu_notifier *mn,
			const struct mmu_notifier_range *range)
{
	(void)mn;
	if (!(range->flags & MMUN_RANGE_AFTER) || !atomic_exchange(&closed, false))
		return 0;
	sem_post(&gate_reached);
	while (sem_wait(&gate))
		;
	return 0;
}

static void test_overflow(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = wait_at_gate,
	};
	static struct mmu_notifier mn = { .ops = &ops };
	char *first = pages(1), *p = pages(1);
	bool right;

	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	listen_settled();
	atomic_store(&closed, true);
	drop(first, 1);
	while (sem_wait(&gate_reached))
		;
	for (int i = 0; i < MORE_THAN_FIT; i++)
		raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
	sem_post(&gate);
	mmun_settle(mm_self());
	right = listened() == 4 &&
		is_range(0, false, MMU_NOTIFY_UNMAP, first, PAGE) &&
		is_range(2, false, MMU_NOTIFY_UNMAP, NULL, ULONG_MAX) &&
		(heard[2].flags & MMUN_RANGE_AFTER);
	if (!right)
		tell();
	ok(right, "more calls than the ring holds: everything, once");
	mmu_notifier_unregister(&mn, mm_self());
	drop(p, 1);
	ok(hears_raw_munmap(), "after that, as before");
}

/* -- other processes -- */

static void test_other_process(void)
{
	char *p = pages(1);
	pid_t pid;

	listen_settled();
	pid = fork();
	if (!pid) {
		drop(p, 1);
		raw3(SYS_exit_group, 0, 0, 0);
	}
	reap(pid);
	mmun_settle(mm_self());
	for (int i = 0; i < listened(); i++)
		if ((heard[i].flags & MMUN_RANGE_AFTER))
			ok(false, "a child's call is told in the parent");
	ok(!raw3(SYS_munmap, (long)p, PAGE, 0), "the parent has its memory still");
}

static void test_child(const struct fds *before)
{
	pid_t pid = fork();

	if (!pid) {
		if (!same_fds(before))
			_exit(1);
		listen_now();
		if (mmun_monitor_start())
			_exit(2);
		recorder = (struct mmu_notifier){ .ops = &recorder_ops };
		record();
		_exit(hears_raw_munmap() ? 0 : 3);
	}
	ok(!reap(pid), "a child starts anew, and hears its own calls");
	ok(hears_raw_munmap(), "and the parent still hears its own");
}

/* Made past fork(), it is not seen: but it is not to hang or crash, either. */
static void test_raw_child(void)
{
	pid_t pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	if (!pid) {
		mmun_settle(mm_self());
		raw3(SYS_exit_group, 7, 0, 0);
	}
	ok(reap(pid) == 7, "a child that no handler knows of settles at once");
}

static void test_exec(const struct fds *before)
{
	pid_t pid = fork();
	char n[16];
	int nr = 0;

	for (int fd = 0; fd < FDS; fd++)
		nr += before->open[fd];
	snprintf(n, sizeof(n), "%d", nr);
	if (!pid) {
		execl("/proc/self/exe", "process", "count", n, NULL);
		_exit(1);
	}
	ok(!reap(pid), "an executed program has the descriptors that there were");
}

static int count(const char *expected)
{
	struct fds now = open_fds();
	int nr = 0;

	for (int fd = 0; fd < FDS; fd++)
		nr += now.open[fd];
	return nr != atoi(expected);
}

int main(int argc, char **argv)
{
	struct fds before;

	if (argc == 3)
		return count(argv[2]);
	tap_begin(30);
	before = open_fds();
	start_with_bpf("bpf");
	ok(same_fds(&before), "no descriptor of ours is in the process");
	record();
	ok(hears_raw_munmap(), "a raw munmap is told, without the entries too");
	test_pipe();
	test_overflow();
	test_other_process();
	test_child(&before);
	test_raw_child();
	test_exec(&before);
	test_closed_descriptors();
	return tap_end();
}
