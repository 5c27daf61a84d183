// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>

#include "kernel_log.h"

/* Actions of klogctl(). */
#define READ_CLEAR 4
#define CLEAR 5
#define SIZE_UNREAD 9

#define ROOM (1 << 18)

static char *text;

void kernel_log_open(void)
{
	/* As the trace's: no page of it in a subject. */
	text = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED || madvise(text, ROOM, MADV_DONTFORK)) {
		perror("the kernel's log");
		exit(1);
	}
	klogctl(CLEAR, NULL, 0);
}

static bool has_any(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (strstr(line, *words))
			return true;
	return false;
}

/* Without "<4>" and "[    1.234567] ". */
static const char *message_of(const char *line)
{
	const char *end;

	if (line[0] == '<' && (end = strchr(line, '>')))
		line = end + 1;
	if (line[0] == '[' && (end = strchr(line, ']')) && end[1])
		line = end + 2;
	return line;
}

static bool tells(const char *message)
{
	static const char *const noise[] = {
		" ? ", "__might_fault", "vfs_write", NULL
	};
	static const char *const reports[] = {
		"WARNING: ", "BUG", "callback failed", "RIP:", "possible",
		"Oops", "refcount", "suspicious", "inconsistent", "recursive",
		"circular", "sleeping function", "non_block", "ODEBUG",
		"is trying to acquire", "mmu_notifier_invalidate_range_start)",
		"fs_reclaim)", "deadlock", "KASAN", "blocked for more", NULL
	};

	return !has_any(message, noise) && has_any(message, reports);
}

void print_kernel_log(void)
{
	int n = klogctl(READ_CLEAR, text, ROOM - 1);
	char *save, *line;

	text[n > 0 ? n : 0] = 0;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (tells(message_of(line)))
			printf("    [kmsg] %s\n", message_of(line));
}
