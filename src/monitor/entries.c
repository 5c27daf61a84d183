// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The source "entries": libc's entry points, patched in the running process.
 *
 * Sees every call through them, libc's own included (free() of a large chunk,
 * malloc_trim(), the release of a thread's stack), before it is made and after.
 * Sees no system call by instruction, nor ld.so's own, nor other processes.
 *
 * A hook has the signature of its entry, makes a raw event of the arguments,
 * and makes the call through what the entry did before (patch.h), whether that
 * is libc or a foreign patch: results and errno are those of the call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "monitor/bracket.h"
#include "monitor/monitor_ops.h"
#include "monitor/patch.h"

enum entry_id {
	MUNMAP,
	MMAP,
	MREMAP,
	MADVISE,
	PROCESS_MADVISE,
	BRK,
	SBRK,
	SHMDT,
	SHMAT,
	MPROTECT,
	PKEY_MPROTECT,
	SYSCALL,
	NR_ENTRIES
};

typedef long (*call_fn)(long, long, long, long, long, long, long);

struct entry {
	const char *name;
	void *hook;
	struct mmun_patch patch;
	int error;
	bool reports;
};

static struct entry entries[NR_ENTRIES];

/* What each did before; published before it is live.  Side by side in the cache. */
static void *orig[NR_ENTRIES] __attribute__((aligned(64)));

/* -- hooks -- */

/* Set while the self-test of this thread calls an entry; signals are blocked. */
static __thread bool probing __attribute__((tls_model("initial-exec")));

static long probed(enum entry_id id)
{
	entries[id].reports = true;
	return -1;
}

static inline __attribute__((always_inline)) long
intercept(enum entry_id id, const struct mmun_raw_event *ev,
	  const struct mmun_call *call)
{
	return mmun_unlikely(probing) ? probed(id) : mmun_bracket(ev, call);
}

/* An entry whose arguments are the system call's. */
static inline __attribute__((always_inline)) long
intercept_plain(enum entry_id id, bool returns_int, long nr, long a, long b,
		long c, long d, long e, long f)
{
	struct mmun_raw_event ev = { nr, { a, b, c, d, e, f } };
	struct mmun_call call = { (call_fn)orig[id],
				  returns_int, entries[id].patch.foreign,
				  { a, b, c, d, e, f } };

	return intercept(id, &ev, &call);
}

/*
 * Most mappings are new ones, and many calls empty: these go on by a jump, as if
 * the hook were not there.
 */
static int hook_munmap(void *addr, size_t len)
{
	int (*call)(void *, size_t) = orig[MUNMAP];

	if (!len && mmun_likely(!probing))
		return call(addr, len);
	return intercept_plain(MUNMAP, true, SYS_munmap, (long)addr, len, 0, 0,
			       0, 0);
}

static void *hook_mmap(void *addr, size_t len, int prot, int flags, int fd,
		       off_t offset)
{
	void *(*call)(void *, size_t, int, int, int, off_t) = orig[MMAP];

	if (!(flags & MAP_FIXED) && mmun_likely(!probing))
		return call(addr, len, prot, flags, fd, offset);
	return (void *)intercept_plain(MMAP, false, SYS_mmap, (long)addr, len,
				       prot, flags, fd, offset);
}

static int hook_madvise(void *addr, size_t len, int advice)
{
	int (*call)(void *, size_t, int) = orig[MADVISE];

	if (!len && mmun_likely(!probing))
		return call(addr, len, advice);
	return intercept_plain(MADVISE, true, SYS_madvise, (long)addr, len,
			       advice, 0, 0, 0);
}

static int hook_mprotect(void *addr, size_t len, int prot)
{
	return intercept_plain(MPROTECT, true, SYS_mprotect, (long)addr, len,
			       prot, 0, 0, 0);
}

static int hook_pkey_mprotect(void *addr, size_t len, int prot, int pkey)
{
	return intercept_plain(PKEY_MPROTECT, true, SYS_pkey_mprotect,
			       (long)addr, len, prot, pkey, 0, 0);
}

static void *hook_mremap(void *old, size_t old_len, size_t new_len, int flags,
			 void *new)
{
	return (void *)intercept_plain(MREMAP, false, SYS_mremap, (long)old,
				       old_len, new_len, flags, (long)new, 0);
}

static ssize_t hook_process_madvise(int pidfd, const struct iovec *iov,
				    size_t n, int advice, unsigned int flags)
{
	return intercept_plain(PROCESS_MADVISE, false, SYS_process_madvise,
			       pidfd, (long)iov, n, advice, flags, 0);
}

static int hook_brk(void *addr)
{
	return intercept_plain(BRK, true, SYS_brk, (long)addr, 0, 0, 0, 0, 0);
}

static void *hook_shmat(int id, const void *addr, int flags)
{
	return (void *)intercept_plain(SHMAT, false, SYS_shmat, id, (long)addr,
				       flags, 0, 0, 0);
}

static int hook_shmdt(const void *addr)
{
	return intercept_plain(SHMDT, true, SYS_shmdt, (long)addr, 0, 0, 0, 0, 0);
}

/* Its argument is a difference. */
static void *hook_sbrk(intptr_t increment)
{
	struct mmun_raw_event ev = { SYS_brk, { 0 } };
	struct mmun_call call = { (call_fn)orig[SBRK], false, false,
				  { increment } };

	if (increment < 0 && !probing)
		ev.arg[0] = mmun_current_brk() + increment;
	return (void *)intercept(SBRK, &ev, &call);
}

/* libc's syscall() takes whatever registers and stack slot are there; so here. */
static long hook_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	struct mmun_raw_event ev = { nr, { a, b, c, d, e, f } };
	struct mmun_call call = { (call_fn)orig[SYSCALL], false,
				  entries[SYSCALL].patch.foreign,
				  { nr, a, b, c, d, e, f } };

	return intercept(SYSCALL, &ev, &call);
}

#define ENTRY(function) { .name = #function, .hook = hook_##function }

static struct entry entries[NR_ENTRIES] = {
	[MUNMAP] = ENTRY(munmap),
	[MMAP] = ENTRY(mmap),
	[MREMAP] = ENTRY(mremap),
	[MADVISE] = ENTRY(madvise),
	[PROCESS_MADVISE] = ENTRY(process_madvise),
	[BRK] = ENTRY(brk),
	[SBRK] = ENTRY(sbrk),
	[SHMDT] = ENTRY(shmdt),
	[SHMAT] = ENTRY(shmat),
	[MPROTECT] = ENTRY(mprotect),
	[PKEY_MPROTECT] = ENTRY(pkey_mprotect),
	[SYSCALL] = ENTRY(syscall),
};

/* -- starting -- */

/*
 * libc's own function, whatever stands in front of it in the search order: a
 * preloaded wrapper or a sanitizer calls it in the end.
 */
static void *find_entry(void *libc, const char *name)
{
	void *entry = libc ? dlsym(libc, name) : NULL;

	return entry ? entry : dlsym(RTLD_DEFAULT, name);
}

static void resolve(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	for (int i = 0; i < NR_ENTRIES; i++)
		mmun_write(&entries[i].patch.entry,
			   find_entry(libc, entries[i].name));
}

static int prepare(struct entry *e)
{
	int err;

	if (orig[e - entries])
		return 0;
	e->patch.hook = e->hook;
	e->patch.how = "not in a C library that is linked dynamically";
	if (!e->patch.entry)
		return -ENOENT;
	err = mmun_patch_prepare(&e->patch);
	if (!err)
		orig[e - entries] = e->patch.orig;
	return err;
}

/* Call it, and see whether it comes to its hook; the hook goes no further. */
static void self_test(struct entry *e)
{
	int saved_errno = errno;

	probing = true;
	mmun_barrier();
	((call_fn)e->patch.entry)(0, 0, 0, 0, 0, 0, 0);
	mmun_barrier();
	probing = false;
	errno = saved_errno;
}

/*
 * Is anything lost without it?  What sbrk() does comes through brk(), and an
 * older C library has no process_madvise(): nobody can call it.
 */
static bool is_dispensable(const struct entry *e)
{
	return e == &entries[SBRK] ||
	       (e == &entries[PROCESS_MADVISE] && e->error == -ENOENT);
}

/* Return: 0, or of the errors the one that matters most. */
static int worse(int ret, const struct entry *e)
{
	if (is_dispensable(e) || ret == -ENOMEM)
		return ret;
	if (e->error == -ENOMEM || e->error == -EAGAIN || e->error == -EMFILE ||
	    e->error == -ENFILE)
		return -ENOMEM;
	return e->error ? -EOPNOTSUPP : ret;
}

/* All or nothing, as far as can be known before. */
static int prepare_all(void)
{
	int ret = 0;

	for (int i = 0; i < NR_ENTRIES; i++) {
		entries[i].error = prepare(&entries[i]);
		ret = worse(ret, &entries[i]);
	}
	return ret;
}

static int commit_all(void)
{
	int ret = 0;

	for (int i = 0; i < NR_ENTRIES; i++) {
		struct entry *e = &entries[i];

		if (!e->error && !e->reports)
			e->error = mmun_patch_commit(&e->patch);
		if (!e->error)
			self_test(e);
		if (!e->error && !e->reports)
			e->error = -EOPNOTSUPP;
		ret = worse(ret, e);
	}
	return ret;
}

static int start(const char **state)
{
	int ret = prepare_all();

	if (!ret)
		ret = commit_all();
	*state = ret ? "not every entry can be patched; mmun_monitor_entry() has the reasons" :
		       "patched";
	return ret;
}

static int entry_info(size_t index, struct mmun_entry_info *info)
{
	if (index >= NR_ENTRIES)
		return -ENOENT;
	info->name = entries[index].name;
	info->how = entries[index].patch.foreign && !entries[index].error ?
			    "chained to a foreign patch" :
			    entries[index].patch.how;
	info->error = entries[index].error;
	info->reports = entries[index].reports;
	return 0;
}

const struct mmun_monitor_ops mmun_monitor_entries = {
	.name = "entries",
	.covers = "mapping calls through libc, libc's and ld.so's own included",
	.needs = "a dynamically linked libc; leave to make its code writable",
	.costs = "some ns in each of the patched calls, nothing elsewhere",
	.resolve = resolve,
	.start = start,
	.entry = entry_info,
};
