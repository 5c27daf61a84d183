/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Choosing sources, and asking what they see.  A choice is for the life of a
 * process: each group runs in a child that begins anew.
 */
#include "live.h"

#define ANON_RAW (MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD | MMUN_BLIND_RAW_SHM)

static int blind(const void *addr, size_t len)
{
	return mmun_coverage(mm_self(), (unsigned long)addr,
			     (unsigned long)addr + len);
}

static int source_error(const char *name)
{
	struct mmun_source_info info;

	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		if (!strcmp(info.name, name))
			return info.error;
	return 1;
}

static void before_the_start(void)
{
	struct mmun_source_info info = { .error = 77 };
	bool described = true;
	size_t n = 0;

	for (; !mmun_monitor_source(n, &info); n++)
		described &= info.name && info.covers && info.needs &&
			     info.costs && info.state && info.error == -EAGAIN;
	ok(n == 4 && described, "four sources say what they see and cost");
	ok(mmun_monitor_source(n, &info) == -ENOENT &&
	   mmun_monitor_source(0, NULL) == -EINVAL, "and there is no fifth");
	ok(mmun_monitor_select(NULL) == -EINVAL &&
	   mmun_monitor_select("") == -EINVAL &&
	   mmun_monitor_select("auto,") == -EINVAL &&
	   mmun_monitor_select(",auto") == -EINVAL &&
	   mmun_monitor_select("entrie") == -EINVAL &&
	   mmun_monitor_select("auto,nothing") == -EINVAL,
	   "a choice of what there is not is refused");
	ok(blind(&info, 1) == -EAGAIN, "coverage: not before the start");
	ok(mmun_coverage(NULL, 0, 1) == -EINVAL &&
	   mmun_coverage(mm_self(), 1, 1) == -EINVAL &&
	   mmun_coverage(mm_self(), 2, 1) == -EINVAL,
	   "coverage: no mm, no range");
	mmun_settle(mm_self());
}

static int blind_in_callback;

static int ask_in_callback(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *range)
{
	(void)mn;
	mmun_settle(range->mm);
	blind_in_callback = mmun_coverage(range->mm, range->start, range->end);
	return 0;
}

static void entries_alone(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = ask_in_callback,
	};
	struct mmu_notifier mn = { .ops = &ops };
	char *p = pages(3);

	ok(!mmun_monitor_select("uffd") && !mmun_monitor_select("entries"),
	   "the last choice stands");
	record();
	ok(mmun_monitor_select("auto") == -EBUSY, "until the start");
	ok(!source_error("entries") && source_error("uffd") == -EAGAIN &&
	   source_error("seccomp") == -EAGAIN && source_error("bpf") == -EAGAIN,
	   "what is not chosen does not run");
	ok((blind(p, PAGE) & ANON_RAW) == ANON_RAW,
	   "entries: all that goes past libc goes unseen (%#x)", blind(p, PAGE));
	ok(!(blind(p, 3 * PAGE) & (MMUN_BLIND_OTHERS | MMUN_BLIND_RAW_FILE)),
	   "nobody truncates anonymous memory");
	drop(p + PAGE, 1);
	ok(!(blind(p, PAGE) & MMUN_BLIND_UNKNOWN) &&
	   blind(p, 3 * PAGE) & MMUN_BLIND_UNKNOWN &&
	   blind(p + PAGE, 1) & MMUN_BLIND_UNKNOWN,
	   "nothing is known of a hole");
	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	munmap(p, PAGE);
	ok(blind_in_callback == -EDEADLK, "coverage: not in a callback");
	mmu_notifier_unregister(&mn, mm_self());
	drop(p + 2 * PAGE, 1);
}

static void all_of_auto(void)
{
	struct mmun_watch watch[2];
	char *p = pages(2), *q;
	int memfd = memfd_create("sources", MFD_CLOEXEC), unwatched;

	if (memfd < 0 || ftruncate(memfd, PAGE))
		bail("memfd");
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	record();
	ok(!source_error("entries") && !source_error("uffd"),
	   "auto: entries and uffd run");
	unwatched = blind(p, PAGE);
	ok(unwatched & MMUN_BLIND_RAW, "what nobody watches costs nothing");
	ok(!mmun_watch(&watch[0], mm_self(), (unsigned long)p,
		       (unsigned long)p + PAGE) &&
	   !mmun_watch(&watch[1], mm_self(), (unsigned long)q,
		       (unsigned long)q + PAGE), "watched");
	ok(!(blind(p, PAGE) & MMUN_BLIND_RAW) &&
	   blind(p, PAGE) & MMUN_BLIND_RAW_GUARD &&
	   blind(p, PAGE) & MMUN_BLIND_IO_URING,
	   "anonymous memory: guards go unseen, unmapping does not (%#x)",
	   blind(p, PAGE));
	ok(!(blind(q, PAGE) & MMUN_BLIND_RAW) &&
	   blind(q, PAGE) & MMUN_BLIND_RAW_FILE &&
	   blind(q, PAGE) & MMUN_BLIND_OTHERS &&
	   blind(q, PAGE) & MMUN_BLIND_IO_URING,
	   "a file in memory: truncation past us does (%#x)", blind(q, PAGE));
	mmun_unwatch(&watch[0]);
	mmun_unwatch(&watch[1]);
	ok(blind(p, PAGE) == unwatched, "no longer watched");
	munmap(q, PAGE);
	drop(p, 2);
}

static void software(void)
{
	struct mm_struct *mm = mm_alloc();

	ok(!mmun_coverage(mm, 0, ULONG_MAX), "software: its owner tells all");
	mmun_settle(mm);
	mmput(mm);
}

static void chosen_by_environment(void)
{
	setenv("MMUNOTIFY_SOURCES", "entries", 1);
	record();
	ok(!source_error("entries") && source_error("uffd") == -EAGAIN,
	   "the environment chooses");
}

static void nonsense_in_environment(void)
{
	setenv("MMUNOTIFY_SOURCES", "entries,nothing", 1);
	ok(mmu_notifier_register(&recorder, mm_self()) == -EINVAL &&
	   mmun_monitor_start() == -EINVAL, "and nonsense in it is an error");
}

static void (*const groups[])(void) = {
	before_the_start, entries_alone,	 all_of_auto,
	software,	  chosen_by_environment, nonsense_in_environment,
};

/* The child counts its cases on; what it printed is in our output. */
static void run(void (*group)(void))
{
	int done[2], state[2];
	pid_t pid;

	if (pipe(done))
		bail("pipe");
	pid = fork();
	if (!pid) {
		group();
		state[0] = atomic_load(&tap_count);
		state[1] = atomic_load(&tap_failed);
		_exit(write(done[1], state, sizeof(state)) != sizeof(state));
	}
	close(done[1]);
	if (read(done[0], state, sizeof(state)) != sizeof(state) || reap(pid))
		bail("a group died");
	atomic_store(&tap_count, state[0]);
	atomic_store(&tap_failed, state[1]);
	close(done[0]);
}

int main(void)
{
	tap_begin(60);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		run(groups[i]);
	return tap_end();
}
