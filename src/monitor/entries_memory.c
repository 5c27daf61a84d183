// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Hooks of the calls that change mappings, and of syscall(), which makes any. */
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/syscall.h"
#include "monitor/entries_process.h"
#include "monitor/entries_table.h"

/* Many calls are empty: these go on by a jump, as if the hook were not there. */
static int hook_munmap(void *addr, size_t len)
{
	int (*call)(void *, size_t) = mmun_entry_orig[MUNMAP];

	if (!len && mmun_is_plain(MUNMAP))
		return call(addr, len);
	return mmun_intercept_plain(MUNMAP, true, SYS_munmap, (long)addr, len, 0,
				    0, 0, 0);
}

/* What was there before may have died a moment ago, and nobody knows yet. */
static void *mapped(void *ret, size_t len)
{
	if (ret != MAP_FAILED)
		mmun_mapped((unsigned long)ret, len);
	return ret;
}

static __attribute__((noinline)) void *
intercept_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return mapped((void *)mmun_intercept_plain(MMAP, false, SYS_mmap,
						   (long)addr, len, prot, flags,
						   fd, offset), len);
}

/* What is new takes nothing's place: by a jump, unless something is watched. */
static void *hook_mmap(void *addr, size_t len, int prot, int flags, int fd,
		       off_t offset)
{
	void *(*call)(void *, size_t, int, int, int, off_t) =
		mmun_entry_orig[MMAP];

	if ((flags & MAP_FIXED) || !mmun_is_plain(MMAP))
		return intercept_mmap(addr, len, prot, flags, fd, offset);
	if (mmun_is_watching())
		return mapped(call(addr, len, prot, flags, fd, offset), len);
	return call(addr, len, prot, flags, fd, offset);
}

static int hook_madvise(void *addr, size_t len, int advice)
{
	int (*call)(void *, size_t, int) = mmun_entry_orig[MADVISE];

	if (!len && mmun_is_plain(MADVISE))
		return call(addr, len, advice);
	return mmun_intercept_plain(MADVISE, true, SYS_madvise, (long)addr, len,
				    advice, 0, 0, 0);
}

/* Whoever patches code makes it writable before, and not so afterwards. */
static int protected(int ret, void *addr, size_t len, int prot)
{
	if (!ret && mmun_unlikely(prot & PROT_EXEC) &&
	    !(mmun_special & MMUN_PROBING))
		mmun_entries_protected((unsigned long)addr, len);
	return ret;
}

static int hook_mprotect(void *addr, size_t len, int prot)
{
	int ret = mmun_intercept_plain(MPROTECT, true, SYS_mprotect, (long)addr,
				       len, prot, 0, 0, 0);

	return protected(ret, addr, len, prot);
}

static int hook_pkey_mprotect(void *addr, size_t len, int prot, int pkey)
{
	int ret = mmun_intercept_plain(PKEY_MPROTECT, true, SYS_pkey_mprotect,
				       (long)addr, len, prot, pkey, 0, 0);

	return protected(ret, addr, len, prot);
}

static void *hook_mremap(void *old, size_t old_len, size_t new_len, int flags,
			 void *new)
{
	return mapped((void *)mmun_intercept_plain(MREMAP, false, SYS_mremap,
						   (long)old, old_len, new_len,
						   flags, (long)new, 0),
		      new_len);
}

static int hook_remap_file_pages(void *addr, size_t len, int prot, size_t page,
				 int flags)
{
	return mmun_intercept_plain(REMAP_FILE_PAGES, true, SYS_remap_file_pages,
				    (long)addr, len, prot, page, flags, 0);
}

static ssize_t hook_process_madvise(int pidfd, const struct iovec *iov,
				    size_t n, int advice, unsigned int flags)
{
	return mmun_intercept_plain(PROCESS_MADVISE, false, SYS_process_madvise,
				    pidfd, (long)iov, n, advice, flags, 0);
}

static int hook_brk(void *addr)
{
	return mmun_intercept_plain(BRK, true, SYS_brk, (long)addr, 0, 0, 0, 0,
				    0);
}

/* Its length only the segment knows. */
static void *attached(void *ret, int id)
{
	struct shmid_ds ds;

	if (mmun_is_watching() && ret != MAP_FAILED &&
	    !mmun_syscall(SYS_shmctl, id, IPC_STAT, &ds))
		mapped(ret, ds.shm_segsz);
	return ret;
}

static void *hook_shmat(int id, const void *addr, int flags)
{
	return attached((void *)mmun_intercept_plain(SHMAT, false, SYS_shmat, id,
						     (long)addr, flags, 0, 0, 0),
			id);
}

static int hook_shmdt(const void *addr)
{
	return mmun_intercept_plain(SHMDT, true, SYS_shmdt, (long)addr, 0, 0, 0,
				    0, 0);
}

/* Its argument is a difference. */
static void *hook_sbrk(intptr_t increment)
{
	struct mmun_raw_event ev = { SYS_brk, { 0 } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[SBRK], false,
				  false, { increment } };

	if (increment < 0 && !(mmun_special & MMUN_PROBING))
		ev.arg[0] = mmun_current_brk() + increment;
	return (void *)mmun_intercept(SBRK, &ev, &call);
}

static __attribute__((noinline)) long intercept_syscall(long nr, long a, long b,
							long c, long d, long e,
							long f)
{
	struct mmun_raw_event ev = { nr, { a, b, c, d, e, f } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[SYSCALL], false,
				  mmun_entry_foreign[SYSCALL],
				  { nr, a, b, c, d, e, f } };

	void *ret = (void *)mmun_intercept(SYSCALL, &ev, &call);

	if (nr == SYS_mmap)
		mapped(ret, b);
	else if (nr == SYS_mremap)
		mapped(ret, c);
	else if (nr == SYS_shmat)
		attached(ret, a);
	return (long)ret;
}

/*
 * libc's syscall() takes whatever registers and stack slot are there; so here.  By
 * jumps: most calls need no frame of ours, and vfork() must not return twice to
 * one.
 */
static long hook_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	mmun_call_fn call = (mmun_call_fn)mmun_entry_orig[SYSCALL];

	if (mmun_is_process_call(nr)) {
		struct mmun_raw_event ev = { nr, { a, b, c, d, e, f } };

		if (!mmun_process_call(&ev))
			return call(nr, a, b, c, d, e, f);
	} else if (!mmun_is_event_call(nr) && mmun_is_plain(SYSCALL)) {
		return call(nr, a, b, c, d, e, f);
	}
	return intercept_syscall(nr, a, b, c, d, e, f);
}

/* The dynamic linker has its own, which it uses for dlclose(). */
static int hook_ldso_munmap(void *addr, size_t len)
{
	return mmun_intercept_plain(LDSO_MUNMAP, true, SYS_munmap, (long)addr,
				    len, 0, 0, 0, 0);
}

static int hook_ldso_mprotect(void *addr, size_t len, int prot)
{
	return mmun_intercept_plain(LDSO_MPROTECT, true, SYS_mprotect,
				    (long)addr, len, prot, 0, 0, 0);
}

MMUN_LINKED(munmap)
MMUN_LINKED(mmap)
MMUN_LINKED(mremap)
MMUN_LINKED(madvise)
MMUN_LINKED(process_madvise)
MMUN_LINKED(brk)
MMUN_LINKED(sbrk)
MMUN_LINKED(shmdt)
MMUN_LINKED(shmat)
MMUN_LINKED(mprotect)
MMUN_LINKED(pkey_mprotect)
MMUN_LINKED(remap_file_pages)
MMUN_LINKED(syscall)

const struct mmun_hook mmun_memory_hooks[NR_ENTRIES] = {
	[MUNMAP] = MMUN_HOOK(munmap, SYS_munmap),
	[MMAP] = MMUN_HOOK(mmap, SYS_mmap),
	[MREMAP] = MMUN_HOOK(mremap, SYS_mremap),
	[MADVISE] = MMUN_HOOK(madvise, SYS_madvise),
	[PROCESS_MADVISE] = MMUN_HOOK(process_madvise, SYS_process_madvise),
	[BRK] = MMUN_HOOK(brk, SYS_brk),
	[SBRK] = MMUN_HOOK(sbrk, SYS_brk),
	[SHMDT] = MMUN_HOOK(shmdt, SYS_shmdt),
	[SHMAT] = MMUN_HOOK(shmat, SYS_shmat),
	[MPROTECT] = MMUN_HOOK(mprotect, SYS_mprotect),
	[PKEY_MPROTECT] = MMUN_HOOK(pkey_mprotect, SYS_pkey_mprotect),
	[REMAP_FILE_PAGES] = MMUN_HOOK(remap_file_pages, SYS_remap_file_pages),
	[LDSO_MUNMAP] = { "ld.so munmap", hook_ldso_munmap, NULL, SYS_munmap },
	[LDSO_MPROTECT] = { "ld.so mprotect", hook_ldso_mprotect, NULL,
			    SYS_mprotect },
	[SYSCALL] = MMUN_HOOK(syscall, -1),
};
