// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Hooks of the calls that take pages away from files. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/rseq.h"
#include "core/core.h"
#include "monitor/entries_table.h"

static bool contains(const struct mmun_bracket *b, const struct mmun_span *span)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (span->start >= b->span[i].start &&
		    span->end <= b->span[i].end)
			return true;
	return false;
}

static void tell_range(const struct mmun_span *span)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, span->event, MMUN_RANGE_AFTER,
				&mmun_self, span->start, span->end);
	mmu_notifier_invalidate_range_start(&range);
	mmun_end_range(&range, false);
}

/* A vfork child counts as any other of its events. */
static void tell_afterwards(const struct mmun_span *span)
{
	struct mmun_rseq_left left;

	if (!(mmun_special & MMUN_VFORKED) || mmun_is_own_process()) {
		tell_range(span);
		return;
	}
	left = mmun_rseq_leave();
	tell_range(span);
	mmun_rseq_return(&left);
}

/*
 * Somebody may have mapped the file between our look at the mappings and the call,
 * put another file in its place, or begun to listen: so look again.  What open()
 * has opened is known by its descriptor.
 */
static void look_again(const struct mmun_raw_event *ev,
		       const struct mmun_bracket *told, long ret)
{
	bool opens = ev->nr == SYS_openat;
	struct mmun_raw_event by_fd = { SYS_ftruncate, { ret, 0 } };
	int *err = &errno, call_errno = *err;
	struct mmun_span span[MMUN_MAX_SPANS];
	unsigned int n = mmun_decode(opens ? &by_fd : ev, span);

	for (unsigned int i = 0; i < n; i++)
		if (!contains(told, &span[i]))
			tell_afterwards(&span[i]);
	*err = call_errno;
}

/*
 * These are cancellation points, and a thread that ends in one would leave its
 * ranges in flight for ever: so it ends before, or after.
 */
static long bracket_uncancelled(const struct mmun_raw_event *ev,
				const struct mmun_call *call,
				struct mmun_bracket *self)
{
	int state;
	long ret;

	pthread_testcancel();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ret = mmun_bracket_spans(ev, call, self);
	pthread_setcancelstate(state, NULL);
	return ret;
}

/*
 * Where nothing is at stake, or nobody listens, it is the call and nothing else: it
 * may block, and be cancelled.
 */
static __attribute__((noinline)) long
intercept_file(enum entry_id id, bool cancellable,
	       const struct mmun_raw_event *ev, const struct mmun_call *call)
{
	bool heard = mmun_has_listeners(&mmun_self);
	struct mmun_bracket self = { .n = 0 };
	bool at_stake;
	long ret;

	if (mmun_unlikely(mmun_special & MMUN_PROBING))
		return mmun_intercept(id, ev, call);
	at_stake = mmun_file_at_stake(ev);
	if (!mmun_is_plain(id)) {
		ret = mmun_intercept(id, ev, call);
	} else {
		if (at_stake)
			self.n = mmun_decode(ev, self.span);
		ret = self.n && cancellable ?
			      bracket_uncancelled(ev, call, &self) :
			      mmun_bracket_spans(ev, call, &self);
	}
	if (ret != -1 && (at_stake || (!heard && mmun_has_listeners(&mmun_self))))
		look_again(ev, &self, ret);
	return ret;
}

/* The system call's arguments are the entry's. */
static int cut(enum entry_id id, long nr, long file, long size)
{
	struct mmun_raw_event ev = { nr, { file, size } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[id], true,
				  mmun_entry_foreign[id], { file, size } };

	return intercept_file(id, false, &ev, &call);
}

static int hook_ftruncate(int fd, off_t size)
{
	return cut(FTRUNCATE, SYS_ftruncate, fd, size);
}

static int hook_ftruncate64(int fd, off_t size)
{
	return cut(FTRUNCATE64, SYS_ftruncate, fd, size);
}

static int hook_truncate(const char *path, off_t size)
{
	return cut(TRUNCATE, SYS_truncate, (long)path, size);
}

static int hook_truncate64(const char *path, off_t size)
{
	return cut(TRUNCATE64, SYS_truncate, (long)path, size);
}

static int punch(enum entry_id id, int fd, int mode, off_t offset, off_t len)
{
	struct mmun_raw_event ev = { SYS_fallocate, { fd, mode, offset, len } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[id], true,
				  mmun_entry_foreign[id],
				  { fd, mode, offset, len } };

	return intercept_file(id, true, &ev, &call);
}

/* Mostly it gives a file more room. */
static int hook_fallocate(int fd, int mode, off_t offset, off_t len)
{
	int (*call)(int, int, off_t, off_t) = mmun_entry_orig[FALLOCATE];

	if (!mode && mmun_is_plain(FALLOCATE))
		return call(fd, mode, offset, len);
	return punch(FALLOCATE, fd, mode, offset, len);
}

static int hook_fallocate64(int fd, int mode, off_t offset, off_t len)
{
	int (*call)(int, int, off_t, off_t) = mmun_entry_orig[FALLOCATE64];

	if (!mode && mmun_is_plain(FALLOCATE64))
		return call(fd, mode, offset, len);
	return punch(FALLOCATE64, fd, mode, offset, len);
}

/* These two take the mode of a new file only if there may be one; so here. */
static int open_cutting(enum entry_id id, bool cancellable, const char *path,
			int flags, mode_t mode)
{
	struct mmun_raw_event ev = { SYS_openat, { AT_FDCWD, (long)path, flags,
						   mode } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[id], true,
				  mmun_entry_foreign[id],
				  { (long)path, flags, mode } };

	return intercept_file(id, cancellable, &ev, &call);
}

static int openat_cutting(enum entry_id id, int dirfd, const char *path,
			  int flags, mode_t mode)
{
	struct mmun_raw_event ev = { SYS_openat, { dirfd, (long)path, flags,
						   mode } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[id], true,
				  mmun_entry_foreign[id],
				  { dirfd, (long)path, flags, mode } };

	return intercept_file(id, true, &ev, &call);
}

static int hook_open(const char *path, int flags, mode_t mode)
{
	int (*call)(const char *, int, mode_t) = mmun_entry_orig[OPEN];

	if (!(flags & O_TRUNC) && mmun_is_plain(OPEN))
		return call(path, flags, mode);
	return open_cutting(OPEN, true, path, flags, mode);
}

static int hook_open64(const char *path, int flags, mode_t mode)
{
	int (*call)(const char *, int, mode_t) = mmun_entry_orig[OPEN64];

	if (!(flags & O_TRUNC) && mmun_is_plain(OPEN64))
		return call(path, flags, mode);
	return open_cutting(OPEN64, true, path, flags, mode);
}

/* glibc's own, behind shm_open() and fopen("c"). */
static int hook___open64_nocancel(const char *path, int flags, mode_t mode)
{
	int (*call)(const char *, int, mode_t) = mmun_entry_orig[OPEN_NOCANCEL];

	if (!(flags & O_TRUNC) && mmun_is_plain(OPEN_NOCANCEL))
		return call(path, flags, mode);
	return open_cutting(OPEN_NOCANCEL, false, path, flags, mode);
}

static int hook_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int (*call)(int, const char *, int, mode_t) = mmun_entry_orig[OPENAT];

	if (!(flags & O_TRUNC) && mmun_is_plain(OPENAT))
		return call(dirfd, path, flags, mode);
	return openat_cutting(OPENAT, dirfd, path, flags, mode);
}

static int hook_openat64(int dirfd, const char *path, int flags, mode_t mode)
{
	int (*call)(int, const char *, int, mode_t) = mmun_entry_orig[OPENAT64];

	if (!(flags & O_TRUNC) && mmun_is_plain(OPENAT64))
		return call(dirfd, path, flags, mode);
	return openat_cutting(OPENAT64, dirfd, path, flags, mode);
}

static int creating(enum entry_id id, const char *path, mode_t mode)
{
	struct mmun_raw_event ev = { SYS_openat, { AT_FDCWD, (long)path,
						   O_CREAT | O_WRONLY | O_TRUNC,
						   mode } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[id], true,
				  mmun_entry_foreign[id],
				  { (long)path, mode } };

	return intercept_file(id, true, &ev, &call);
}

static int hook_creat(const char *path, mode_t mode)
{
	return creating(CREAT, path, mode);
}

static int hook_creat64(const char *path, mode_t mode)
{
	return creating(CREAT64, path, mode);
}

MMUN_LINKED(ftruncate)
MMUN_LINKED(ftruncate64)
MMUN_LINKED(truncate)
MMUN_LINKED(truncate64)
MMUN_LINKED(fallocate)
MMUN_LINKED(fallocate64)
MMUN_LINKED(open)
MMUN_LINKED(open64)
MMUN_LINKED(__open64_nocancel)
MMUN_LINKED(openat)
MMUN_LINKED(openat64)
MMUN_LINKED(creat)
MMUN_LINKED(creat64)

const struct mmun_hook mmun_file_hooks[NR_ENTRIES] = {
	[FTRUNCATE] = MMUN_HOOK(ftruncate, SYS_ftruncate),
	[FTRUNCATE64] = MMUN_HOOK(ftruncate64, SYS_ftruncate),
	[TRUNCATE] = MMUN_HOOK(truncate, SYS_truncate),
	[TRUNCATE64] = MMUN_HOOK(truncate64, SYS_truncate),
	[FALLOCATE] = MMUN_HOOK(fallocate, SYS_fallocate),
	[FALLOCATE64] = MMUN_HOOK(fallocate64, SYS_fallocate),
	[OPEN] = MMUN_HOOK(open, SYS_openat),
	[OPEN64] = MMUN_HOOK(open64, SYS_openat),
	[OPEN_NOCANCEL] = MMUN_HOOK(__open64_nocancel, SYS_openat),
	[OPENAT] = MMUN_HOOK(openat, SYS_openat),
	[OPENAT64] = MMUN_HOOK(openat64, SYS_openat),
#ifdef SYS_creat
	[CREAT] = MMUN_HOOK(creat, SYS_creat),
	[CREAT64] = MMUN_HOOK(creat64, SYS_creat),
#else
	[CREAT] = MMUN_HOOK(creat, SYS_openat),
	[CREAT64] = MMUN_HOOK(creat64, SYS_openat),
#endif
};
