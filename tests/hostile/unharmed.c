// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Does a program do with us what it does without?  It runs alone, then with the
 * listener preloaded, once for each way of listening: its exit status and its
 * output must be the same, and the events make sense.
 *
 *	unharmed [OPTION]... LISTENER PROGRAM [ARGUMENT]...
 *
 *	-b LIBRARY	preload this too, before the listener
 *	-a LIBRARY	the same, after it
 *	-s SOURCES	instead of "auto"
 *	-m WHAT		this is missing: skip all
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "counts.h"
#include "tap.h"

#define OUTPUT_MAX (1 << 20)

static const char *before = "", *after = "", *listener;
static const char *sources = "auto";
static const char *missing;
static char **program;

struct run {
	int status;
	long len;
	char *output;
	char path[64];
	const struct counts *counts;
};

static void make_counts(struct run *r)
{
	int fd = mkstemp(r->path);

	if (fd < 0 || ftruncate(fd, sizeof(*r->counts)))
		bail("no file %s", r->path);
	r->counts = mmap(NULL, sizeof(*r->counts), PROT_READ, MAP_SHARED, fd, 0);
	if (r->counts == MAP_FAILED)
		bail("no memory");
	close(fd);
}

static void set_preload(bool listen)
{
	char list[4096];

	snprintf(list, sizeof(list), "%s:%s:%s", before, listen ? listener : "",
		 after);
	setenv("LD_PRELOAD", list, 1);
}

static void become(int out, bool listen, bool watch, const char *counts)
{
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	if (listen) {
		setenv("HOSTILE_COUNTS", counts, 1);
		setenv("MMUNOTIFY_SOURCES", sources, 1);
	}
	if (watch)
		setenv("HOSTILE_WATCH", "1", 1);
	set_preload(listen);
	execvp(program[0], program);
	_exit(127);
}

static void read_output(int out, struct run *r)
{
	r->output = calloc(1, OUTPUT_MAX);
	r->len = pread(out, r->output, OUTPUT_MAX - 1, 0);
}

/* The kernel does not keep several writers of a memfd apart otherwise. */
static int open_output(void)
{
	int out = memfd_create("output", MFD_CLOEXEC);

	if (out < 0 || fcntl(out, F_SETFL, O_APPEND))
		bail("no file for its output: %s", strerror(errno));
	return out;
}

static struct run run(bool listen, bool watch)
{
	int out = open_output();
	struct run r = { .path = "/tmp/mmunotify-counts-XXXXXX" };
	pid_t pid;

	make_counts(&r);
	pid = fork();
	if (!pid)
		become(out, listen, watch, r.path);
	while (waitpid(pid, &r.status, 0) < 0)
		if (errno != EINTR)
			bail("no child: %s", strerror(errno));
	unlink(r.path);
	read_output(out, &r);
	close(out);
	return r;
}

static void tell_output(const char *whose, const struct run *r)
{
	char *line = r->output;

	diag("%s: status %#x, %ld bytes", whose, r->status, r->len);
	for (int i = 0; i < 20 && (line = strtok(i ? NULL : line, "\n")); i++)
		diag("%s: %s", whose, line);
}

static void compare(struct run *alone, struct run *with, const char *how)
{
	const struct counts *c = with->counts;
	bool same = alone->status == with->status && alone->len == with->len &&
		    !memcmp(alone->output, with->output, alone->len);

	if (!ok(same, "%s: the same status and output", how)) {
		tell_output("alone", alone);
		tell_output("with us", with);
	}
	diag("%ld processes, %ld starts, %ld ends, %ld lonely", c->processes,
	     c->starts, c->ends, c->lonely);
	ok(c->processes && c->starts && !c->lonely && c->ends == c->starts,
	   "%s: each start has its end", how);
}

static int options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+a:b:s:m:")) > 0) {
		switch (opt) {
		case 'a':
			after = optarg;
			break;
		case 'b':
			before = optarg;
			break;
		case 'm':
			missing = optarg;
			break;
		case 's':
			sources = optarg;
			break;
		default:
			bail("no such option");
		}
	}
	return optind;
}

/* The dynamic linker complains, and goes on without. */
static void look_for_preloaded(const struct run *alone)
{
	if (strstr(alone->output, "cannot be preloaded"))
		missing = *before ? before : after;
}

static void compare_all(struct run *alone)
{
	struct run with;

	if (!ok(!alone->status, "it ends well alone"))
		tell_output("alone", alone);
	with = run(true, false);
	compare(alone, &with, sources);
	with = run(true, true);
	compare(alone, &with, "watched");
}

int main(int argc, char **argv)
{
	int first = options(argc, argv);
	struct run alone;

	if (!missing && argc - first < 2)
		bail("which listener, which program?");
	/* A program may be a script that goes elsewhere before it starts it. */
	listener = realpath(argv[first], NULL);
	if (!missing && !listener)
		bail("no listener %s", argv[first]);
	program = argv + first + 1;
	tap_begin(60);
	if (!missing) {
		alone = run(false, false);
		look_for_preloaded(&alone);
	}
	if (missing)
		skip("it runs unharmed", missing);
	else
		compare_all(&alone);
	return tap_end();
}
