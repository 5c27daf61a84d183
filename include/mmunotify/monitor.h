/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUNOTIFY_MONITOR_H
#define MMUNOTIFY_MONITOR_H
/**
 * DOC: monitors
 *
 * A monitor is a source of events for mm_self().  Monitors start by
 * themselves when the first notifier registers on mm_self(); these calls
 * choose them, declare interest in memory, and say what is seen of it.
 *
 * entries	libc's entry points and ld.so's own, patched in this process
 * uffd		userfaultfd, for mappings that somebody watches
 * seccomp	user notification of system calls made past the entries
 * bpf		raw system-call tracepoints; needs CAP_BPF
 *
 * "auto", the default, is entries and uffd.  No source sees everything;
 * mmun_coverage() says, for a range, what remains unseen.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmunotify/mm.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mmun_entry_info - what became of one watched entry point
 * @monitor: the source, "entries"
 * @name: the entry point, "munmap"
 * @how: in words, how it is watched, or why it is not; static
 * @error: 0, or the negative errno of the refusal
 * @reports: the self-test saw an event of this entry arrive
 */
struct mmun_entry_info {
	const char *monitor;
	const char *name;
	const char *how;
	int error;
	bool reports;
};

/**
 * mmun_monitor_start() - start the monitors now
 *
 * What the first registration on mm_self() does.  Once they run they never
 * stop, and the library stays in memory.
 *
 * Context: sleeps, allocates; not in a callback or signal handler.
 * Return: 0; -EOPNOTSUPP when the process cannot be watched here as was asked,
 *         for good; -ENOMEM when it could not be this time; -EINVAL when
 *         MMUNOTIFY_SOURCES makes no sense.  mmun_monitor_source() and
 *         mmun_monitor_entry() have the reasons.
 */
int mmun_monitor_start(void);

/**
 * mmun_monitor_entry() - ask about one watched entry point
 * @index: from 0 on
 * @ret_info: what became of it; untouched on error
 *
 * Context: any but a signal handler.
 * Return: 0, -ENOENT past the last one, -EINVAL without @ret_info, -EAGAIN
 *         before the first attempt to start the monitors.
 */
int mmun_monitor_entry(size_t index, struct mmun_entry_info *ret_info);

/**
 * mmun_monitor_select() - choose the sources
 * @sources: names, separated by commas: "auto", "entries", "uffd", "seccomp",
 *	"bpf", each with a "?" behind it if it may be missing; "auto" is
 *	"entries,uffd?"
 *
 * Instead of the environment variable MMUNOTIFY_SOURCES, which is read when
 * this is not called, and not in a set-user-ID program.  A source that is
 * named, without a "?", and cannot be had makes the start fail.
 *
 * A process with seccomp passes its filter on to its children, be they forked or
 * executed, and they cannot have the source themselves: where they use the
 * library too, choose "auto,seccomp?".
 *
 * Context: before the monitors are started; any but a signal handler.
 * Return: 0; -EINVAL for an unknown name, an empty list or NULL; -EBUSY once
 *         the monitors are started.
 */
int mmun_monitor_select(const char *sources);

/**
 * struct mmun_source_info - one source
 * @name: "entries", "uffd", "seccomp", "bpf"
 * @covers: what it sees, in words; static, as all of these
 * @needs: what the system must have and allow
 * @costs: what whom it costs
 * @state: how it runs, or why it does not
 * @error: 0 when it runs, or the negative errno of the refusal; -EAGAIN before
 *	a start that chose it
 */
struct mmun_source_info {
	const char *name;
	const char *covers;
	const char *needs;
	const char *costs;
	const char *state;
	int error;
};

/**
 * mmun_monitor_source() - ask about one source
 * @index: from 0 on
 * @ret_info: the answer; untouched on error
 *
 * Context: any but a signal handler.
 * Return: 0, -ENOENT past the last one, -EINVAL without @ret_info.
 */
int mmun_monitor_source(size_t index, struct mmun_source_info *ret_info);

/**
 * struct mmun_watch - an interest in a range, embedded in what the caller keeps
 * @mm: the address space; set by mmun_watch()
 * @start: first byte
 * @end: the byte after the last
 * @mmun_private: the library's; need not be initialised
 */
struct mmun_watch {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	uint64_t mmun_private[10];
};

/**
 * mmun_watch() - declare interest in a range
 * @watch: the caller's memory, until mmun_unwatch()
 * @mm: mm_self(), or a software mm, of which its owner reports everything
 * @start: first byte
 * @end: the byte after the last
 *
 * Sources that cost something per range, such as uffd, see what is watched and
 * no more.  They work by whole mappings, as these are now: memory that is mapped
 * into the range later is seen after mmun_coverage() of it, or another watch.
 * Watches overlap as they like, and are counted.  A watch is no notifier: events
 * go to whoever is registered on @mm.
 *
 * Not every mapping can be watched by every source.  That is no error here;
 * mmun_coverage() tells.
 *
 * Context: sleeps, allocates, system calls; not in a callback or signal handler,
 * nor with a lock that a callback takes.
 * Return: 0; -EINVAL for NULL, an empty range, or a watch that is in use;
 *         -ENOMEM; -EOPNOTSUPP as mmun_monitor_start(); -EDEADLK in a callback.
 */
int mmun_watch(struct mmun_watch *watch, struct mm_struct *mm,
	       unsigned long start, unsigned long end);

/**
 * mmun_unwatch() - withdraw it
 * @watch: from mmun_watch(); anything else warns, and nothing happens
 *
 * When nobody is interested in a mapping any more, it costs nothing any more.
 *
 * Context: as mmun_watch(); in a callback it warns, and nothing happens.
 */
void mmun_unwatch(struct mmun_watch *watch);

/**
 * enum mmun_blind - ways in which a page that somebody has pinned can go from
 *	behind its address without an event
 * @MMUN_BLIND_RAW: munmap, mmap, mremap, brk, process_madvise and madvise, made
 *	past the C library, by a system call instruction
 * @MMUN_BLIND_RAW_GUARD: madvise(MADV_GUARD_INSTALL) likewise, and advice that
 *	poisons
 * @MMUN_BLIND_RAW_SHM: shmdt and shmat(SHM_REMAP) likewise
 * @MMUN_BLIND_RAW_FILE: truncation and hole punching of a mapped file by this
 *	process likewise, madvise(MADV_REMOVE), which uffd tells of before the hole
 *	is there, and remap_file_pages
 * @MMUN_BLIND_RAW_EXIT: exit_group and execve likewise
 * @MMUN_BLIND_LDSO: what the dynamic linker unmaps: dlclose()
 * @MMUN_BLIND_IO_URING: what io_uring does by itself: MADVISE, FALLOCATE,
 *	FTRUNCATE
 * @MMUN_BLIND_OTHERS: another process truncates or punches the file
 * @MMUN_BLIND_RAW_SHARER: what MMUN_BLIND_RAW is about, by a process that shares
 *	this memory: a child of vfork() or clone(CLONE_VM)
 * @MMUN_BLIND_UNKNOWN: nothing is mapped in part of the range, or nothing is
 *	known about it
 */
enum mmun_blind {
	MMUN_BLIND_RAW = 1 << 0,
	MMUN_BLIND_RAW_GUARD = 1 << 1,
	MMUN_BLIND_RAW_SHM = 1 << 2,
	MMUN_BLIND_RAW_FILE = 1 << 3,
	MMUN_BLIND_RAW_EXIT = 1 << 4,
	MMUN_BLIND_LDSO = 1 << 5,
	MMUN_BLIND_IO_URING = 1 << 6,
	MMUN_BLIND_OTHERS = 1 << 7,
	MMUN_BLIND_UNKNOWN = 1 << 8,
	MMUN_BLIND_RAW_SHARER = 1 << 9,
};

/**
 * mmun_coverage() - which deaths of this memory would go unseen
 * @mm: mm_self(), or a software mm, of which nothing goes unseen
 * @start: first byte
 * @end: the byte after the last
 *
 * Asks what is mapped there, and what the active sources see of such memory.
 * 0 means that the active sources report every death of every page of the
 * range; otherwise the bits say by which ways one could be missed.  Whoever
 * relies on events for memory that has a bit set relies on nobody using that
 * way.
 *
 * If the range is watched, what has been mapped there since is watched from now
 * on.  An answer is about the mappings of this moment: hold it against changes
 * as you do a translation, by taking it between a start and an end.
 *
 * Not counted either are system calls of a 64-bit program in its 32-bit form,
 * ioctl(UFFDIO_MOVE), and open_by_handle_at(O_TRUNC).
 *
 * What moves a page that nobody has pinned (copy on write, migration, reclaim,
 * same-page merging) is not reported, and not counted here.
 *
 * Context: sleeps, system calls, reads /proc/self/maps; not in a callback or
 * signal handler.
 * Return: a set of enum mmun_blind; -EINVAL for NULL or an empty range; -EAGAIN
 *         before the monitors are started; -EDEADLK in a callback of @mm.
 */
int mmun_coverage(struct mm_struct *mm, unsigned long start, unsigned long end);

/**
 * mmun_settle() - let what has happened be told
 * @mm: an address space
 *
 * When it returns, subscribers have been told of every event of every call on
 * @mm that had returned when it was called.  Only sources that tell afterwards
 * (MMUN_RANGE_AFTER) leave something to wait for: a lookup in a table that a
 * subscriber keeps begins with this call, or may find what has just died.
 *
 * With nothing to wait for it is one load and a branch.
 *
 * Context: any but a signal handler; may wait for callbacks: do not hold a lock
 * that a callback takes.  In a callback it returns at once.
 * Ordering: what callbacks wrote happens before its return.
 */
void mmun_settle(struct mm_struct *mm);

/**
 * mmun_srcu_flavor() - how read sections are implemented in this process
 *
 * Context: any.
 * Return: "rseq+membarrier", or "atomic" where one of the two is missing
 *         (an old kernel or C library, valgrind, an emulator); static.
 */
const char *mmun_srcu_flavor(void);

/**
 * mmun_set_warn_handler() - where warnings about misuse go
 * @handler: called with one line, without a newline; NULL for the default,
 *	which writes it to standard error in one write(2)
 *
 * Each kind of misuse warns once in a process.  The handler may be called
 * from inside free(), or in a signal handler: it must not allocate, nor use
 * stdio.
 *
 * Context: any.
 */
void mmun_set_warn_handler(void (*handler)(const char *line));

#ifdef __cplusplus
}
#endif

#endif /* MMUNOTIFY_MONITOR_H */
