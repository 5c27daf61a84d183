// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter outlives the process: what is executed, and children, go on as if it
 * were not there; and nobody is left when they have ended.
 */
#include <fcntl.h>

#include "scenario.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

extern char **environ;

/* -- who has the filter, and nobody who answers but the heir -- */

static int raw_calls_work(void)
{
	char *p = pages(4);

	NEED(raw(SYS_mmap, (long)p, PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
	     (long)p);
	NEED(!p[0] && p[PAGE] == 'x');
	NEED(!raw3(SYS_mprotect, (long)p, PAGE, PROT_READ));
	NEED(!raw3(SYS_madvise, (long)p + PAGE, PAGE, MADV_DONTNEED));
	NEED(!p[PAGE]);
	NEED(raw3(SYS_munmap, (long)p + 1, PAGE, 0) == -EINVAL);
	NEED(raw3(SYS_ftruncate, -1, 0, 0) == -EBADF);
	NEED(!raw3(SYS_munmap, (long)p, 4 * PAGE, 0));
	NEED(raw3(SYS_mincore, (long)p, PAGE, (long)&p) == -ENOMEM);
	return 0;
}

static int raw_exec(const char *path, char *const argv[])
{
	return raw3(SYS_execve, (long)path, (long)argv, (long)environ);
}

static char *const exit_7[] = { "sh", "-c", "exit 7", NULL };
static char *const this_after_exec[] = { "process", "after-exec", NULL };

/* Executed: calls, children, and one more exec. */
static int after_exec(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(raw_calls_work());
	if (reap(pid) || raw_calls_work())
		return 1;
	pid = vfork();
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	if (reap(pid) || system("exit 3") != 3 << 8)
		return 2;
	raw_exec("/bin/sh", exit_7);
	return 3;
}

/* -- exec -- */

static int execute(void)
{
	begin();
	execv("/bin/sh", exit_7);
	return 1;
}

static int execute_raw(void)
{
	begin();
	raw_exec("/bin/sh", exit_7);
	return 1;
}

static int execute_raw_at(void)
{
	begin();
	raw(SYS_execveat, AT_FDCWD, (long)"/bin/sh", (long)exit_7,
	    (long)environ, 0, 0);
	return 1;
}

static void *execute_in_thread(void *arg)
{
	raw_exec("/bin/sh", exit_7);
	return arg;
}

static int execute_raw_in_thread(void)
{
	pthread_t thread;

	begin();
	pthread_create(&thread, NULL, execute_in_thread, NULL);
	pthread_join(thread, NULL);
	return 1;
}

static int execute_ourselves(void)
{
	begin();
	execv("/proc/self/exe", this_after_exec);
	return 1;
}

static int execute_nothing(void)
{
	begin();
	listen_now();
	NEED(raw_exec("/nowhere/at/all", exit_7) == -ENOENT);
	NEED(listened() == 2 &&
	     is_range(0, false, MMU_NOTIFY_UNMAP, NULL, ULONG_MAX) &&
	     is_range(1, true, MMU_NOTIFY_UNMAP, NULL, ULONG_MAX));
	NEED(hears_raw_munmap());
	return 0;
}

static void test_exec(void)
{
	ok(case_ends(spawn_case(execute), 7, 1), "execve through libc");
	ok(case_ends(spawn_case(execute_raw), 7, 1), "raw execve");
	ok(case_ends(spawn_case(execute_raw_at), 7, 1), "raw execveat");
	ok(case_ends(spawn_case(execute_raw_in_thread), 7, 1),
	   "raw execve in another thread");
	ok(case_ends(spawn_case(execute_ourselves), 7, 1),
	   "what was executed makes raw calls, forks and executes");
	ok(case_is_right(execute_nothing),
	   "raw execve that fails: all was told of, and it goes on");
}

/* -- children that live longer -- */

static int begins_with[2], ends_with[2];

static void make_pipes(void)
{
	if (pipe2(begins_with, O_CLOEXEC) || pipe2(ends_with, O_CLOEXEC))
		bail("pipe");
}

static void close_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		close(begins_with[i]);
		close(ends_with[i]);
	}
}

static void wait_for_end_of(int pipe[2])
{
	char c;

	close(pipe[1]);
	while (read(pipe[0], &c, 1) > 0)
		;
}

/* The child goes on when its parent has ended, by whatever end. */
static int leave_a_child(void)
{
	begin();
	if (fork())
		return 0;
	wait_for_end_of(begins_with);
	if (raw_calls_work())
		_exit(1);
	raw_exec("/proc/self/exe", this_after_exec);
	_exit(1);
}

static int leave_a_child_by_exec(void)
{
	leave_a_child();
	raw_exec("/bin/true", exit_7);
	return 1;
}

static bool child_outlives(int (*body)(void))
{
	pid_t pid;
	int got, others;

	make_pipes();
	pid = spawn_case(body);
	close_pipes();
	got = reap(pid);
	others = reap_left_behind(7);
	if (got || others != 2)
		diag("status %d, %d left behind", got, others);
	return !got && others == 2;
}

/* Killed with all of its group and session; the child has left both. */
static int is_killed_with_its_group(void)
{
	if (setsid() < 0)
		return 1;
	begin();
	if (!fork()) {
		setsid();
		atomic_store(&shared->count[0], 1);
		wait_for_end_of(begins_with);
		_exit(raw_calls_work());
	}
	wait_for_count(0, 1);
	kill(0, SIGKILL);
	return 1;
}

static bool outlives_group(void)
{
	pid_t pid;

	make_pipes();
	pid = spawn_case(is_killed_with_its_group);
	close_pipes();
	return case_ends(pid, 128 + SIGKILL, 2);
}

/* It has none of the process's descriptors. */
static int leave_a_quiet_child(void)
{
	begin();
	if (fork())
		return 0;
	close(begins_with[1]);
	wait_for_end_of(ends_with);
	_exit(raw_calls_work());
}

static void test_pipe_ends(void)
{
	pid_t pid;

	make_pipes();
	pid = spawn_case(leave_a_quiet_child);
	wait_for_end_of(begins_with);
	ok(true, "the heir keeps no pipe open");
	close_pipes();
	ok(case_ends(pid, 0, 2), "and it is there: somebody has the filter");
}

static int has_no_child(void)
{
	begin();
	NEED(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
	NEED(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
	NEED(hears_raw_munmap());
	return 0;
}

static atomic_int nr_sigchld;

static void count_sigchld(int sig)
{
	(void)sig;
	atomic_fetch_add(&nr_sigchld, 1);
}

static int hears_of_no_child(void)
{
	signal(SIGCHLD, count_sigchld);
	begin();
	NEED(hears_raw_munmap());
	NEED(!atomic_load(&nr_sigchld));
	return 0;
}

static int ignores_children(void)
{
	signal(SIGCHLD, SIG_IGN);
	begin();
	NEED(hears_raw_munmap());
	NEED(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
	return 0;
}

static void test_children(void)
{
	ok(child_outlives(leave_a_child),
	   "a child that outlives the process makes raw calls and executes");
	ok(child_outlives(leave_a_child_by_exec),
	   "and one that outlives it by an exec");
	ok(outlives_group(), "or by the end of its whole process group");
	test_pipe_ends();
	ok(case_is_right(has_no_child), "the heir is nobody's child here");
	ok(case_is_right(hears_of_no_child), "nor does a signal tell of any");
	ok(case_is_right(ignores_children), "SIGCHLD may be ignored");
}

/* -- children that call without pause, while the process ends -- */

#define CALLERS 4
#define ROUNDS 6

static void call_without_pause(int i)
{
	alarm(20);
	while (!atomic_load(&shared->stop)) {
		raw3(SYS_munmap, PAGE, PAGE, 0);
		atomic_fetch_add(&shared->count[i], 1);
	}
	raw3(SYS_exit_group, 0, 0, 0);
}

static void fork_callers(void)
{
	for (int i = 0; i < CALLERS; i++)
		if (!fork())
			call_without_pause(i);
}

static int is_killed_among_callers(void)
{
	begin();
	fork_callers();
	while (pause() < 0)
		;
	return 1;
}

static int executes_among_callers(void)
{
	begin();
	fork_callers();
	for (int i = 0; i < CALLERS; i++)
		wait_for_count(i, 20);
	raw_exec("/bin/true", exit_7);
	return 1;
}

/* Of each caller, one call that began after the process had ended returns. */
static bool callers_go_on(int (*body)(void), bool kill_it)
{
	pid_t pid = spawn_case(body);
	int status;

	for (int i = 0; i < CALLERS; i++)
		wait_for_count(i, 20);
	if (kill_it)
		kill(pid, SIGKILL);
	status = reap(pid);
	for (int i = 0; i < CALLERS; i++)
		wait_for_count(i, atomic_load(&shared->count[i]) + 10);
	atomic_store(&shared->stop, 1);
	return status == (kill_it ? 128 + SIGKILL : 0) &&
	       reap_left_behind(0) == CALLERS + 1;
}

static void test_callers(void)
{
	int killed = 0, executed = 0;

	for (int i = 0; i < ROUNDS; i++) {
		killed += callers_go_on(is_killed_among_callers, true);
		executed += callers_go_on(executes_among_callers, false);
	}
	ok(killed == ROUNDS,
	   "the process is killed with children's calls in its hands: they go on");
	ok(executed == ROUNDS, "the same when it executes something");
}

/* -- children that use the library -- */

static bool is_refused(const char *why)
{
	const struct mmun_source_info *info = seccomp_source();
	bool right = info->error == -EOPNOTSUPP && strstr(info->state, why);

	if (!right)
		diag("%d: %s", info->error, info->state);
	return right;
}

static int is_refused_in_child(void)
{
	struct mmu_notifier mn = { .ops = &recorder_ops };

	NEED(mmun_monitor_start() == -EOPNOTSUPP);
	NEED(is_refused("stands already"));
	NEED(mmu_notifier_register(&mn, mm_self()) == -EOPNOTSUPP);
	NEED(!raw_calls_work());
	return 0;
}

static bool hears_libc(void)
{
	char *p = pages(1);

	listen_now();
	munmap(p, PAGE);
	return heard_one(MMU_NOTIFY_UNMAP, p, PAGE);
}

/* By entries, and what is past them goes unheard. */
static int goes_without(void)
{
	char *p = pages(1);

	NEED(!mmun_monitor_start());
	NEED(is_refused("stands already"));
	recorder = (struct mmu_notifier){ .ops = &recorder_ops };
	record();
	NEED(hears_libc());
	listen_now();
	NEED(!raw_calls_work());
	drop(p, 1);
	mmun_settle(mm_self());
	NEED(heard_none());
	p = pages(1);
	NEED(mmun_coverage(mm_self(), (long)p, (long)p + PAGE) &
	     MMUN_BLIND_RAW);
	return 0;
}

static int in_forked(int (*body)(void))
{
	pid_t pid = fork();

	if (!pid)
		_exit(body());
	return reap(pid);
}

static int and_its_child(void)
{
	return goes_without() || in_forked(goes_without);
}

static int forks_required(void)
{
	begin_with("auto,seccomp");
	NEED(!in_forked(is_refused_in_child));
	NEED(hears_raw_munmap());
	return 0;
}

static int forks_optional(void)
{
	begin_with("auto,seccomp?");
	NEED(!seccomp_source()->error);
	NEED(!in_forked(and_its_child));
	NEED(hears_raw_munmap());
	return 0;
}

static int executed_required(void)
{
	mmun_monitor_select("auto,seccomp");
	return is_refused_in_child();
}

static int executed_optional(void)
{
	mmun_monitor_select("auto,seccomp?");
	return and_its_child();
}

static int execute_case(const char *name)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "process", name, NULL);
		_exit(1);
	}
	NEED(!reap(pid));
	NEED(hears_raw_munmap());
	return 0;
}

static int executes_required(void)
{
	return execute_case("required");
}

static int executes_optional(void)
{
	return execute_case("optional");
}

/* Made past fork(), so that no handler knows of it. */
static int clones_raw(void)
{
	pid_t pid;

	begin();
	pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
	if (!pid) {
		listen_now();
		if (raw_calls_work() || listened())
			raw3(SYS_exit_group, 1, 0, 0);
		mmun_settle(mm_self());
		raw3(SYS_exit_group, 7, 0, 0);
	}
	NEED(reap(pid) == 7);
	NEED(hears_raw_munmap());
	return 0;
}

static void test_users(void)
{
	ok(case_is_right(forks_required),
	   "a forked child is refused the source, and told why");
	ok(case_is_right(forks_optional),
	   "a forked child, and its own, go without if they may");
	/* Each that tries has an heir for a moment. */
	ok(case_ends(spawn_case(executes_required), 0, -1),
	   "so is who was executed");
	ok(case_ends(spawn_case(executes_optional), 0, -1),
	   "and goes without if he may");
	ok(case_is_right(clones_raw), "a child that no handler knows of");
}

/* -- children that borrow our memory -- */

static int vforks(void)
{
	char *volatile p;
	pid_t pid;

	begin();
	p = pages(3);
	listen_now();
	pid = vfork();
	if (!pid) {
		raw3(SYS_munmap, (long)p + PAGE, PAGE, 0);
		raw3(SYS_exit_group, 9, 0, 0);
	}
	NEED(reap(pid) == 9);
	NEED(told(MMU_NOTIFY_UNMAP, p + PAGE, PAGE) && went(1));
	listen_now();
	pid = vfork();
	if (!pid) {
		raw_exec("/bin/sh", exit_7);
		raw3(SYS_exit_group, 1, 0, 0);
	}
	NEED(reap(pid) == 7);
	NEED(heard_none());
	NEED(hears_raw_munmap());
	return 0;
}

static int unmap_in_child(void *arg)
{
	return raw3(SYS_munmap, (long)arg, PAGE, 0);
}

static int clones(void)
{
	char *p, *stack;
	pid_t pid;

	begin();
	p = pages(1);
	stack = pages(16);
	listen_now();
	pid = clone(unmap_in_child, stack + 16 * PAGE, CLONE_VM | SIGCHLD, p);
	NEED(pid > 0 && !reap(pid));
	NEED(told(MMU_NOTIFY_UNMAP, p, PAGE) && went(1));
	NEED(hears_raw_munmap());
	return 0;
}

/* Its descriptors are others: the call is about its own file. */
static int cut_in_child(void *arg)
{
	int fd = memfd_create("other", 0);

	return dup2(fd, *(int *)arg) < 0 ||
	       raw3(SYS_ftruncate, *(int *)arg, 5, 0) ||
	       lseek(fd, 0, SEEK_END) != 5;
}

static int clones_with_files(void)
{
	char *stack;
	pid_t pid;
	int fd;

	begin();
	fd = memfd_create("ours", 0);
	NEED(fd >= 0 && !ftruncate(fd, PAGE));
	stack = pages(16);
	pid = clone(cut_in_child, stack + 16 * PAGE,
		    CLONE_VM | CLONE_FS | SIGCHLD, &fd);
	NEED(pid > 0 && !reap(pid));
	NEED(lseek(fd, 0, SEEK_END) == PAGE);
	return 0;
}

static void test_borrowers(void)
{
	ok(case_is_right(vforks),
	   "what a vfork child unmaps is told; not its exec, nor its end");
	ok(case_is_right(clones), "what a child by clone(CLONE_VM) unmaps, too");
	ok(case_is_right(clones_with_files),
	   "a child with descriptors of its own cuts its own file");
}

/* -- the end of the process -- */

static void released(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
	atomic_fetch_add(&shared->count[0], 1);
}

static const struct mmu_notifier_ops release_ops = { .release = released };

static void begin_to_be_released(void)
{
	static struct mmu_notifier mn[2];

	begin();
	for (int i = 0; i < 2; i++) {
		mn[i].ops = &release_ops;
		if (mmu_notifier_register(&mn[i], mm_self()))
			_exit(97);
	}
}

static int exits_raw(void)
{
	begin_to_be_released();
	raw3(SYS_exit_group, 5, 0, 0);
	return 1;
}

static void *exit_in_thread(void *arg)
{
	raw3(SYS_exit_group, 5, 0, 0);
	return arg;
}

static int exits_raw_in_thread(void)
{
	pthread_t thread;

	begin_to_be_released();
	pthread_create(&thread, NULL, exit_in_thread, NULL);
	pthread_join(thread, NULL);
	return 1;
}

static int children_exit_raw(void)
{
	pid_t pid;

	begin_to_be_released();
	pid = fork();
	if (!pid)
		raw3(SYS_exit_group, 3, 0, 0);
	NEED(reap(pid) == 3);
	pid = vfork();
	if (!pid)
		raw3(SYS_exit_group, 4, 0, 0);
	NEED(reap(pid) == 4);
	NEED(!atomic_load(&shared->count[0]));
	raw3(SYS_exit_group, 5, 0, 0);
	return 1;
}

static void test_release(void)
{
	ok(case_ends(spawn_case(exits_raw), 5, 1) &&
	   atomic_load(&shared->count[0]) == 2,
	   "raw exit_group releases each registration once");
	ok(case_ends(spawn_case(exits_raw_in_thread), 5, 1) &&
	   atomic_load(&shared->count[0]) == 2, "in another thread, too");
	ok(case_ends(spawn_case(children_exit_raw), 5, 1) &&
	   atomic_load(&shared->count[0]) == 2, "but not that of a child");
}

/* -- it ends while many wait -- */

#define WAITING 32

static int wait_for_ever(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&shared->count[1], 1);
	while (pause() < 0)
		;
	return 1;
}

static const struct mmu_notifier_ops waiting_ops = {
	.invalidate_range_start = wait_for_ever,
};

static void *wait_in_call(void *arg)
{
	while (!atomic_load(&shared->stop))
		sched_yield();
	atomic_fetch_add(&shared->count[0], 1);
	raw3(SYS_munmap, (long)arg, PAGE, 0);
	return NULL;
}

/* One call is in a callback, all others behind it. */
static void wait_with_many(void)
{
	static struct mmu_notifier mn = { .ops = &waiting_ops };
	pthread_t thread;
	char *p;

	begin();
	p = pages(WAITING);
	for (int i = 0; i < WAITING; i++)
		if (pthread_create(&thread, NULL, wait_in_call, p + i * PAGE))
			_exit(96);
	if (mmu_notifier_register(&mn, mm_self()))
		_exit(97);
	atomic_store(&shared->stop, 1);
}

static int is_killed_while_many_wait(void)
{
	wait_with_many();
	while (pause() < 0)
		;
	return 1;
}

static int exits_while_many_wait(void)
{
	wait_with_many();
	wait_for_count(0, WAITING);
	wait_for_count(1, 1);
	_exit(3);
}

static int is_terminated_while_many_wait(void)
{
	wait_with_many();
	wait_for_count(0, WAITING);
	wait_for_count(1, 1);
	raise(SIGTERM);
	return 1;
}

static void test_waiting(void)
{
	pid_t pid = spawn_case(is_killed_while_many_wait);

	wait_for_count(0, WAITING);
	wait_for_count(1, 1);
	kill(pid, SIGKILL);
	ok(case_ends(pid, 128 + SIGKILL, 1) &&
	   atomic_load(&shared->count[1]) == 1,
	   "it is killed while many wait for a callback that never ends");
	ok(case_ends(spawn_case(exits_while_many_wait), 3, 1),
	   "it calls _exit() then");
	ok(case_ends(spawn_case(is_terminated_while_many_wait), 128 + SIGTERM, 1),
	   "it ends by a signal then");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "after-exec"))
		return after_exec();
	if (argc > 1 && !strcmp(argv[1], "required"))
		return executed_required();
	if (argc > 1 && !strcmp(argv[1], "optional"))
		return executed_optional();
	set_up_cases(50);
	test_exec();
	test_children();
	test_callers();
	test_users();
	test_borrowers();
	test_release();
	test_waiting();
	return tap_end();
}
