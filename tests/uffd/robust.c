// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The source in a hostile process: callbacks that unmap or wait, descriptors
 * that are closed and reused, no privilege, no descriptors, and the end of the
 * process in the middle of it.  Each in a child of fork(), which starts the
 * source anew.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "uffd.h"

static void in_child(const char *claim, bool (*test)(void))
{
	pid_t pid = fork();

	if (!pid) {
		alarm(20);
		_exit(test() ? 0 : 1);
	}
	ok(!reap(pid), "%s", claim);
}

/* What ASan's runtime may hang in. */
static void in_child_without_asan(const char *claim, const char *missing,
				  bool (*test)(void))
{
#ifdef __SANITIZE_ADDRESS__
	(void)test;
	skip(claim, missing);
#else
	(void)missing;
	in_child(claim, test);
#endif
}

static bool seen(char *p, size_t nr)
{
	listen_now();
	drop(p, nr);
	return told_after(MMU_NOTIFY_UNMAP, p, nr * PAGE);
}

/* -- callbacks -- */

#define DEEP 20
static char *chain[DEEP + 1];
static struct mmun_watch chain_watch[DEEP + 1];
static atomic_int links;
static bool through_libc;

/* Each death is the next one's cause; the first is the caller's. */
static int unmap_next(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	int i = atomic_load(&links);

	(void)mn;
	if (i >= DEEP || range->start != (unsigned long)chain[i])
		return 0;
	atomic_store(&links, i + 1);
	if (through_libc)
		munmap(chain[i + 1], PAGE);
	else
		drop(chain[i + 1], 1);
	return 0;
}

static bool unmap_in_callbacks(bool libc)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = unmap_next,
	};
	static struct mmu_notifier mn = { .ops = &ops };

	through_libc = libc;
	if (mmu_notifier_register(&mn, mm_self()))
		return false;
	for (int i = 0; i <= DEEP; i++)
		chain[i] = watched(&chain_watch[i], 1);
	drop(chain[0], 1);
	settle();
	/* A callback's own unmap is told after it, in its turn. */
	while (atomic_load(&links) < DEEP) {
		sched_yield();
		settle();
	}
	return true;
}

static bool raw_in_callbacks(void)
{
	return unmap_in_callbacks(false);
}

static bool libc_in_callbacks(void)
{
	return unmap_in_callbacks(true);
}

static sem_t inside, go_on;
static char *slow;
static atomic_bool everything;

static int wait_inside(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	if (range->start == (unsigned long)slow) {
		sem_post(&inside);
		sem_wait(&go_on);
	}
	if (!range->start && range->end == ULONG_MAX &&
	    range->flags & MMUN_RANGE_AFTER)
		atomic_store(&everything, true);
	return 0;
}

#define FLOOD 1000

/* More events than anybody keeps, while a callback does not return. */
static bool flood(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = wait_inside,
	};
	static struct mmu_notifier mn = { .ops = &ops };
	struct mmun_watch w, v;
	char *p;

	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	if (mmu_notifier_register(&mn, mm_self()))
		return false;
	slow = watched(&w, 1);
	p = watched(&v, FLOOD);
	drop(slow, 1);
	sem_wait(&inside);
	for (int i = 0; i < FLOOD; i++)
		drop(p + i * PAGE, 1);
	sem_post(&go_on);
	settle();
	return atomic_load(&everything);
}

/* -- descriptors -- */

static bool after_closing(void)
{
	struct mmun_watch w;
	char *p;

	for (int i = 0; i < 3; i++) {
		p = watched(&w, 4);
		if (!seen(p, 4))
			return false;
		mmun_unwatch(&w);
	}
	p = watched(&w, 4);
	mmun_unwatch(&w);
	listen_now();
	drop(p, 4);
	settle();
	return heard_none();
}

static bool close_all(void)
{
	struct mmun_watch w;
	char *p;

	record();
	p = watched(&w, 4);
	if (syscall(SYS_close_range, 3, ~0U, 0))
		return false;
	if (!seen(p, 4))
		return false;
	mmun_unwatch(&w);
	return after_closing();
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* All numbers above, by something that could be read, or waited for. */
static bool reuse(int with)
{
	bool was_open[2048];
	struct mmun_watch w;
	uint64_t count;
	char *p;

	record();
	p = watched(&w, 4);
	for (int fd = 3; fd < 2048; fd++)
		was_open[fd] = fd != with && is_open(fd);
	for (int fd = 3; fd < 2048; fd++)
		if (was_open[fd] && dup2(with, fd) != fd)
			return false;
	if (!seen(p, 4))
		return false;
	mmun_unwatch(&w);
	if (!after_closing())
		return false;
	/* Nobody has taken what is in it. */
	return read(with, &count, sizeof(count)) == sizeof(count) || errno == EINVAL;
}

static bool reuse_eventfd(void)
{
	return reuse(eventfd(7, EFD_CLOEXEC));
}

static bool reuse_epoll(void)
{
	return reuse(epoll_create1(EPOLL_CLOEXEC));
}

static bool is_seen(char *p)
{
	return !(mmun_coverage(mm_self(), (unsigned long)p,
			       (unsigned long)p + PAGE) & MMUN_BLIND_RAW);
}

static bool no_descriptors(void)
{
	struct rlimit none, before;
	struct mmun_watch w, v;
	char *p = pages(1);

	record();
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){ 0, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	watch(&w, p, 1);
	setrlimit(RLIMIT_NOFILE, &before);
	diag("no descriptors: %s", uffd_info()->state);
	if (is_seen(p) || !strcmp(uffd_info()->state, "reading events"))
		return false;
	watch(&v, p, 1);
	diag("and then: %s", uffd_info()->state);
	return is_seen(p) && seen(p, 1);
}

/* -- privilege -- */

static bool as_nobody(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return false;
	record();
	return after_closing();
}

/* -- the end -- */

static void *unmap_for_ever(void *arg)
{
	struct mmun_watch w;
	char *p = watched(&w, 1);

	(void)arg;
	for (;;) {
		raw3(SYS_madvise, (long)p, PAGE, MADV_DONTNEED);
		*(volatile char *)p = 1;
	}
	return NULL;
}

static void busy_threads(void)
{
	pthread_t thread;

	record();
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, unmap_for_ever, NULL);
	listen_now();
	while (atomic_load(&nr_heard) < 10)
		sched_yield();
}

static bool exit_busy(void)
{
	busy_threads();
	exit(0);
}

static bool quick_exit_busy(void)
{
	busy_threads();
	_exit(0);
}

static bool exec_busy(void)
{
	busy_threads();
	execl("/bin/true", "true", NULL);
	return false;
}

/* A child that was cloned by instruction: it has the descriptors, no threads. */
static bool raw_clone(void)
{
	struct mmun_watch w;
	char *p;
	long pid;

	record();
	p = watched(&w, 4);
	pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
	if (!pid) {
		drop(p, 2);
		raw3(SYS_exit_group, 0, 0, 0);
	}
	return !reap(pid) && seen(p, 4);
}

static bool fork_in_a_loop(void)
{
	struct mmun_watch w;
	char *p = watched(&w, 4);

	record();
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (!pid) {
			alarm(10);
			/* Its watches start again with the source. */
			mmu_notifier_unregister(&recorder, mm_self());
			record();
			if (!seen(p, 4))
				_exit(1);
			mmun_unwatch(&w);
			_exit(!after_closing());
		}
		if (reap(pid))
			return false;
	}
	return seen(p, 4);
}

int main(void)
{
	tap_begin(50);
	if (fork() == 0) {
		bool runs = !mmun_monitor_start() && !uffd_info()->error;

		_exit(runs ? 0 : 1);
	}
	if (reap(-1)) {
		skip("a hostile process", "userfaultfd");
		return tap_end();
	}
	in_child("callbacks that unmap watched memory by instruction",
		 raw_in_callbacks);
	in_child("callbacks that unmap watched memory through libc",
		 libc_in_callbacks);
	in_child("a callback that waits, and more events than fit: everything",
		 flood);
	in_child("all descriptors are closed: nothing is missed", close_all);
	in_child("and reused for an eventfd: which is left alone",
		 reuse_eventfd);
	in_child("and reused for an epoll", reuse_epoll);
	in_child("no descriptor is to be had: it says so", no_descriptors);
	in_child("without privilege", as_nobody);
	in_child_without_asan("exit() while threads wait for their events",
			      "exit() without LeakSanitizer, which stops who reads",
			      exit_busy);
	in_child("_exit() likewise", quick_exit_busy);
	in_child("execve() likewise", exec_busy);
	in_child("a child cloned by instruction disturbs nobody", raw_clone);
	in_child_without_asan("fork() in a loop, with watches",
			      "fork with threads under a sanitizer",
			      fork_in_a_loop);
	return tap_end();
}
