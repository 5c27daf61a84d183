// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The source "entries": libc's entry points, patched in the running process.
 *
 * Sees every call through them, libc's own included (free() of a large chunk,
 * malloc_trim(), the release of a thread's stack), before it is made and after;
 * and what ld.so does for dlclose().  Sees no system call by instruction, nor
 * other processes.
 *
 * Nor what io_uring does, though io_uring_enter() is often made through syscall():
 * a request may be linked behind others, polled by a kernel thread that nobody
 * enters, or handed to a worker, so that it runs at no known time after the call
 * has returned; its arguments stay the program's to change until the kernel reads
 * them; and where the ring lies only who has mapped it knows.
 *
 * mbind(), move_pages() and migrate_pages() are left alone: they move pages, and
 * none that is pinned.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/rseq.h"
#include "base/syscall.h"
#include "monitor/entries.h"
#include "monitor/entries_process.h"
#include "monitor/entries_table.h"
#include "monitor/ldso.h"
#include "monitor/monitor_ops.h"
#include "monitor/patch_symbols.h"

struct entry {
	const struct mmun_hook *hook;
	struct mmun_patch patch;
	enum entry_id same;	/* the first entry of that address; or itself */
	int error;
	bool reports;
	bool live;
};

static struct entry entries[NR_ENTRIES];

void *mmun_entry_orig[NR_ENTRIES] __attribute__((aligned(64)));
unsigned char mmun_entry_foreign[NR_ENTRIES] __attribute__((aligned(64)));

__thread unsigned int mmun_special __attribute__((tls_model("initial-exec")));

/* -- special calls -- */

static long probed(enum entry_id id)
{
	entries[id].reports = true;
	return -1;
}

/* Was the thread only preparing for a child, which is gone? */
static bool is_child(void)
{
	if (!mmun_is_own_process())
		return true;
	mmun_special &= ~MMUN_VFORKED;
	return false;
}

/* In the form of a call. */
static long call_directly(long id, long ev, long call, long d, long e, long f,
			  long g)
{
	(void)d;
	(void)e;
	(void)f;
	(void)g;
	return mmun_direct_call(id, (const struct mmun_raw_event *)ev,
				(const struct mmun_call *)call);
}

static long intercept(enum entry_id id, const struct mmun_raw_event *ev,
		      const struct mmun_call *call)
{
	struct mmun_call direct = { call_directly, call->returns_int, true,
				    { id, (long)ev, (long)call } };

	switch (mmun_read(&mmun_entry_foreign[id])) {
	case MMUN_TO_LIBC:
		return mmun_bracket(ev, call);
	case MMUN_TO_OTHERS:
		return mmun_foreign_call(id, ev, call);
	default:
		return mmun_bracket(ev, &direct);
	}
}

long mmun_intercept_special(enum entry_id id, const struct mmun_raw_event *ev,
			    const struct mmun_call *call)
{
	struct mmun_rseq_left left;
	long ret;

	if (mmun_special & MMUN_PROBING)
		return probed(id);
	if (!(mmun_special & MMUN_VFORKED) || !is_child())
		return intercept(id, ev, call);
	left = mmun_rseq_leave();
	ret = intercept(id, ev, call);
	mmun_rseq_return(&left);
	return ret;
}

/* -- finding -- */

/* No linker that could tell where a function is, nor one that unmaps. */
static bool is_static;
static bool no_ldso;	/* besides libc */

static const struct mmun_hook *find_hook(int id)
{
	if (mmun_memory_hooks[id].hook)
		return &mmun_memory_hooks[id];
	if (mmun_file_hooks[id].hook)
		return &mmun_file_hooks[id];
	return &mmun_process_hooks[id];
}

/*
 * libc's own function, whatever stands in front of it in the search order: a
 * preloaded wrapper or a sanitizer calls it in the end.
 */
static void *find_function(void *libc, const struct mmun_hook *hook)
{
	void *entry = libc ? dlsym(libc, hook->name) : NULL;

	if (!entry)
		entry = dlsym(RTLD_DEFAULT, hook->name);
	return entry || !is_static ? entry : hook->linked;
}

/* Past the instruction that takes the return address; see entries_process.c. */
static void *after_pop(void *vfork)
{
	static const uint8_t landing_pad[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *at = vfork;

	if (!at)
		return NULL;
	if (!memcmp(at, landing_pad, sizeof(landing_pad)))
		at += sizeof(landing_pad);
	return (*at & 0xf8) == 0x58 ? (void *)(at + 1) : NULL;
}

/* There is a vfork(), and it cannot be followed. */
static bool vfork_is_unseen;

static void *find_vfork(void *libc, const struct mmun_hook *hook)
{
	void *vfork = hook->hook ? find_function(libc, hook) : NULL;
	void *entry = after_pop(vfork);

	vfork_is_unseen = vfork && !entry;
	return entry;
}

static void *find_entry(void *libc, int id)
{
	const struct mmun_hook *hook = entries[id].hook;

	switch (id) {
	case LDSO_MUNMAP:
	case LDSO_MPROTECT:
		return is_static ? NULL : mmun_ldso_function(hook->nr);
	case VFORK:
		return find_vfork(libc, hook);
	default:
		return find_function(libc, hook);
	}
}

/* Several names for one function are one entry. */
static enum entry_id first_of_address(int id, const void *entry)
{
	for (int i = 0; i < id; i++)
		if (entry && entries[i].patch.entry == entry)
			return i;
	return id;
}

/* musl is its own dynamic linker; a static program has none. */
static bool is_own_linker(void)
{
	Dl_info libc;

	return is_static ||
	       (dladdr(mmun_read(&entries[MUNMAP].patch.entry), &libc) &&
		(uintptr_t)libc.dli_fbase == getauxval(AT_BASE));
}

/* ld.so's entries are found where nobody has patched them: once. */
static void resolve(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), *entry;

	is_static = !libc && !dlsym(RTLD_DEFAULT, "munmap");
	for (int i = 0; i < NR_ENTRIES; i++) {
		if (mmun_read(&entries[i].patch.entry))
			continue;
		entries[i].hook = find_hook(i);
		entry = find_entry(libc, i);
		entries[i].same = first_of_address(i, entry);
		mmun_write(&entries[i].patch.entry, entry);
	}
	no_ldso = is_own_linker();
}

/* -- patching -- */

static bool is_alias(const struct entry *e)
{
	return e->same != (enum entry_id)(e - entries);
}

static void publish(struct entry *e)
{
	mmun_write(&mmun_entry_foreign[e - entries], e->patch.foreign);
	mmun_write(&mmun_entry_orig[e - entries], e->patch.orig);
}

static int prepare(struct entry *e)
{
	int err;

	if (is_alias(e) || mmun_entry_orig[e - entries])
		return 0;
	e->patch.hook = e->hook->hook;
	e->patch.publish = &mmun_entry_orig[e - entries];
	e->patch.how = "not there, so that nobody calls it";
	if (!e->patch.entry)
		return -ENOENT;
	err = mmun_patch_prepare(&e->patch);
	if (!err)
		publish(e);
	return err;
}

/* To be called by a test that fails, these do no harm with such arguments. */
static void call_harmlessly(struct entry *e)
{
	mmun_call_fn call = (mmun_call_fn)e->patch.entry;
	long first = 0;

	switch (e - entries) {
	case FTRUNCATE:
	case FTRUNCATE64:
	case FALLOCATE:
	case FALLOCATE64:
	case EXECVEAT:
	case FEXECVE:
	case SHMAT:
		first = -1;
		break;
	}
	call(first, 0, 0, 0, 0, 0, 0);
}

/*
 * Call it, and see whether it comes to its hook; the hook goes no further.  The
 * last few are not called: by then the others have shown that it works.
 */
static void self_test(struct entry *e)
{
	int saved_errno = errno;

	if (e - entries >= EXIT) {
		e->reports = true;
		return;
	}
	mmun_special |= MMUN_PROBING;
	mmun_barrier();
	call_harmlessly(e);
	mmun_barrier();
	mmun_special &= ~MMUN_PROBING;
	errno = saved_errno;
}

/*
 * Is anything lost without it that mmun_coverage() doesn't tell of?  What is not
 * in this C library nobody can call.  What sbrk() does comes through brk().
 * What the others do is blind, or another source sees it.
 */
static bool is_dispensable(const struct entry *e)
{
	int id = e - entries;

	if (e->error == -ENOENT)
		return id != MUNMAP;
	return id == SBRK || id >= REMAP_FILE_PAGES;
}

/* Return: 0, or of the errors the one that matters most. */
static int worse(int ret, const struct entry *e)
{
	if (ret == -ENOMEM)
		return ret;
	if (e->error == -ENOMEM || e->error == -EAGAIN || e->error == -EMFILE ||
	    e->error == -ENFILE)
		return -ENOMEM;
	return e->error && !is_dispensable(e) ? -EOPNOTSUPP : ret;
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

static void commit(struct entry *e)
{
	if (e->error || e->live || is_alias(e))
		return;
	e->error = mmun_patch_commit(&e->patch);
	if (e->error)
		return;
	e->live = true;
	self_test(e);
	if (!e->reports)
		e->error = -EOPNOTSUPP;
}

static int commit_all(void)
{
	int ret = 0;

	for (int i = 0; i < NR_ENTRIES && ret != -EOPNOTSUPP; i++) {
		commit(&entries[i]);
		ret = worse(ret, &entries[i]);
	}
	return ret;
}

static bool is_refused(int id)
{
	return entries[id].error && entries[id].error != -ENOENT;
}

static int patch_all(void)
{
	struct mmun_mapping text = { .start = 0 };
	int ret;

	for (int i = 0; i < NR_ENTRIES; i++)
		entries[i].patch.text = &text;
	ret = prepare_all();
	if (!ret)
		ret = commit_all();
	for (int i = 0; i < NR_ENTRIES; i++)
		entries[i].patch.text = NULL;
	return ret;
}

static int start(const char **state)
{
	int ret;

	mmun_process_is_own();
	ret = patch_all();
	/* Not to know of a child is to count as if there were always one. */
	if (!ret && (vfork_is_unseen || is_refused(VFORK) || is_refused(CLONE)))
		mmun_rseq_use(false);
	*state = ret ? "not every entry can be patched; mmun_monitor_entry() has the reasons" :
		       "patched";
	return ret;
}

/* -- foreign patches that came after ours -- */

static uint32_t rechecks;	/* wanted, and not done yet */

static struct entry *entry_of(struct mmun_patch *p)
{
	return (struct entry *)((char *)p - offsetof(struct entry, patch));
}

/* For those that cannot be tried the answer is no. */
static bool reached(struct mmun_patch *p)
{
	struct entry *e = entry_of(p);

	if (e - entries >= EXIT)
		return false;
	e->reports = false;
	self_test(e);
	return e->reports;
}

static bool is_intact(const struct mmun_patch *p)
{
	const struct mmun_patch_plan *plan = &p->plan;

	return !memcmp((void *)plan->site, plan->new, plan->len) &&
	       !memcmp((void *)plan->gap, plan->gap_new, plan->gap_len);
}

/*
 * Whoever comes by meanwhile makes the call itself: what the entry did before may
 * be half of somebody's jump.  So it stays if he calls us, as the entry is his.
 */
static void recheck(struct entry *e)
{
	unsigned char *where = &mmun_entry_foreign[e - entries];

	if (is_intact(&e->patch))
		return;
	mmun_write(where, MMUN_TO_NOWHERE);
	e->error = mmun_patch_recheck(&e->patch, reached);
	e->reports = !e->error;
	if (is_intact(&e->patch))
		mmun_write(where, e->patch.foreign ? MMUN_TO_OTHERS :
						     MMUN_TO_LIBC);
}

static void recheck_all(void)
{
	for (int i = 0; i < NR_ENTRIES; i++)
		if (entries[i].live && i != VFORK && i != CLONE)
			recheck(&entries[i]);
}

void mmun_entries_recheck(void)
{
	struct mmun_sigmask saved;
	uint32_t n;

	if (mmun_fetch_add(&rechecks, 1))
		return;
	mmun_block_signals(&saved);
	do {
		n = mmun_read(&rechecks);
		recheck_all();
	} while (mmun_fetch_sub(&rechecks, n) != n);
	mmun_restore_signals(&saved);
}

/* Whoever was at it in the parent is not here. */
static void after_fork_in_child(void)
{
	mmun_process_is_own();
	if (mmun_xchg(&rechecks, 0))
		mmun_entries_recheck();
}

/* The child's; before the handlers of who uses the library. */
__attribute__((constructor)) static void at_load(void)
{
	pthread_atfork(NULL, NULL, after_fork_in_child);
}

void mmun_entries_protected(unsigned long addr, unsigned long len)
{
	for (int i = 0; i < NR_ENTRIES; i++) {
		if (entries[i].live &&
		    (uintptr_t)entries[i].patch.entry - addr < len) {
			mmun_entries_recheck();
			return;
		}
	}
}

/* -- asking -- */

static bool sees_ldso(void)
{
	return no_ldso || (entries[LDSO_MUNMAP].live && !entries[LDSO_MUNMAP].error);
}

static unsigned int sees(const struct mmun_mapping *m)
{
	(void)m;
	return sees_ldso() ? MMUN_BLIND_LDSO : 0;
}

/* ld.so's have no symbol, and are not longer than that. */
#define STUB_SIZE 16

/* He has kept what the entry began with, and goes on to the rest by himself. */
bool mmun_entries_are_bypassed(void)
{
	for (int i = 0; i < NR_ENTRIES; i++)
		if (entries[i].live && mmun_read(&mmun_entry_foreign[i]))
			return true;
	return false;
}

size_t mmun_entries_text(struct mmun_text *text, size_t max)
{
	size_t n = 0;

	for (int i = 0; i < NR_ENTRIES; i++) {
		const struct entry *e = &entries[i];
		uintptr_t start = (uintptr_t)e->patch.entry;

		if (!e->live || e->error || e->patch.foreign)
			continue;
		if (n < max)
			text[n] = (struct mmun_text){
				start,
				start + (mmun_patch_function_size(start) ?:
						 STUB_SIZE),
				e->hook->nr,
			};
		n++;
	}
	return n;
}

static int entry_info(size_t index, struct mmun_entry_info *info)
{
	const struct entry *e;

	/* Not chosen, it has not looked for any. */
	if (index >= NR_ENTRIES || !entries[index].hook)
		return -ENOENT;
	e = &entries[entries[index].same];
	info->name = entries[index].hook->name;
	info->how = e->patch.foreign && !e->error ?
			    "chained to a foreign patch" : e->patch.how;
	info->error = e->error;
	info->reports = e->reports;
	return 0;
}

const struct mmun_monitor_ops mmun_monitor_entries = {
	.name = "entries",
	.covers = "calls through libc that change mappings, cut files, replace or end the process; libc's own and dlclose() included",
	.needs = "a libc whose code may be made writable for a moment",
	.costs = "some ns in each of the patched calls, nothing elsewhere",
	.resolve = resolve,
	.start = start,
	.entry = entry_info,
	.sees = sees,
};
