/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef UFFD_TEST_H
#define UFFD_TEST_H
/* What the tests of watched memory share. */
#include "live.h"

static inline const struct mmun_source_info *uffd_info(void)
{
	static struct mmun_source_info info;

	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		if (!strcmp(info.name, "uffd"))
			return &info;
	bail("there is no source uffd");
}

static inline void watch(struct mmun_watch *w, void *addr, size_t nr)
{
	int err = mmun_watch(w, mm_self(), (unsigned long)addr,
			     (unsigned long)addr + nr * PAGE);

	if (err)
		bail("mmun_watch: %s", strerror(-err));
}

/* Watched, with nothing on either side that it could merge with. */
static inline char *watched(struct mmun_watch *w, size_t nr)
{
	char *p = pages(nr + 2);

	drop(p, 1);
	drop(p + (nr + 1) * PAGE, 1);
	watch(w, p + PAGE, nr);
	return p + PAGE;
}

static inline void settle(void)
{
	mmun_settle(mm_self());
}

/* Only afterwards: at the start the change has happened. */
static inline bool told_after(enum mmu_notifier_event event, void *addr,
			      size_t len)
{
	settle();
	return heard_one(event, addr, len) &&
	       heard[0].flags & MMUN_RANGE_AFTER &&
	       heard[1].flags & MMUN_RANGE_AFTER;
}

/* How many mappings the process has. */
static inline int count_mappings(void)
{
	static char text[1 << 16];
	int fd = raw3(SYS_open, (long)"/proc/self/maps", 0, 0), n = 0;
	ssize_t len;

	while ((len = raw3(SYS_read, fd, (long)text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < len; i++)
			n += text[i] == '\n';
	raw3(SYS_close, fd, 0, 0);
	return n;
}

static inline bool source_runs(void)
{
	char line[128];

	if (!mmun_monitor_start() && !uffd_info()->error)
		return true;
	snprintf(line, sizeof(line), "userfaultfd: %s", uffd_info()->state);
	skip("watched memory", line);
	return false;
}

#endif /* UFFD_TEST_H */
