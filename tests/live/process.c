// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that replace the process, and children that borrow its memory: what a
 * subscriber in the parent hears of them, and what he does not.
 *
 *	process [VFORKS]
 */
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>

#include "live.h"

extern char **environ;

static char *const run_true[] = { "true", NULL };

/* In memory that outlives an exec: what the child's subscriber heard. */
static struct tally {
	atomic_int starts;
	atomic_int ends;
	atomic_int unchanged;
	atomic_int other;
} *tally;

static bool is_all(const struct mmu_notifier_range *range)
{
	return !range->start && range->end == ULONG_MAX &&
	       range->event == MMU_NOTIFY_UNMAP;
}

static int tally_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	atomic_fetch_add(is_all(range) ? &tally->starts : &tally->other, 1);
	return 0;
}

static void tally_end(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	(void)mn;
	if (is_all(range))
		atomic_fetch_add(range->flags & MMUN_RANGE_UNCHANGED ?
					 &tally->unchanged : &tally->ends, 1);
}

static const struct mmu_notifier_ops tally_ops = {
	.invalidate_range_start = tally_start,
	.invalidate_range_end = tally_end,
};
static struct mmu_notifier talliers = { .ops = &tally_ops };

/* -- exec -- */

static void by_execve(const char *path)
{
	execve(path, run_true, environ);
}

static void by_execv(const char *path)
{
	execv(path, run_true);
}

static void by_execlp(const char *path)
{
	execlp(path, "true", NULL);
}

static void by_execvpe(const char *path)
{
	execvpe(path, run_true, environ);
}

static void by_execveat(const char *path)
{
	execveat(AT_FDCWD, path, run_true, environ, 0);
}

static void by_fexecve(const char *path)
{
	fexecve(open(path, O_RDONLY | O_CLOEXEC), run_true, environ);
}

static void by_number(const char *path)
{
	syscall(SYS_execve, path, run_true, environ);
}

static bool in_child(void (*exec)(const char *), const char *path, int expected)
{
	pid_t pid;
	int status;

	memset(tally, 0, sizeof(*tally));
	pid = fork();
	if (!pid) {
		alarm(20);
		if (mmu_notifier_register(&talliers, mm_self()))
			_exit(90);
		errno = 0;
		exec(path);
		_exit(errno);
	}
	status = reap(pid);
	if (status != expected)
		diag("exit status %d", status);
	return status == expected;
}

static void test_exec(const char *name, void (*exec)(const char *))
{
	bool done = in_child(exec, "/bin/true", 0);

	ok(done && tally->starts == 1 && !tally->ends && !tally->unchanged,
	   "%s: UNMAP of everything before it, once", name);
	done = in_child(exec, "/dev/null/nothing",
			exec == by_fexecve ? EINVAL : ENOTDIR);
	ok(done && tally->starts == 1 && !tally->ends && tally->unchanged == 1,
	   "%s that fails: its errno, and the end says unchanged", name);
}

/* -- children that leave our memory alone -- */

static void test_spawn(void)
{
	pid_t pid;
	FILE *pipe;
	char word[8] = "";

	listen_now();
	ok(!posix_spawn(&pid, "/bin/true", NULL, NULL, run_true, environ) &&
	   !reap(pid) && !heard_at(MMU_NOTIFY_UNMAP, (void *)PAGE),
	   "posix_spawn: the child's exec is not ours");
	listen_now();
	ok(posix_spawn(&pid, "/nowhere", NULL, NULL, run_true, environ) ==
		   ENOENT && !heard_at(MMU_NOTIFY_UNMAP, (void *)PAGE),
	   "posix_spawn that fails: nor is its exit");
	listen_now();
	ok(system("exit 7") == 7 << 8 && !heard_at(MMU_NOTIFY_UNMAP, (void *)PAGE),
	   "system()");
	pipe = popen("echo word", "r");
	ok(pipe && fgets(word, sizeof(word), pipe) && !pclose(pipe) &&
	   !strcmp(word, "word\n"), "popen()");
	ok(mm_has_notifiers(mm_self()) && listened() >= 0,
	   "and the parent's notifiers are still there");
}

/* A copy of the process by a raw clone is not the one that we watch. */
static void test_raw_copy(void)
{
	long pid;

	memset(tally, 0, sizeof(*tally));
	if (mmu_notifier_register(&talliers, mm_self()))
		bail("register");
	pid = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
	if (!pid) {
		execve("/nowhere", run_true, environ);
		_exit(errno == ENOENT ? 0 : 1);
	}
	ok(!reap(pid) && !tally->starts,
	   "a copy that we know nothing of: straight through");
	mmu_notifier_unregister(&talliers, mm_self());
}

/* -- vfork -- */

static bool vfork_is_heard(void)
{
	char *volatile p = pages(2);
	pid_t pid;

	listen_now();
	pid = vfork();
	if (!pid) {
		munmap(p, PAGE);
		_exit(!heard_one(MMU_NOTIFY_UNMAP, p, PAGE));
	}
	if (reap(pid) || !heard_one(MMU_NOTIFY_UNMAP, p, PAGE))
		return false;
	listen_now();
	munmap(p + PAGE, PAGE);
	return heard_one(MMU_NOTIFY_UNMAP, p + PAGE, PAGE);
}

static void test_vfork(void)
{
	pid_t pid;
	int status = 0;

	ok(vfork_is_heard(), "what a vfork child unmaps is the parent's: heard");
	memset(tally, 0, sizeof(*tally));
	if (mmu_notifier_register(&talliers, mm_self()))
		bail("register");
	pid = vfork();
	if (!pid) {
		execve("/bin/true", run_true, environ);
		_exit(1);
	}
	status = reap(pid);
	pid = vfork();
	if (!pid) {
		execve("/nowhere", run_true, environ);
		_exit(errno);
	}
	ok(!status && reap(pid) == ENOENT && !tally->starts && !tally->other,
	   "its exec and its exit are its own: silent");
	mmu_notifier_unregister(&talliers, mm_self());
	errno = 77;
	pid = vfork();
	if (!pid)
		_exit(0);
	ok(!reap(pid) && errno == 77, "vfork() leaves errno alone");
}

static int unmap_in_child(void *arg)
{
	return munmap(arg, PAGE);
}

static void test_clone(int flags, const char *name)
{
	char *p = pages(1), *stack = pages(16);
	pid_t pid;

	listen_now();
	pid = clone(unmap_in_child, stack + 16 * PAGE, flags | SIGCHLD, p);
	ok(pid > 0 && !reap(pid) && heard_one(MMU_NOTIFY_UNMAP, p, PAGE),
	   "clone(%s): what the child unmaps is heard", name);
	drop(stack, 16);
}

/*
 * Children and a thread unmap side by side on two CPUs.  One lost increment of a
 * counter, and registration waits for ever for a range that is over.
 */
static atomic_bool stop;

static void *unmap_on(void *arg)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET((long)arg, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	while (!atomic_load(&stop))
		for (int i = 0; i < 1000; i++)
			munmap((void *)(1UL << 40), PAGE);
	return NULL;
}

/* The parent leaves its CPU to the thread, the child goes to another. */
static bool child_counts(char *volatile p)
{
	cpu_set_t cpu;
	pid_t pid;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	pid = vfork();
	if (!pid) {
		CPU_ZERO(&cpu);
		CPU_SET(1, &cpu);
		sched_setaffinity(0, sizeof(cpu), &cpu);
		for (int i = 0; i < 2000; i++)
			munmap(p, PAGE);
		_exit(0);
	}
	return !reap(pid);
}

static void test_counts(int vforks)
{
	char *p = pages(1);
	pthread_t thread;
	int good = 0;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		skip("vfork children beside a thread", "a second CPU");
		return;
	}
	pthread_create(&thread, NULL, unmap_on, (void *)0L);
	for (int i = 0; i < vforks; i++)
		good += child_counts(p);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	/* Waits for every range in flight, and for every callback. */
	ok(good == vforks && !mmu_notifier_register(&talliers, mm_self()),
	   "%d vfork children unmap beside a thread: no count is lost", good);
	mmu_notifier_unregister(&talliers, mm_self());
}

int main(int argc, char **argv)
{
	tap_begin(argc > 1 ? 3600 : 60);
	tally = (struct tally *)raw(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_exec("execve", by_execve);
	test_exec("execv", by_execv);
	test_exec("execlp", by_execlp);
	test_exec("execvpe", by_execvpe);
	test_exec("execveat", by_execveat);
	test_exec("fexecve", by_fexecve);
	test_exec("syscall(SYS_execve)", by_number);
	record();
	test_spawn();
	test_raw_copy();
	test_vfork();
	test_counts(argc > 1 ? atoi(argv[1]) : 50);
	/* Last: from the second on, nobody counts by CPU. */
	test_clone(CLONE_VM | CLONE_VFORK, "CLONE_VM | CLONE_VFORK");
	ok(vfork_is_heard(), "and vfork after it");
	test_clone(CLONE_VM, "CLONE_VM");
	ok(vfork_is_heard(), "and vfork after that");
	return tap_end();
}
