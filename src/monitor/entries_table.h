/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_ENTRIES_TABLE_H
#define MMUN_MONITOR_ENTRIES_TABLE_H
/*
 * Between the files of the source "entries": the table (entries.c), and what a
 * hook does (entries_memory.c, entries_file.c, entries_process.c).
 *
 * A hook has the signature of its entry, makes a raw event of the arguments,
 * and makes the call through what the entry did before (patch.h), whether that
 * is libc or a foreign patch: results and errno are those of the call.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "monitor/bracket.h"
#include "monitor/patch.h"

#define MMUN_HIDDEN __attribute__((visibility("hidden")))

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
	REMAP_FILE_PAGES,
	FTRUNCATE,
	FTRUNCATE64,
	TRUNCATE,
	TRUNCATE64,
	FALLOCATE,
	FALLOCATE64,
	OPEN,
	OPEN64,
	OPEN_NOCANCEL,
	OPENAT,
	OPENAT64,
	CREAT,
	CREAT64,
	EXECVE,
	EXECVEAT,
	FEXECVE,
	LDSO_MUNMAP,
	LDSO_MPROTECT,
	SYSCALL,
	CLONE,
	/* These are not called as a test: a test that fails would be fatal. */
	EXIT,
	EXIT_,
	VFORK,
	NR_ENTRIES
};

typedef long (*mmun_call_fn)(long, long, long, long, long, long, long);

/* What each did before; published before it is live.  Side by side in the cache. */
extern void *mmun_entry_orig[NR_ENTRIES] MMUN_HIDDEN;
/* ... and where that leads. */
extern unsigned char mmun_entry_foreign[NR_ENTRIES] MMUN_HIDDEN;
#define MMUN_TO_LIBC 0
#define MMUN_TO_OTHERS 1	/* to somebody else, who is to hear it */
#define MMUN_TO_NOWHERE 2	/* written over by somebody who calls us in turn */

/* -- the hooks -- */

struct mmun_hook {
	const char *name;
	void *hook;
	void *linked;	/* the entry itself, in a program that is linked statically */
	long nr;	/* the system call in it; -1: any */
};

/* By its symbol, as not every C library has, or declares, every function. */
#define MMUN_LINKED(function)                                                  \
	extern char mmun_linked_##function[] __asm__(#function)                \
		__attribute__((weak));
#define MMUN_HOOK(function, nr)                                                \
	{ #function, (void *)hook_##function, mmun_linked_##function, (nr) }

/* By subject; each has some of the entries. */
extern const struct mmun_hook mmun_memory_hooks[NR_ENTRIES] MMUN_HIDDEN;
extern const struct mmun_hook mmun_file_hooks[NR_ENTRIES] MMUN_HIDDEN;
extern const struct mmun_hook mmun_process_hooks[NR_ENTRIES] MMUN_HIDDEN;

/* What makes this thread's next call special: MMUN_* below; mostly 0. */
extern __thread unsigned int mmun_special
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
#define MMUN_PROBING 1	/* the self-test calls; signals are blocked */
#define MMUN_VFORKED 2	/* a vfork child may be running as this thread */

/* Is this the process of mm_self(), and not a child that borrows its memory? */
bool mmun_is_own_process(void);

/* A call that is special, or leads to somebody else. */
long mmun_intercept_special(enum entry_id id, const struct mmun_raw_event *ev,
			    const struct mmun_call *call);

/* May the entry be left by a jump, as if the hook were not there? */
static inline bool mmun_is_plain(enum entry_id id)
{
	return mmun_likely(!(mmun_special | mmun_entry_foreign[id]));
}

static inline __attribute__((always_inline)) long
mmun_intercept(enum entry_id id, const struct mmun_raw_event *ev,
	       const struct mmun_call *call)
{
	return mmun_is_plain(id) ? mmun_bracket(ev, call) :
				   mmun_intercept_special(id, ev, call);
}

/* An entry whose arguments are the system call's. */
static inline __attribute__((always_inline)) long
mmun_intercept_plain(enum entry_id id, bool returns_int, long nr, long a, long b,
		     long c, long d, long e, long f)
{
	struct mmun_raw_event ev = { nr, { a, b, c, d, e, f } };
	struct mmun_call call = { (mmun_call_fn)mmun_entry_orig[id],
				  returns_int, mmun_entry_foreign[id],
				  { a, b, c, d, e, f } };

	return mmun_intercept(id, &ev, &call);
}

/* A call that leads to somebody else; entries_foreign.c. */
long mmun_foreign_call(enum entry_id id, const struct mmun_raw_event *ev,
		       const struct mmun_call *call);

/* The call itself, where what the entry did before is no more. */
long mmun_direct_call(enum entry_id id, const struct mmun_raw_event *ev,
		      const struct mmun_call *call);

/*
 * On the stack of who calls him.  Enter returns false in a circle: when this
 * thread is in such a call from the same hook already.
 */
struct mmun_visit {
	uint64_t number;
	enum entry_id id;
	struct mmun_visit *outer;
	uint64_t outer_number;
};

bool mmun_visit_enter(struct mmun_visit *self, enum entry_id id);
void mmun_visit_leave(struct mmun_visit *self);

/* Code was made executable, or writable: a foreign patcher, perhaps. */
void mmun_entries_protected(unsigned long addr, unsigned long len);
#endif /* MMUN_MONITOR_ENTRIES_TABLE_H */
