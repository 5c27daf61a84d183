// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "subject.h"
#include "trace.h"

/* A scenario that is under way. */
struct run {
	const struct scenario *sc;
	struct text *trace;
	pid_t pid;
	int s_fd, parent_fd;
	bool s_lives;
	bool broken;		/* it hangs, or its process has died */
	bool shows_other;
};

/* -- what is printed -- */

/* "A1.start CLEAR B @1000-2000 ..." */
static void print_event(void *arg, char *line)
{
	struct run *run = arg;
	unsigned long start, end;
	char from[40], to[40], *at = strstr(line, " @"), *rest;

	if (!at) {
		text_add(run->trace, "    %s\n", line);
		return;
	}
	start = strtoul(at + 2, &rest, 16);
	end = strtoul(rest + 1, &rest, 16);
	name_address(start, from, sizeof(from));
	name_address(end, to, sizeof(to));
	if (from[0] == '?' && to[0] == '?' && !run->shows_other)
		return;
	text_add(run->trace, "    %.*s [%s,%s)%s\n", (int)(at - line), line,
		 from, to, rest);
}

static void print_command(struct run *run, const char *prompt,
			  const char *line, long ret)
{
	text_add(run->trace, "  %s %s", prompt, line);
	if (ret)
		text_add(run->trace, "  => %ld (%s)", ret,
			 ret < 0 ? strerror(-ret) : "");
	text_add(run->trace, "\n");
}

static void drain(struct run *run)
{
	trace_drain(print_event, run);
}

/* -- the subject -- */

static enum placement placement_of(const struct scenario *sc)
{
	static const char *const words[] = {
		"kill", "mrelease", "mmget", "clonevm", "vfork", "exec",
		"restart",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (scenario_has(sc, words[i]))
			return ON_SOFTWARE;
	return ON_SELF;
}

/* Does the parent do things to its own memory? */
static bool needs_bridge(const struct scenario *sc)
{
	static const char *const words[] = {
		"mmap", "mmapat", "mmapfix", "mmapf",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (scenario_parent_has(sc, words[i]))
			return true;
	return false;
}

static void exec_subject(const struct run *run, int s_fd, int parent_fd,
			 int trace_fd, struct version version)
{
	char how[128];

	snprintf(how, sizeof(how), "%d,%d,%d,%d,%d,%u,%u", s_fd, parent_fd,
		 trace_fd, placement_of(run->sc), needs_bridge(run->sc),
		 version.major, version.minor);
	execl("/proc/self/exe", "conformance", "--subject", how, (char *)NULL);
	_exit(9);
}

int subject_from_args(int argc, char **argv)
{
	struct subject_args args;
	int placement, bridged;

	if (argc != 3 ||
	    sscanf(argv[2], "%d,%d,%d,%d,%d,%u,%u", &args.s_fd,
		   &args.parent_fd, &args.trace_fd, &placement, &bridged,
		   &args.version.major, &args.version.minor) != 7)
		return 9;
	args.placement = placement;
	args.bridged = bridged;
	return subject_main(&args);
}

static void start(struct run *run, struct version version)
{
	int s[2], parent[2], trace_fd = trace_create();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, parent)) {
		perror("sockets");
		exit(2);
	}
	trace_map(trace_fd);
	run->pid = fork();
	if (!run->pid) {
		close(s[0]);
		close(parent[0]);
		exec_subject(run, s[1], parent[1], trace_fd, version);
	}
	close(s[1]);
	close(parent[1]);
	close(trace_fd);
	run->s_fd = s[0];
	run->parent_fd = parent[0];
}

static void stop(struct run *run)
{
	if (!run->broken &&
	    write(run->parent_fd, SAY_FINISH, strlen(SAY_FINISH)) < 0)
		run->broken = true;
	if (run->broken)
		kill(run->pid, SIGKILL);
	waitpid(run->pid, NULL, 0);
	close(run->s_fd);
	close(run->parent_fd);
}

/* No command takes that long. */
#define HANGS_AFTER_MS 20000

static struct reply answer(struct run *run, int fd, const char *line)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct reply reply = { .kind = REPLY_DEAD };

	if (run->broken)
		return reply;
	if (poll(&pfd, 1, HANGS_AFTER_MS) != 1) {
		text_add(run->trace, "  !! hangs: %s\n", line);
		run->broken = true;
	} else if (read(fd, &reply, sizeof(reply)) != sizeof(reply)) {
		text_add(run->trace, "  !! the process has died: %s\n", line);
		run->broken = true;
	}
	return reply;
}

static struct reply ask(struct run *run, int fd, const char *line)
{
	if (!run->broken && write(fd, line, strlen(line)) < 0) {
		text_add(run->trace, "  !! cannot be reached: %s\n", line);
		run->broken = true;
	}
	return answer(run, fd, line);
}

/* Until nobody moves: where the kernel's runner sleeps. */
static void rest(struct run *run)
{
	ask(run, run->parent_fd, SAY_REST);
}

/* -- its commands -- */

static void print_reaped(struct run *run, long status)
{
	text_add(run->trace, "    -- S reaped (status 0x%lx)\n",
		 (unsigned long)status);
	run->s_lives = false;
}

/* "reap": until S is dead. */
static void reap(struct run *run)
{
	struct reply reply;

	if (!run->s_lives)
		return;
	do
		reply = answer(run, run->s_fd, "reap");
	while (reply.kind != REPLY_DEAD);
	print_reaped(run, reply.result);
}

static void restart(struct run *run)
{
	ask(run, run->s_fd, "restart");
	run->s_lives = true;
}

static bool starts_with(const char *line, const char *prefix)
{
	return !strncmp(line, prefix, strlen(prefix));
}

/* Does the kernel's runner give things time there? */
static bool lets_rest(const char *line)
{
	static const char *const words[] = {
		"bg: ", "bg2: ", "sleep", "settle", "fork", "clonevm", "vfork",
		"kid", "kill", "exit", "reap", "restart", "exec",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (starts_with(line, words[i]))
			return true;
	return false;
}

static void run_parent(struct run *run, const char *line)
{
	long ret = 0;

	if (!strcmp(line, "reap")) {
		reap(run);
	} else if (!strcmp(line, "restart")) {
		restart(run);
	} else {
		ret = ask(run, run->parent_fd, line).result;
	}
	if (lets_rest(line))
		rest(run);
	print_command(run, "p>", line, ret);
	drain(run);
}

static void run_in_subject(struct run *run, const char *line)
{
	struct reply reply;

	if (!run->s_lives) {
		text_add(run->trace, "  !! S is gone: %s\n", line);
		return;
	}
	reply = ask(run, run->s_fd, line);
	if (lets_rest(line))
		rest(run);
	if (reply.kind == REPLY_READY) {
		text_add(run->trace, "  > %s  => new image\n", line);
	} else {
		print_command(run, ">", line,
			      reply.kind == REPLY_RESULT ? reply.result : 0);
		if (reply.kind == REPLY_DEAD)
			print_reaped(run, reply.result);
	}
	drain(run);
}

static void run_line(struct run *run, const char *line)
{
	if (!strcmp(line, "showother"))
		run->shows_other = true;
	else if (starts_with(line, "p: "))
		run_parent(run, line + 3);
	else
		run_in_subject(run, line);
}

void run_scenario(const struct scenario *sc, struct version version,
		  struct text *trace)
{
	struct run run = { .sc = sc, .trace = trace };

	text_add(trace, "== %s\n", sc->name);
	start(&run, version);
	run.s_lives = answer(&run, run.s_fd, "start").kind == REPLY_READY;
	for (size_t i = 0; i < sc->nr_lines && !run.broken; i++)
		run_line(&run, sc->lines[i]);
	if (run.s_lives && !run.broken)
		run_line(&run, "exit");
	if (!run.broken)
		ask(&run, run.parent_fd, "sleep 150");
	rest(&run);
	drain(&run);
	text_add(trace, "== end\n\n");
	stop(&run);
}
