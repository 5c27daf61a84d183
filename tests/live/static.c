// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that is linked statically, with us in it. */
#include <fcntl.h>

#include "live.h"

static void tell_entries(void)
{
	struct mmun_entry_info info;

	for (size_t i = 0; !mmun_monitor_entry(i, &info); i++)
		if (info.error)
			diag("%s: %d, %s", info.name, info.error, info.how);
}

int main(void)
{
	char *p = pages(3), *block;
	int fd, err;

	tap_begin(60);
	err = mmun_monitor_start();
	tell_entries();
	ok(!err, "the monitors start (%d)", err);
	record();
	listen_now();
	ok(!munmap(p, PAGE) && heard_one(MMU_NOTIFY_UNMAP, p, PAGE) && went(1),
	   "munmap");
	listen_now();
	ok(!madvise(p + PAGE, PAGE, MADV_DONTNEED) &&
	   heard_one(MMU_NOTIFY_CLEAR, p + PAGE, PAGE), "madvise");
	block = malloc(8 << 20);
	p = address(block);
	listen_now();
	free(block);
	ok(heard_at(MMU_NOTIFY_UNMAP, p + (4 << 20)), "free() of a large block");
	fd = memfd_create("static", 0);
	if (fd < 0 || ftruncate(fd, PAGE))
		bail("memfd");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	listen_now();
	ok(!ftruncate(fd, 0) && heard_one(MMU_NOTIFY_CLEAR, p, PAGE),
	   "ftruncate");
	return tap_end();
}
