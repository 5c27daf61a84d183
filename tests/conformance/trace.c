// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace.h"

#define ROOM (8u << 20)

static struct trace {
	atomic_flag writing;
	atomic_bool mute;
	atomic_uint lines;
	atomic_size_t written;
	size_t drained;		/* the runner's */
	char text[];
} *trace;

__thread const char *task_name;

int trace_create(void)
{
	int fd = memfd_create("trace", 0);

	if (fd < 0 || ftruncate(fd, ROOM)) {
		perror("trace");
		exit(2);
	}
	return fd;
}

void trace_map(int fd)
{
	if (trace)
		munmap(trace, ROOM);
	trace = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (trace == MAP_FAILED) {
		perror("trace");
		exit(2);
	}
}

void trace_mute(bool mute)
{
	atomic_store(&trace->mute, mute);
}

unsigned int trace_lines(void)
{
	return atomic_load(&trace->lines);
}

void tr(const char *fmt, ...)
{
	const char *who = task_name ? task_name : "kworker";
	char line[512];
	va_list ap;
	size_t at;
	int n;

	if (atomic_load(&trace->mute))
		return;
	while (atomic_flag_test_and_set(&trace->writing))
		sched_yield();
	n = snprintf(line, sizeof(line), "%04u %-8s ",
		     atomic_load(&trace->lines), who);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	at = atomic_load(&trace->written);
	if (sizeof(*trace) + at + n < ROOM) {
		memcpy(trace->text + at, line, n);
		atomic_store(&trace->written, at + n);
		atomic_fetch_add(&trace->lines, 1);
	}
	atomic_flag_clear(&trace->writing);
}

void trace_drain(void (*line)(void *arg, char *text), void *arg)
{
	size_t written = atomic_load(&trace->written);
	char text[512];

	while (trace->drained < written) {
		char *from = trace->text + trace->drained;
		size_t n = strcspn(from, "\n");

		memcpy(text, from, n);
		text[n] = 0;
		trace->drained += n + 1;
		line(arg, text);
	}
}
