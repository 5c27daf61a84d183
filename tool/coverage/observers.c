// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All observers, and ours. */
#include <stdio.h>
#include <string.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "events.h"
#include "observer.h"

/* -- ours -- */

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *range)
{
	(void)mn;
	event_seen(range->start, range->end, range->flags & MMUN_RANGE_AFTER);
	return 0;
}

static void on_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
	event_release();
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = on_start,
	.release = on_release,
};

static struct mmu_notifier notifier = { .ops = &ops };

/* "entries: patched; uffd: user mode only", and whether entries are among them. */
static void describe_sources(struct report *r)
{
	struct mmun_source_info info;
	size_t at = 0;

	for (size_t i = 0; !mmun_monitor_source(i, &info); i++) {
		if (!info.error && !strcmp(info.name, "entries"))
			r->patched = 1;
		if (info.error == -EAGAIN || at >= sizeof(r->state))
			continue;
		at += snprintf(r->state + at, sizeof(r->state) - at, "%s%s: %s%s",
			       at ? "; " : "", info.name,
			       info.error ? "not here: " : "",
			       info.state ? info.state : "runs");
	}
}

static int start_ours(const struct observer *o, struct report *r)
{
	int err = mmun_monitor_select(o->arg);

	if (!err)
		err = mmu_notifier_register(&notifier, mm_self());
	describe_sources(r);
	if (!err)
		return 0;
	snprintf(r->reason, sizeof(r->reason), "%s%s%.160s", strerror(-err),
		 *r->state ? ": " : "", r->state);
	return -1;
}

static void watch_ours(const struct subject *s, struct report *r)
{
	static struct mmun_watch watch;
	unsigned long page = (unsigned long)s->victim;

	mmun_watch(&watch, mm_self(), (unsigned long)s->start,
		   (unsigned long)s->start + s->len);
	r->blind = mmun_coverage(mm_self(), page, page + page_size);
	/* What is told from here on is not of what has been done so far. */
	mmun_settle(mm_self());
}

static void settle_ours(const struct subject *s, struct report *r)
{
	(void)s;
	(void)r;
	mmun_settle(mm_self());
}

#define OURS(name_, column_, what_, arg_)                                      \
	{ .name = name_, .column = column_, .what = what_, .arg = arg_,        \
	  .ours = true, .start = start_ours, .watch = watch_ours,              \
	  .ask = settle_ours }

static const struct observer ours[] = {
	OURS("auto", "auto", "entries and uffd", "auto"),
	OURS("entries", "entr", "libc's entry points alone", "entries"),
	OURS("uffd", "uffd", "userfaultfd alone", "uffd"),
	OURS("seccomp", "secc", "auto and seccomp", "auto,seccomp"),
	OURS("uffd,seccomp", "u+s", "userfaultfd and seccomp, nothing patched",
	     "uffd,seccomp"),
	OURS("bpf", "bpf", "auto and bpf", "auto,bpf"),
};

/* -- all -- */

#define NR_OURS (sizeof(ours) / sizeof(ours[0]))

static const struct observer *const peers[] = {
	&observer_ucm, &observer_lf_memhooks, &observer_lf_uffd,
};

const size_t nr_observers = NR_OURS + sizeof(peers) / sizeof(peers[0]);

const struct observer *observer_at(size_t i)
{
	return i < NR_OURS ? &ours[i] : peers[i - NR_OURS];
}

static int start_nothing(const struct observer *o, struct report *r)
{
	(void)o;
	(void)r;
	return 0;
}

const struct observer nobody = { .name = "none", .start = start_nothing };
const struct observer nobody_at_all = { .name = "plain", .start = start_nothing };

const struct observer *find_observer(const char *name)
{
	if (!strcmp(name, nobody.name))
		return &nobody;
	if (!strcmp(name, nobody_at_all.name))
		return &nobody_at_all;
	for (size_t i = 0; i < nr_observers; i++)
		if (!strcmp(name, observer_at(i)->name))
			return observer_at(i);
	return NULL;
}
