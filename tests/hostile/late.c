// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Starting, watching and registering in a process that has already lost what they
 * need: descriptors, mappings, signals.  What fails then says so, breaks
 * nothing, and succeeds when it is there again.
 */
#include <fcntl.h>
#include <sys/resource.h>

#include "live.h"

#define MANY (1 << 18)

static struct mmun_watch watch;
static char *watched;

static int try_register(void)
{
	int err = mmu_notifier_register(&recorder, mm_self());

	if (err)
		diag("register: %s", strerror(-err));
	return err;
}

static int try_watch(void)
{
	int err;

	watched = pages(8);
	err = mmun_watch(&watch, mm_self(), (unsigned long)watched,
			 (unsigned long)watched + 8 * PAGE);
	if (err)
		diag("watch: %s", strerror(-err));
	return err;
}

static bool hears_unmap(void)
{
	char *p = pages(2);

	listen_now();
	munmap(p, 2 * PAGE);
	return heard_one(MMU_NOTIFY_UNMAP, p, 2 * PAGE);
}

/* One call, two sources: one invalidation. */
static bool hears_watched(void)
{
	listen_now();
	munmap(watched, 4 * PAGE);
	mmun_settle(mm_self());
	return heard_one(MMU_NOTIFY_UNMAP, watched, 4 * PAGE);
}

static int all_works(void)
{
	if (try_register())
		return 1;
	if (!hears_unmap())
		return 2;
	if (try_watch())
		return 3;
	return hears_watched() ? 0 : 4;
}

static void close_all(void)
{
	raw3(SYS_close_range, 3, ~0U, 0);
}

static int before_all_are_closed(void)
{
	close_all();
	return all_works();
}

/* Ours go too, and what others open takes their numbers. */
static int after_all_are_closed(void)
{
	int err = all_works();

	close_all();
	for (int i = 0; i < 20; i++)
		open("/dev/null", O_RDWR);
	if (err || !hears_unmap())
		return 5;
	listen_now();
	munmap(watched + 4 * PAGE, 4 * PAGE);
	mmun_settle(mm_self());
	if (!heard_one(MMU_NOTIFY_UNMAP, watched + 4 * PAGE, 4 * PAGE))
		return 6;
	for (int i = 0; i < 20; i++)
		if (fcntl(3 + i, F_GETFD) < 0)
			return 7;
	return 0;
}

static void limit_files(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		bail("setrlimit: %s", strerror(errno));
}

static int few_files;

/* Either all that is asked for runs, or we are told; then once more. */
static int before_few_files(void)
{
	int err;

	close_all();
	limit_files(few_files);
	err = try_register();
	if (!err && !hears_unmap())
		return 1;
	if (err && err != -ENOMEM)
		return 2;
	limit_files(1000);
	if (err && try_register())
		return 3;
	if (!hears_unmap())
		return 4;
	return try_watch() || !hears_watched() ? 5 : 0;
}

static int after_few_files(void)
{
	if (try_register() || try_watch())
		return 1;
	limit_files(few_files);
	if (!hears_unmap())
		return 2;
	return hears_watched() ? 0 : 3;
}

/* As many mappings as there may be. */
static char *use_up_mappings(void)
{
	char *p = (char *)raw(SYS_mmap, 0, MANY * PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (int i = 1; i < MANY; i += 2)
		if (raw3(SYS_mprotect, (long)p + i * PAGE, PAGE, PROT_NONE))
			return p;
	bail("there is no limit on mappings");
}

static int before_no_mappings(void)
{
	char *p = use_up_mappings();
	int err = try_register();

	if (err && err != -ENOMEM)
		return 1;
	drop(p, MANY);
	if (err && try_register())
		return 2;
	if (!hears_unmap())
		return 3;
	return try_watch() || !hears_watched() ? 4 : 0;
}

/* Many holes at once, and the last mapping: all are told of. */
static int after_no_mappings(void)
{
	char *p;

	if (try_register() || try_watch())
		return 1;
	p = use_up_mappings();
	listen_now();
	munmap(p, PAGE);
	if (!heard_one(MMU_NOTIFY_UNMAP, p, PAGE))
		return 2;
	listen_now();
	munmap(p, MANY * PAGE);
	if (!heard_one(MMU_NOTIFY_UNMAP, p, MANY * PAGE))
		return 3;
	return hears_unmap() && hears_watched() ? 0 : 4;
}

static int blocked_signals(void)
{
	unsigned long all = ~0UL;

	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0, 0);
	return all_works();
}

static void child(int (*fn)(void), const char *claim)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn());
	status = reap(pid);
	if (!ok(!status, "%s", claim))
		diag("exit status %d", status);
}

int main(void)
{
	char claim[100];

	tap_begin(60);
	child(all_works, "in peace all works");
	child(blocked_signals, "with all signals blocked");
	child(before_all_are_closed, "with all descriptors closed before");
	child(after_all_are_closed, "with all descriptors closed after");
	for (few_files = 3; few_files <= 8; few_files++) {
		snprintf(claim, sizeof(claim), "with %d descriptors before",
			 few_files);
		child(before_few_files, claim);
	}
	few_files = 3;
	child(after_few_files, "with no more descriptors after");
	child(before_no_mappings, "with no more mappings before");
	child(after_no_mappings, "with no more mappings after");
	return tap_end();
}
