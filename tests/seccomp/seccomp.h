/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SECCOMP_H
#define SECCOMP_H
/* Start with the source "seccomp", or end without it, saying what is missing. */
#include "../live/live.h"

static inline const struct mmun_source_info *seccomp_source(void)
{
	static struct mmun_source_info info;

	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		if (!strcmp(info.name, "seccomp"))
			return &info;
	bail("no source of that name");
}

/* What this machine cannot have; all else is a failure. */
static inline bool is_missing(const struct mmun_source_info *seccomp)
{
	return strstr(seccomp->state, "the kernel is older") ||
	       strstr(seccomp->state, "the kernel has no") ||
	       strstr(seccomp->state, "needs kcmp()") ||
	       strstr(seccomp->state, "forbidden here");
}

static inline int try_to_start(const char *sources)
{
	int err = mmun_monitor_select(sources);

	if (err)
		bail("select: %s", strerror(-err));
	return mmun_monitor_start();
}

static inline void start_with_seccomp(const char *sources)
{
	int err = try_to_start(sources);

	if (!err)
		return;
	if (!seccomp_source()->error || !is_missing(seccomp_source()))
		bail("start: %s, seccomp: %s", strerror(-err),
		     seccomp_source()->state);
	skip("the source seccomp", seccomp_source()->state);
	exit(tap_end());
}

/* After a call past libc: one start and one end of exactly this, in time. */
static inline bool told(enum mmu_notifier_event event, const void *addr,
			size_t len)
{
	mmun_settle(mm_self());
	return heard_one(event, addr, len) &&
	       !(heard[0].flags & MMUN_RANGE_AFTER);
}

static inline bool hears_raw_munmap(void)
{
	char *p = pages(2);
	bool right;

	listen_now();
	right = !raw3(SYS_munmap, (long)p, 2 * PAGE, 0);
	return told(MMU_NOTIFY_UNMAP, p, 2 * PAGE) && right && went(2);
}

#endif /* SECCOMP_H */
