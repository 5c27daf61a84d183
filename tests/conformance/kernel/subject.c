// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "memory.h"
#include "scenario.h"
#include "subject.h"

#define STACK_SIZE (1 << 16)
/* A child that shares the memory outlives S by so much. */
#define CLONE_OUTLIVES_MS 500

/* memory.c tells it to whom a child is, which here is the kernel's to know. */
__thread const char *task_name;

static int runner_fd;
static bool with_helpers;

static struct helper {
	int tid;
	int go[2], done[2];
} helpers[2];

static struct {
	int pid;
	int pipe[2], answer[2];
} clone_kid = { .pid = -1 };

static void touch_all(void);

static long run_command(const char *line)
{
	long ret;

	if (!memory_command(line, &ret))
		return device_command(line);
	if (!strcmp(line, "fork"))
		touch_all();
	return ret;
}

/* -- helper threads -- */

static void *helper_main(void *arg)
{
	struct helper *helper = arg;
	char line[LINE_MAX_LEN];
	ssize_t n;
	long ret;

	prctl(PR_SET_NAME, helper == helpers ? "S.bg" : "S.bg2");
	helper->tid = gettid();
	ret = helper->tid;
	do {
		if (write(helper->done[1], &ret, sizeof(ret)) != sizeof(ret))
			break;
		n = read(helper->go[0], line, sizeof(line) - 1);
		line[n > 0 ? n : 0] = 0;
		ret = n > 0 ? run_command(line) : 0;
	} while (n > 0);
	return NULL;
}

static long join(struct helper *helper)
{
	long ret;

	return read(helper->done[0], &ret, sizeof(ret)) == sizeof(ret) ? ret
								       : -EPIPE;
}

static void start_helper(struct helper *helper, const pthread_attr_t *attr)
{
	pthread_t thread;

	if (pipe2(helper->go, O_CLOEXEC) || pipe2(helper->done, O_CLOEXEC) ||
	    pthread_create(&thread, attr, helper_main, helper) ||
	    join(helper) <= 0)
		_exit(3);
}

static void start_helpers(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (int i = 0; i < 2; i++)
		start_helper(&helpers[i], &attr);
	pthread_attr_destroy(&attr);
}

static long tell(struct helper *helper, const char *line)
{
	if (write(helper->go[1], line, strlen(line)) < 0)
		return -errno;
	wait_for_thread(helper->tid);
	return 0;
}

/* -- a child that shares the memory -- */

static int clone_main(void *unused)
{
	char c;

	(void)unused;
	prctl(PR_SET_NAME, "kid");
	/* So that the runner sees S's end, and the child sees it too. */
	close(runner_fd);
	close(clone_kid.pipe[1]);
	while (write(clone_kid.answer[1], "", 1) == 1 &&
	       read(clone_kid.pipe[0], &c, 1) == 1 && c != 'q') {
		if (c == 'x')
			execl("/bin/true", "true", (char *)NULL);
		memory_touch(c - '0');
	}
	if (c != 'q')
		poll(NULL, 0, CLONE_OUTLIVES_MS);
	_exit(0);
}

static long start_clone(void)
{
	static char stack[STACK_SIZE] __attribute__((aligned(64)));
	char c;

	if (pipe2(clone_kid.pipe, O_CLOEXEC) ||
	    pipe2(clone_kid.answer, O_CLOEXEC))
		return -errno;
	clone_kid.pid = clone(clone_main, stack + sizeof(stack),
			      CLONE_VM | SIGCHLD, NULL);
	if (clone_kid.pid < 0)
		return -errno;
	return read(clone_kid.answer[0], &c, 1) == 1 ? 0 : -EPIPE;
}

static bool tell_clone(char what)
{
	char c;

	if (clone_kid.pid < 0)
		return false;
	if (write(clone_kid.pipe[1], &what, 1) != 1)
		return false;
	if (what == 'q' || what == 'x') {
		waitpid(clone_kid.pid, NULL, 0);
		clone_kid.pid = -1;
	} else if (read(clone_kid.answer[0], &c, 1) != 1) {
		perror("the child");
	}
	return true;
}

/* -- S -- */

static void in_child(void)
{
	close(runner_fd);
}

/* "settle" has no time of its own; "sleep 10" has. */
static void pass_time(unsigned int ms)
{
	wait_for_frees();
	if (ms != SETTLE_MS)
		poll(NULL, 0, ms);
}

static void exec_again(void)
{
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", runner_fd);
	execl("/proc/self/exe", "runner", with_helpers ? "--helpers" : "--subject",
	      fd, (char *)NULL);
}

static void answer(long ret)
{
	if (write(runner_fd, &ret, sizeof(ret)) != sizeof(ret))
		_exit(4);
}

static long run_line(char *line)
{
	if (!strncmp(line, "bg: ", 4))
		return tell(&helpers[0], line + 4);
	if (!strncmp(line, "bg2: ", 5))
		return tell(&helpers[1], line + 5);
	if (!strcmp(line, "join"))
		return join(&helpers[0]);
	if (!strcmp(line, "join2"))
		return join(&helpers[1]);
	if (!strcmp(line, "exit"))
		_exit(0);
	if (!strcmp(line, "exec"))
		exec_again();
	return run_command(line);
}

/* -- what S writes to is its own -- */

static bool is_in_region(unsigned long address)
{
	return address >= REGION_BASE && address < region(NR_REGIONS);
}

/* The page may be in use: what is in it stays. */
static void touch_pages(unsigned long start, unsigned long end)
{
	for (; start < end; start += PAGE)
		__atomic_fetch_or((char *)start, 0, __ATOMIC_RELAXED);
}

/* "4c6000-4c9000 rw-p ..." */
static void touch_mapping(const char *line)
{
	unsigned long start, end;
	char *rest;

	start = strtoul(line, &rest, 16);
	end = strtoul(rest + 1, &rest, 16);
	if (!is_in_region(start) && !strncmp(rest, " rw-p", 5))
		touch_pages(start, end);
}

/*
 * No fault of S's own may be told to a notifier, which could be one that blocks: all
 * that it may write to is there, and shared with no child.
 */
static void touch_all(void)
{
	static char maps[1 << 14];
	volatile char stack[STACK_SIZE];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t nr = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(stack); i += PAGE)
		stack[i] = 0;
	while ((n = read(fd, maps + nr, sizeof(maps) - 1 - nr)) > 0)
		nr += n;
	close(fd);
	maps[nr] = 0;
	for (char *line = maps; *line; line = strchr(line, '\n') + 1)
		touch_mapping(line);
}

/* munmap() does not give up writing the lock where a stack is what comes next. */
static void keep_stack_apart(void)
{
	void *after = (void *)region(NR_REGIONS);

	if (mmap(after, PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != after)
		_exit(3);
}

static const struct memory_ops memory_ops = {
	.pause = pass_time,
	.clone = start_clone,
	.tell_clone = tell_clone,
	.in_child = in_child,
	.is_guest = true,
};

void subject_run(int fd, bool has_helpers)
{
	char line[LINE_MAX_LEN];
	ssize_t n;

	prctl(PR_SET_NAME, "S");
	runner_fd = fd;
	with_helpers = has_helpers;
	memory_init(&memory_ops);
	keep_stack_apart();
	if (has_helpers)
		start_helpers();
	touch_all();
	answer(READY);
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		answer(run_line(line));
	}
	_exit(0);
}
