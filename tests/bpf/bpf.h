/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_H
#define BPF_H
/* Start with the source "bpf", or end without it, saying what is missing. */
#include "../live/live.h"

static inline const struct mmun_source_info *bpf_source(void)
{
	static struct mmun_source_info info;

	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		if (!strcmp(info.name, "bpf"))
			return &info;
	bail("no source of that name");
}

/* What this machine, or this build, cannot have; all else is a failure. */
static inline bool is_missing(const struct mmun_source_info *bpf)
{
	return strstr(bpf->state, "built without") ||
	       strstr(bpf->state, "not installed") ||
	       strstr(bpf->state, "CAP_BPF");
}

static inline void start_with_bpf(const char *sources)
{
	int err = mmun_monitor_select(sources);

	if (err)
		bail("select: %s", strerror(-err));
	err = mmun_monitor_start();
	if (!err)
		return;
	if (!bpf_source()->error || !is_missing(bpf_source()))
		bail("start: %s, bpf: %s", strerror(-err), bpf_source()->state);
	skip("the source bpf", bpf_source()->state);
	exit(tap_end());
}

/* From now on, without what has yet to be told of before. */
static inline void listen_settled(void)
{
	mmun_settle(mm_self());
	listen_now();
}

/* After a call past libc: one start and one end of exactly this, afterwards. */
static inline bool told(enum mmu_notifier_event event, const void *addr,
			size_t len)
{
	mmun_settle(mm_self());
	return heard_one(event, addr, len) &&
	       (heard[0].flags & MMUN_RANGE_AFTER) &&
	       (heard[1].flags & MMUN_RANGE_AFTER);
}

static inline bool told_nothing(void)
{
	mmun_settle(mm_self());
	return heard_none();
}

#endif /* BPF_H */
