// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Starting: by several at once, without what it needs, beside another supervisor,
 * with less privilege; and what the process notices of it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/resource.h>

#include "scenario.h"

#define NOBODY 65534

/* -- twice -- */

static int starts_twice(void)
{
	begin();
	NEED(!mmun_monitor_start() && !mmun_monitor_start());
	NEED(!seccomp_source()->error);
	NEED(mmun_monitor_select("auto") == -EBUSY);
	NEED(hears_raw_munmap());
	return 0;
}

#define STARTERS 8

static pthread_barrier_t barrier;

static void *start_at_once(void *arg)
{
	pthread_barrier_wait(&barrier);
	*(int *)arg = mmun_monitor_start();
	return NULL;
}

static int starts_at_once(void)
{
	pthread_t thread[STARTERS];
	int err[STARTERS];

	NEED(!mmun_monitor_select("entries,seccomp"));
	pthread_barrier_init(&barrier, NULL, STARTERS);
	for (int i = 0; i < STARTERS; i++)
		pthread_create(&thread[i], NULL, start_at_once, &err[i]);
	for (int i = 0; i < STARTERS; i++) {
		pthread_join(thread[i], NULL);
		NEED(!err[i]);
	}
	record();
	NEED(hears_raw_munmap());
	return 0;
}

/* Those who call meanwhile are stopped, and go on. */
static atomic_bool started;

static void *call_meanwhile(void *arg)
{
	while (!atomic_load(&started)) {
		char *p = pages(1);

		*(long *)arg |= raw3(SYS_munmap, (long)p, PAGE, 0);
	}
	return NULL;
}

static int starts_among_calls(void)
{
	pthread_t thread[4];
	long bad[4] = { 0 };

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, call_meanwhile, &bad[i]);
	begin();
	atomic_store(&started, true);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		NEED(!bad[i]);
	}
	NEED(hears_raw_munmap());
	return 0;
}

static void test_twice(void)
{
	ok(case_is_right(starts_twice), "it starts once");
	ok(case_is_right(starts_at_once), "eight threads start it at once");
	ok(case_is_right(starts_among_calls), "while others make raw calls");
}

/* -- what is missing -- */

static int nr_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = -2;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static bool set_limit(int resource, rlim_t n)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return false;
	limit.rlim_cur = n;
	return !setrlimit(resource, &limit);
}

/* However many more there may be, it starts, or says so and starts later. */
static int starts_with_more(int resource, rlim_t at, int more, rlim_t enough)
{
	int failed = 0, threads = nr_threads();

	for (int i = 0; i <= more; i++) {
		int err;

		NEED(set_limit(resource, at + i));
		err = mmun_monitor_start();
		NEED(set_limit(resource, enough));
		if (!err)
			break;
		NEED(err == -ENOMEM && seccomp_source()->error == -ENOMEM);
		NEED(strlen(seccomp_source()->state) > 10);
		/* A joined thread stands there until the kernel has reaped it. */
		while (nr_threads() > threads)
			sched_yield();
		NEED(nr_threads() == threads);
		failed++;
	}
	diag("it failed %d times, and then started", failed);
	NEED(failed > 1 && failed <= more);
	record();
	NEED(hears_raw_munmap());
	return 0;
}

static int starts_without_files(void)
{
	struct rlimit limit;

	NEED(!getrlimit(RLIMIT_NOFILE, &limit));
	NEED(!mmun_monitor_select("entries,seccomp"));
	return starts_with_more(RLIMIT_NOFILE, 0, 10, limit.rlim_cur);
}

/* Of a user who has nothing else. */
static int starts_without_processes(void)
{
	NEED(!setresuid(60000 + getpid() % 5000, 60000 + getpid() % 5000,
			60000 + getpid() % 5000));
	NEED(!mmun_monitor_select("entries,seccomp"));
	return starts_with_more(RLIMIT_NPROC, 1, 10, 100);
}

static void test_missing(void)
{
	ok(case_ends(spawn_case(starts_without_files), 0, -1),
	   "too few descriptors: -ENOMEM, and later it starts");
	if (getuid())
		skip("too few processes", "root, to be somebody else");
	else
		ok(case_ends(spawn_case(starts_without_processes), 0, -1),
		   "too few processes: -ENOMEM, and later it starts");
}

/* -- others -- */

static int install(unsigned int flags, struct sock_filter *filter, int len)
{
	struct sock_fprog prog = { .len = len, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static bool is_refused(const char *why)
{
	const struct mmun_source_info *info = seccomp_source();
	bool right = info->error == -EOPNOTSUPP && strstr(info->state, why);

	if (!right)
		diag("%d: %s", info->error, info->state);
	return right;
}

/* And it leaves nothing behind. */
static int is_refused_here(const char *why)
{
	int threads = nr_threads();
	char *p = pages(2);

	NEED(!mmun_monitor_select("entries,seccomp"));
	NEED(mmun_monitor_start() == -EOPNOTSUPP);
	NEED(is_refused(why));
	NEED(mmun_monitor_start() == -EOPNOTSUPP);
	NEED(nr_threads() == threads);
	NEED(!raw3(SYS_munmap, (long)p, PAGE, 0));
	NEED(!munmap(p + PAGE, PAGE));
	return 0;
}

static int meets_a_supervisor(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1023, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	NEED(install(SECCOMP_FILTER_FLAG_NEW_LISTENER, filter, 4) >= 0);
	return is_refused_here("another supervisor's");
}

static struct sock_filter allow[] = {
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* It has no listener: two filters may stand. */
static int meets_a_filter(void)
{
	NEED(!install(0, allow, 1));
	begin();
	NEED(hears_raw_munmap());
	return 0;
}

static void *be_filtered(void *arg)
{
	*(int *)arg = install(0, allow, 1);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static int meets_a_filtered_thread(void)
{
	pthread_t thread;
	int err = -1, status;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, be_filtered, &err);
	pthread_barrier_wait(&barrier);
	NEED(!err);
	status = is_refused_here("a thread has a filter");
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	return status;
}

/* A sandbox that fails what it does not know. */
static int is_forbidden(int nr, const char *why)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	NEED(!install(0, filter, 4));
	return is_refused_here(why);
}

static int has_no_seccomp(void)
{
	return is_forbidden(SYS_seccomp, "no seccomp notification");
}

static int has_no_kcmp(void)
{
	return is_forbidden(SYS_kcmp, "kcmp()");
}

static int has_no_memfd(void)
{
	return is_forbidden(SYS_memfd_create, "no process to be had");
}

static void test_others(void)
{
	ok(case_ends(spawn_case(meets_a_supervisor), 0, -1),
	   "where another supervisor is: refused, for that");
	ok(case_is_right(meets_a_filter), "beside a filter that stops nothing");
	ok(case_ends(spawn_case(meets_a_filtered_thread), 0, -1),
	   "where a thread has a filter of its own: refused, for that");
	ok(case_ends(spawn_case(has_no_seccomp), 0, -1) &&
	   case_ends(spawn_case(has_no_kcmp), 0, -1) &&
	   case_ends(spawn_case(has_no_memfd), 0, -1),
	   "where a policy forbids what it needs: refused, for that");
}

/* -- privilege -- */

static int has_no_privilege(void)
{
	if (!getuid())
		NEED(!setresgid(NOBODY, NOBODY, NOBODY) &&
		     !setresuid(NOBODY, NOBODY, NOBODY));
	begin();
	NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	NEED(hears_raw_munmap());
	return 0;
}

static int has_privilege(void)
{
	begin();
	NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	NEED(hears_raw_munmap());
	return 0;
}

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* libc changes the user in each thread, by a signal that each has to take. */
static int gives_up_privilege(void)
{
	pthread_t thread;

	/* The first thread that libc makes unblocks that signal. */
	NEED(!pthread_create(&thread, NULL, idle, NULL));
	begin();
	NEED(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	     !setresuid(NOBODY, NOBODY, NOBODY));
	NEED(hears_raw_munmap());
	NEED(raw3(SYS_open, (long)"/", O_RDWR | O_TRUNC, 0) == -EISDIR);
	/* The call is made with the new user's rights, whoever makes it. */
	NEED(raw3(SYS_truncate, (long)"/proc/self/exe", 0, 0) == -EACCES ||
	     raw3(SYS_truncate, (long)"/proc/self/exe", 0, 0) == -ETXTBSY);
	return 0;
}

static void test_privilege(void)
{
	ok(case_is_right(has_no_privilege),
	   "without privilege: it works, and no_new_privs is set");
	if (getuid()) {
		skip("with privilege", "root");
		skip("giving it up", "root");
		return;
	}
	ok(case_is_right(has_privilege), "with it: no_new_privs is not set");
	ok(case_is_right(gives_up_privilege), "giving it up after the start");
}

/* -- what the process notices -- */

#define FDS 64

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < FDS; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int has_no_descriptor(void)
{
	int n = count_fds();

	begin();
	NEED(count_fds() == n);
	NEED(hears_raw_munmap());
	return 0;
}

static int closes_all(void)
{
	begin();
	NEED(!raw3(SYS_close_range, 3, ~0U, 0));
	NEED(hears_raw_munmap());
	/* Whoever has the numbers now, they are not taken for ours. */
	for (int fd = 3; fd < FDS; fd++)
		NEED(open("/dev/null", O_RDONLY) == fd);
	NEED(hears_raw_munmap());
	return 0;
}

static int blocks_nothing(void)
{
	sigset_t mask;

	begin();
	NEED(!pthread_sigmask(SIG_BLOCK, NULL, &mask));
	for (int sig = 1; sig < 32; sig++)
		NEED(!sigismember(&mask, sig));
	return 0;
}

/* Who waits for signals by sigwait() blocks them; we are not to take them. */
static int waits_for_signals(void)
{
	const int signals[] = { SIGUSR1, SIGTERM, SIGRTMIN, SIGRTMAX };
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	begin();
	for (int i = 0; i < 4; i++) {
		NEED(!kill(getpid(), signals[i]));
		NEED(sigwaitinfo(&set, NULL) == signals[i]);
	}
	NEED(hears_raw_munmap());
	return 0;
}

static void test_process(void)
{
	ok(case_is_right(has_no_descriptor),
	   "no descriptor of ours is in the process");
	ok(case_is_right(closes_all),
	   "a process that closes all descriptors is still seen");
	ok(case_is_right(blocks_nothing), "its signals are as they were");
	ok(case_is_right(waits_for_signals), "and come to who waits for them");
}

int main(void)
{
	set_up_cases(50);
	test_twice();
	test_missing();
	test_others();
	test_privilege();
	test_process();
	return tap_end();
}
