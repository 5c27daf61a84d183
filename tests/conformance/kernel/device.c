// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "scenario.h"

#define ROOM (1 << 16)

static int device = -1;
static char *trace;

bool device_open(void)
{
	device = open("/dev/mnoracle", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return false;
	/* The runner's alone: each page more makes a subject slower to start. */
	trace = mmap(NULL, ROOM + 1, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (trace == MAP_FAILED)
		return false;
	return !madvise(trace, ROOM + 1, MADV_DONTFORK);
}

long device_command(const char *line)
{
	char numbers[2 * LINE_MAX_LEN];

	number_regions(line, numbers, sizeof(numbers));
	return write(device, numbers, strlen(numbers)) < 0 ? -errno : 0;
}

void device_drain(void (*line)(char *text))
{
	char *save, *each;
	ssize_t n;

	while ((n = read(device, trace, ROOM)) > 0) {
		trace[n] = 0;
		for (each = strtok_r(trace, "\n", &save); each;
		     each = strtok_r(NULL, "\n", &save))
			line(each);
	}
}

void wait_for_thread(int tid)
{
	char command[32];

	snprintf(command, sizeof(command), "quiet %d", tid);
	device_command(command);
}

void wait_for_frees(void)
{
	device_command("idle");
}
