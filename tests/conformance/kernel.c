// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The back end "kernel": commands are handed to the oracle's module, whose notifiers
 * are on the memory of whoever hands them.  To be run as root in a guest that is
 * thrown away: there is nothing to wait for here, time must do.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "memory.h"
#include "scenario.h"
#include "subject.h"
#include "threads.h"
#include "trace.h"

static int device = -1;
static int s_fd;

void kernel_open(void)
{
	device = open("/dev/mnoracle", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror("/dev/mnoracle");
		exit(2);
	}
	prctl(PR_SET_NAME, "parent");
}

static long kernel_command(const char *line)
{
	char text[LINE_MAX_LEN * 2];

	number_regions(line, text, sizeof(text));
	return write(device, text, strlen(text)) < 0 ? -errno : 0;
}

static void kernel_drain(void (*line)(void *arg, char *text), void *arg)
{
	static char buffer[65536 + 1];
	char *at, *save;
	ssize_t n;

	while ((n = read(device, buffer, sizeof(buffer) - 1)) > 0) {
		buffer[n] = 0;
		for (at = strtok_r(buffer, "\n", &save); at;
		     at = strtok_r(NULL, "\n", &save))
			line(arg, at);
	}
}

const struct backend kernel_backend = {
	.name = "kernel",
	.command = kernel_command,
	.drain = kernel_drain,
};

/* -- commands, S's and the parent's -- */

void kernel_pause(unsigned int ms)
{
	poll(NULL, 0, ms);
}

static pid_t clone_pid;
static int clone_pipe[2];

/* Shares the memory, so it does nothing that the C library would notice. */
static int clone_main(void *unused)
{
	char c;

	(void)unused;
	syscall(SYS_prctl, PR_SET_NAME, "kid", 0, 0, 0);
	syscall(SYS_close, s_fd);
	syscall(SYS_close, clone_pipe[1]);
	while (syscall(SYS_read, clone_pipe[0], &c, 1) == 1 && c != 'q') {
		if (c >= '0' && c <= '9')
			memory_touch(c - '0');
		if (c == 'x')
			syscall(SYS_execve, "/bin/true", NULL, NULL);
	}
	/* Outlives S for a while. */
	if (c != 'q')
		syscall(SYS_poll, NULL, 0, 500);
	syscall(SYS_exit_group, 0);
	return 0;
}

static long start_clone(void)
{
	static char stack[65536] __attribute__((aligned(64)));

	if (pipe(clone_pipe))
		return -errno;
	clone_pid = clone(clone_main, stack + sizeof(stack),
			  CLONE_VM | SIGCHLD, NULL);
	kernel_pause(20);
	return clone_pid < 0 ? -errno : 0;
}

static bool tell_clone(char what)
{
	if (!clone_pid)
		return false;
	if (write(clone_pipe[1], &what, 1) != 1)
		return true;
	if (what == 'q' || what == 'x') {
		waitpid(clone_pid, NULL, 0);
		clone_pid = 0;
	} else {
		kernel_pause(50);
	}
	return true;
}

static void in_child(void)
{
	close(s_fd);
}

static const struct memory_ops memory_ops = {
	.pause = kernel_pause,
	.clone = start_clone,
	.tell_clone = tell_clone,
	.in_child = in_child,
	.is_guest = true,
};

long kernel_run_line(const char *line)
{
	long ret;

	memory_init(&memory_ops);
	return memory_command(line, &ret) ? ret : kernel_command(line);
}

/* -- S -- */

/* Nothing of the runner's own is to be mapped, or copied, when it counts. */
static void touch_everything(void)
{
	volatile char stack[262144];

	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 1;
	mlockall(MCL_CURRENT);
	munlockall();
	kernel_pause(20);
}

static void say(int kind, long result)
{
	struct reply reply = { .kind = kind, .result = result };

	if (write(s_fd, &reply, sizeof(reply)) != sizeof(reply))
		_exit(3);
}

static long run_image(void)
{
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", s_fd);
	execl("/proc/self/exe", "conformance", "--kernel-subject", fd,
	      (char *)NULL);
	return -errno;
}

static long tell_helper(int nr, const char *line)
{
	long ret = helper_tell(nr, line);

	kernel_pause(120);
	return ret;
}

static long run_in_subject(const char *line)
{
	if (!strncmp(line, "bg: ", 4))
		return tell_helper(0, line + 4);
	if (!strncmp(line, "bg2: ", 5))
		return tell_helper(1, line + 5);
	if (!strcmp(line, "join") || !strcmp(line, "join2"))
		return helper_join(line[4] == '2');
	if (!strcmp(line, "exit"))
		_exit(0);
	if (!strcmp(line, "exec"))
		return run_image();
	return kernel_run_line(line);
}

int kernel_subject_main(int fd)
{
	char line[LINE_MAX_LEN];
	ssize_t n;

	s_fd = fd;
	kernel_open();
	prctl(PR_SET_NAME, "S");
	helpers_start(kernel_run_line);
	touch_everything();
	say(REPLY_READY, 0);
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		say(REPLY_RESULT, run_in_subject(line));
	}
	_exit(0);
}

pid_t kernel_start_subject(int *ret_fd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) {
		perror("sockets");
		exit(2);
	}
	pid = fork();
	if (!pid) {
		close(pair[0]);
		s_fd = pair[1];
		run_image();
		_exit(9);
	}
	close(pair[1]);
	*ret_fd = pair[0];
	return pid;
}

/* -- the parent -- */

static long mrelease(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	const int number = 448;
	long ret = syscall(number, fd, 0);

	ret = ret < 0 ? -errno : ret;
	close(fd);
	return ret;
}

long kernel_run_parent(const char *line, pid_t pid)
{
	long ret;

	if (!strcmp(line, "kill")) {
		ret = kill(pid, SIGKILL);
		kernel_pause(200);
		return ret < 0 ? -errno : ret;
	}
	if (!strcmp(line, "mrelease"))
		return mrelease(pid);
	if (!strncmp(line, "memw ", 5))
		return memory_write_process(pid, address_of(line + 5));
	return kernel_run_line(line);
}
