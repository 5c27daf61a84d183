// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Run scenarios on the kernel that this runs on, and print their trace:
 *	runner FILE...
 * It is the parent that outlives S, and small, as each S is a fork() of it.
 */
#include <errno.h>
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

#include "device.h"
#include "kernel_log.h"
#include "memory.h"
#include "scenario.h"
#include "subject.h"

#define MAX_LINES 256
/* No command takes that long. */
#define HANGS_AFTER_MS 20000

/* The scenario that is under way. */
static struct {
	char name[LINE_MAX_LEN];
	char lines[MAX_LINES][LINE_MAX_LEN];
	int nr_lines;
	bool shows_other, killed;
	pid_t pid;		/* of S; 0: it has been waited for */
	int fd;			/* to S; -1: it is gone */
} run;

/* -- what is printed -- */

/* "0001 S A1.start CLEAR B @1000-2000 ml=R" */
static void print_event(char *line)
{
	char from[40], to[40], *at = strstr(line, " @"), *rest;
	unsigned long start, end;

	if (!at) {
		printf("    %s\n", line);
		return;
	}
	start = strtoul(at + 2, &rest, 16);
	end = strtoul(rest + 1, &rest, 16);
	name_address(start, from, sizeof(from));
	name_address(end, to, sizeof(to));
	if (from[0] != '?' || to[0] != '?' || run.shows_other)
		printf("    %.*s [%s,%s)%s\n", (int)(at - line), line, from, to,
		       rest);
}

static void print_command(const char *prompt, const char *line, long ret)
{
	printf("  %s %s", prompt, line);
	if (ret)
		printf("  => %ld (%s)", ret, ret < 0 ? strerror(-ret) : "");
	printf("\n");
}

/* -- S -- */

static bool has_helpers(void)
{
	for (int i = 0; i < run.nr_lines; i++)
		if (!strncmp(run.lines[i], "bg", 2))
			return true;
	return false;
}

/* Who hangs in the kernel does so for good, and so does what would come next. */
static void give_up(const char *line)
{
	printf("  !! hangs: %s\n", line);
	device_drain(print_event);
	fflush(stdout);
	_exit(3);
}

static bool hear(const char *line, long *ret)
{
	struct pollfd pfd = { .fd = run.fd, .events = POLLIN };

	if (run.fd < 0)
		return false;
	if (poll(&pfd, 1, HANGS_AFTER_MS) != 1)
		give_up(line);
	return read(run.fd, ret, sizeof(*ret)) == sizeof(*ret);
}

static void start_subject(void)
{
	int fds[2];
	long ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds)) {
		perror("socketpair");
		exit(1);
	}
	run.killed = false;
	run.pid = fork();
	if (!run.pid) {
		close(fds[0]);
		subject_run(fds[1], has_helpers());
	}
	close(fds[1]);
	run.fd = fds[0];
	if (!hear("start", &ret))
		printf("  !! S does not start\n");
}

static void reap(void)
{
	int status = 0;

	if (run.pid) {
		waitpid(run.pid, &status, 0);
		printf("    -- S reaped (status 0x%x)\n", status);
	}
	run.pid = 0;
	if (run.fd >= 0)
		close(run.fd);
	run.fd = -1;
}

static void run_in_subject(const char *line)
{
	long ret;

	if (run.fd < 0) {
		printf("  !! S is gone: %s\n", line);
		return;
	}
	if (write(run.fd, line, strlen(line)) < 0) {
		printf("  !! cannot reach S\n");
		return;
	}
	if (!hear(line, &ret)) {
		print_command(">", line, 0);
		reap();
	} else if (ret == READY) {
		printf("  > %s  => new image\n", line);
	} else {
		print_command(">", line, ret);
	}
}

/* -- the parent -- */

static bool is_dead(void)
{
	siginfo_t info = { .si_pid = 0 };

	waitid(P_PID, run.pid, &info, WEXITED | WNOWAIT | WNOHANG);
	return info.si_pid;
}

/* It dies at once, unless one of its threads is blocked. */
static long kill_subject(void)
{
	long ret = kill(run.pid, SIGKILL);

	run.killed = true;
	for (int ms = 0; ms < SETTLE_MS && !is_dead(); ms++)
		poll(NULL, 0, 1);
	return ret;
}

/* What the OOM reaper does, on demand. */
static long reap_memory(void)
{
	const int pidfd_open_nr = 434, process_mrelease_nr = 448;
	int fd = syscall(pidfd_open_nr, run.pid, 0);
	long ret = syscall(process_mrelease_nr, fd, 0);

	ret = ret < 0 ? -errno : ret;
	close(fd);
	return ret;
}

/* A killed S whose threads hang is dead when they do not any more. */
static long unhang(void)
{
	long ret = device_command("unhang");
	siginfo_t info;

	if (run.killed)
		waitid(P_PID, run.pid, &info, WEXITED | WNOWAIT);
	return ret;
}

static long parent_command(const char *line)
{
	long ret;

	if (!strcmp(line, "kill"))
		return kill_subject();
	if (!strcmp(line, "unhang"))
		return unhang();
	if (!strcmp(line, "mrelease"))
		return reap_memory();
	if (!strncmp(line, "memw ", 5))
		return memory_write_process(run.pid, address_of(line + 5));
	return memory_command(line, &ret) ? ret : device_command(line);
}

static void run_in_parent(const char *line)
{
	if (!strcmp(line, "reap")) {
		reap();
		print_command("p>", line, 0);
	} else if (!strcmp(line, "restart")) {
		start_subject();
		print_command("p>", line, 0);
	} else {
		print_command("p>", line, parent_command(line));
	}
}

/* -- scenarios -- */

static void run_line(const char *line)
{
	if (!strcmp(line, "showother"))
		run.shows_other = true;
	else if (!strncmp(line, "p: ", 3))
		run_in_parent(line + 3);
	else
		run_in_subject(line);
	device_drain(print_event);
}

static void run_scenario(void)
{
	printf("== %s\n", run.name);
	run.shows_other = false;
	device_command("reset");
	device_drain(print_event);
	start_subject();
	for (int i = 0; i < run.nr_lines; i++)
		run_line(run.lines[i]);
	if (run.fd >= 0)
		run_line("exit");
	wait_for_frees();
	device_drain(print_event);
	print_kernel_log();
	printf("== end\n\n");
	fflush(stdout);
}

static void take_line(const char *line)
{
	if (!strncmp(line, "scenario ", 9)) {
		snprintf(run.name, sizeof(run.name), "%s", line + 9);
		run.nr_lines = 0;
	} else if (!strcmp(line, "end")) {
		run_scenario();
	} else if (*line && run.nr_lines < MAX_LINES) {
		strcpy(run.lines[run.nr_lines++], line);
	}
}

static int run_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_LEN];

	if (!file) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), file))
		take_line(trim_line(line));
	fclose(file);
	return 0;
}

static void pass_time(unsigned int ms)
{
	wait_for_frees();
	if (ms != SETTLE_MS)
		poll(NULL, 0, ms);
}

/* The parent has no child but S. */
static long no_clone(void)
{
	return -ENOSYS;
}

static bool no_tell(char what)
{
	(void)what;
	return false;
}

static void in_child(void)
{
}

static const struct memory_ops memory_ops = {
	.pause = pass_time,
	.clone = no_clone,
	.tell_clone = no_tell,
	.in_child = in_child,
};

/* So that all memory is on its node, and "pagemove" has one to move it to. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	int status = 0;

	if (!device_open()) {
		perror("/dev/mnoracle");
		return 1;
	}
	if (argc == 3 && !strcmp(argv[1], "--subject"))
		subject_run(atoi(argv[2]), false);
	if (argc == 3 && !strcmp(argv[1], "--helpers"))
		subject_run(atoi(argv[2]), true);
	prctl(PR_SET_NAME, "parent");
	stay_on_one_cpu();
	signal(SIGPIPE, SIG_IGN);
	memory_init(&memory_ops);
	kernel_log_open();
	for (int i = 1; i < argc; i++)
		status |= run_file(argv[i]);
	return status ? 1 : 0;
}
