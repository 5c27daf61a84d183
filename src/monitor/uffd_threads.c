// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two threads:
 *
 *	keeper	reads events, which lets the callers go on, and notes them.  It
 *		calls nobody: a callback that unmaps watched memory waits in the
 *		kernel until its event is read.
 *	teller	tells what is noted.
 *
 * The keeper has a table of descriptors of its own, with nothing but the
 * userfaultfd in it, and is the only one to read: the program may close all of
 * its own, and use their numbers for something else.  Whoever needs the descriptor
 * and finds the process's gone asks the keeper.
 *
 * A thread wakes the keeper without a descriptor: by an event, of a page that
 * is there for nothing else (the bell).
 *
 * Between an event and its subscriber there is one lock, under which the keeper
 * reads and notes what it has read: never while the teller tells.
 */
#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/lock.h"
#include "base/mutants.h"
#include "base/syscall.h"
#include "base/thread.h"
#include "monitor/bracket.h"
#include "monitor/uffd.h"

#define UNSETTLED (1U << MMUN_SOURCE_UFFD)
#define NR_NOTES 256
#define BATCH 16

struct note {
	unsigned long start;
	unsigned long end;
	unsigned int event;	/* the kernel's */
	unsigned long moved_to;
	bool known;		/* an entry has told, or is about to */
};

static struct {
	struct mmun_lock lock;
	bool overflow;		/* notes were lost */
	bool removing;		/* ... since the last look who has run; the keeper's */
	uint32_t noted;		/* so many, ever; a futex for the teller */
	uint32_t taken;		/* of them, by the teller */
	uint32_t ran;		/* of them: who was let go has run; a futex likewise */
	uint32_t removed;	/* ... and what he announced is over; the teller's */
	uint32_t told;		/* written by the teller; a futex for who settles */
	uint32_t settling;	/* ... of whom there are so many */
	struct note notes[NR_NOTES];
} u;

/* One ioctl() that the keeper is asked for. */
enum { NONE, ASKED, DONE };

static struct {
	struct mmun_lock lock;
	uint32_t state;		/* a futex */
	unsigned long cmd;
	void *arg;
	long ret;
} request;

static void *bell;
static uint32_t keeper_ready;	/* a futex: 1, or 2 when it could not */

/* -- the bell -- */

static int hang_bell(void)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_WP };
	long at;

	if (!bell) {
		at = mmun_syscall(SYS_mmap, 0, mmun_page_size, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at < 0 && at > -4096)
			return at;
		bell = (void *)at;
	}
	range.range.start = (unsigned long)bell;
	range.range.len = mmun_page_size;
	return mmun_syscall(SYS_ioctl, mmun_uffd.fd, UFFDIO_REGISTER, &range);
}

/* Returns when somebody has read it. */
static void ring_bell(void)
{
	mmun_syscall(SYS_madvise, bell, mmun_page_size, MADV_DONTNEED);
}

static bool is_bell(const struct note *note)
{
	return note->start == (unsigned long)bell;
}

/* -- asking the keeper -- */

static void answer(void)
{
	/* ORDER(uffd-request): the result; pairs with ask_keeper(). */
	mmun_store_release(&request.state, DONE);
	mmun_futex_wake(&request.state);
}

/*
 * By the keeper alone: what is asked lies on the stack of who asks, and is gone
 * when somebody has answered.
 */
static void serve_request(void)
{
	/* ORDER(uffd-request): pairs with ask_keeper(). */
	if (mmun_likely(mmun_load_acquire(&request.state) != ASKED))
		return;
	if (MMUN_BREAK(UFFD_REQUEST))
		answer();
	request.ret = mmun_syscall(SYS_ioctl, mmun_uffd.fd, request.cmd,
				   request.arg);
	answer();
}

static long ask_keeper(unsigned long cmd, void *arg)
{
	struct mmun_sigmask saved;
	uint32_t state;
	long ret;

	mmun_lock_save(&request.lock, &saved);
	request.cmd = cmd;
	request.arg = arg;
	/* ORDER(uffd-request): what is asked; pairs with serve_request(). */
	mmun_store_release(&request.state, ASKED);
	ring_bell();
	/* ORDER(uffd-request): pairs with answer(). */
	while ((state = mmun_load_acquire(&request.state)) != DONE)
		mmun_futex_wait(&request.state, state, 0);
	ret = request.ret;
	mmun_unlock_restore(&request.lock, &saved);
	return ret;
}

long mmun_uffd_ioctl(unsigned long cmd, void *arg)
{
	if (!mmun_uffd_is_ours())
		return ask_keeper(cmd, arg);
	return mmun_syscall(SYS_ioctl, mmun_uffd.fd, cmd, arg);
}

/* -- reading; the keeper, under u.lock -- */

static bool make_note(const struct uffd_msg *msg, struct note *note)
{
	*note = (struct note){ .event = msg->event };
	switch (msg->event) {
	case UFFD_EVENT_UNMAP:
	case UFFD_EVENT_REMOVE:
		note->start = msg->arg.remove.start;
		note->end = msg->arg.remove.end;
		return true;
	case UFFD_EVENT_REMAP:
		note->start = msg->arg.remap.from;
		note->end = msg->arg.remap.from + msg->arg.remap.len;
		note->moved_to = msg->arg.remap.to;
		return true;
	}
	return false;
}

static enum mmu_notifier_event event_of(const struct note *note)
{
	return note->event == UFFD_EVENT_REMOVE ? MMU_NOTIFY_CLEAR :
						  MMU_NOTIFY_UNMAP;
}

static void take_down(const struct uffd_msg *msg)
{
	struct note note;

	if (!make_note(msg, &note) || is_bell(&note))
		return;
	note.known = mmun_bracket_covers(note.start, note.end, event_of(&note));
	if (note.known && !note.moved_to)
		return;
	/* Where it moves to there may be something to hear of at once. */
	if (note.moved_to)
		mmun_watch_mark(note.moved_to, note.moved_to +
					       (note.end - note.start) + 1);
	if (u.noted - u.taken >= NR_NOTES)
		u.overflow = true;
	if (note.event == UFFD_EVENT_REMOVE || u.overflow)
		u.removing = true;
	u.notes[u.noted % NR_NOTES] = note;
	/* ORDER(uffd-noted): the note, before who waits for one looks again. */
	mmun_store_release(&u.noted, u.noted + 1);
}

static void read_events(void)
{
	struct uffd_msg batch[BATCH];
	long n;

	/*
	 * ORDER(settle): before read(), which lets the callers go on: the kernel's
	 * locks order it before whatever they do then.
	 */
	if (!MMUN_BREAK(SETTLE_LATE))
		mmun_fetch_or(&mmun_unsettled.sources, UNSETTLED);
	do {
		n = mmun_syscall(SYS_read, mmun_uffd.fd, batch, sizeof(batch));
		for (long i = 0; i < n / (long)sizeof(batch[0]); i++)
			take_down(&batch[i]);
	} while (n == sizeof(batch));
	if (MMUN_BREAK(SETTLE_LATE))
		mmun_fetch_or(&mmun_unsettled.sources, UNSETTLED);
}

/* Nothing is left to tell, as far as anybody has read. */
static void settle_if_told(void)
{
	/* ORDER(uffd-told): what callbacks wrote comes before this. */
	if (u.noted == mmun_load_acquire(&u.told))
		/* ORDER(settle): after all that callbacks wrote. */
		mmun_fetch_and(&mmun_unsettled.sources, ~UNSETTLED);
}

/* -- telling -- */

static void tell_range(enum mmu_notifier_event event, unsigned long start,
		       unsigned long end)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, event, MMUN_RANGE_AFTER, &mmun_self,
				start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmun_end_range(&range, false);
}

/*
 * Is any call between its change and the reading of its event?  Then the kernel
 * refuses before it looks at what it is to copy, which is nothing.
 */
static bool is_changing(void)
{
	struct uffdio_copy copy = { 0 };

	return mmun_syscall(SYS_ioctl, mmun_uffd.fd, UFFDIO_COPY, &copy) ==
	       -EAGAIN;
}

/* Which one it is nobody can tell; one too many does no harm. */
void mmun_uffd_mapped(unsigned long start, unsigned long end)
{
	struct uffdio_copy copy = { 0 };

	if (mmun_uffd_ioctl(UFFDIO_COPY, &copy) == -EAGAIN)
		tell_range(MMU_NOTIFY_UNMAP, start, end);
}

/*
 * Who announced that he removes pages is let go when that is read, runs, and then
 * takes the lock for reading under which he drops them: the keeper sees that all
 * have run, and we take it for writing.
 *
 * Some hundred instructions lead from where he does not count as changing any more
 * to that lock, and nobody can see him there.  Whom the machine stops just then, for
 * longer than all this takes, drops his pages when it has been told.
 */
static void let_it_be_removed(void)
{
	uint32_t ran;

	if ((int32_t)(u.removed - u.taken) >= 0)
		return;
	/* ORDER(uffd-noted): pairs with see_them_run(). */
	while ((int32_t)((ran = mmun_load_acquire(&u.ran)) - u.taken) < 0)
		mmun_futex_wait(&u.ran, ran, 0);
	mmun_syscall(SYS_madvise, bell, mmun_page_size, MADV_NORMAL);
	u.removed = ran;
}

/*
 * What was moved away is unmapped next, unless the caller wants it to stay, and
 * that has an event of its own: which is still to come, as is the call's
 * return.
 */
static bool will_come_again(const struct note *note)
{
	unsigned char resident;

	return note->event == UFFD_EVENT_REMAP &&
	       mmun_syscall(SYS_mincore, note->start, mmun_page_size,
			    &resident) == -ENOMEM;
}

static void tell(const struct note *note)
{
	bool empty = note->start == note->end;	/* a copy was made, of the mapping */

	if (note->event == UFFD_EVENT_REMOVE)
		let_it_be_removed();
	else if ((int32_t)(u.removed - u.taken) < 0)
		u.removed = u.taken;
	if (!note->known && !empty && !will_come_again(note))
		tell_range(event_of(note), note->start, note->end);
	/* It stays registered where it moved to: only if somebody watches that. */
	if (note->moved_to)
		mmun_watch_forget(note->moved_to,
				  note->moved_to + (note->end - note->start) + empty);
}

/* The first that is not told; of what was lost nobody knows, so it is all. */
static bool next_note(struct note *note)
{
	bool any;

	mmun_lock(&u.lock);
	any = u.noted != u.taken;
	if (u.overflow) {
		*note = (struct note){ .end = ULONG_MAX,
				       .event = UFFD_EVENT_REMOVE };
		u.taken = u.noted;
		u.overflow = false;
	} else if (any) {
		*note = u.notes[u.taken++ % NR_NOTES];
		if (MMUN_BREAK(SETTLE_EARLY))
			mmun_fetch_and(&mmun_unsettled.sources, ~UNSETTLED);
	} else {
		settle_if_told();
	}
	mmun_unlock(&u.lock);
	return any;
}

static bool somebody_settles(void)
{
	return mmun_unlikely(mmun_load_ordered(&u.settling));
}

static void tell_all(void)
{
	struct note note;
	bool settling;

	while (next_note(&note)) {
		settling = !MMUN_BREAK(UFFD_WAKE) || somebody_settles();
		if (MMUN_BREAK(UFFD_TOLD))
			mmun_xchg(&u.told, u.taken);
		tell(&note);
		/*
		 * ORDER(uffd-told): what callbacks wrote before it, the look for
		 * who waits after it; pairs with mmun_uffd_settle().
		 */
		mmun_xchg(&u.told, u.taken);
		if (settling && somebody_settles())
			mmun_futex_wake(&u.told);
	}
}

/* Not the keeper, who wakes it, and is about to sleep. */
static void preempt_nobody(void)
{
	struct sched_param none = { 0 };

	if (mmun_syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER)
		mmun_syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none);
}

static void *teller(void *unused)
{
	prctl(PR_SET_NAME, "mmun-uffd-tell");
	preempt_nobody();
	for (;;) {
		/* ORDER(uffd-noted): before we look; pairs with take_down(). */
		uint32_t noted = mmun_load_acquire(&u.noted);

		tell_all();
		if (noted == u.told)
			mmun_futex_wait(&u.noted, noted, 0);
	}
	return unused;
}

/* -- keeping -- */

/* A table of our own, without what the program may want to see closed. */
static bool keep_only_ours(void)
{
	unsigned int fd = mmun_uffd.fd;

	if (mmun_syscall(SYS_close_range, fd + 1, ~0U, CLOSE_RANGE_UNSHARE))
		return false;
	if (fd)
		mmun_syscall(SYS_close_range, 0, fd - 1, 0);
	return true;
}

/* Return: is anything new noted? */
static bool keeper_reads(void)
{
	uint32_t before;

	mmun_lock(&u.lock);
	before = u.noted;
	read_events();
	settle_if_told();
	mmun_unlock(&u.lock);
	serve_request();
	if (u.noted == before)
		return false;
	mmun_futex_wake(&u.noted);
	return true;
}

/* Others are to run; the longer it takes, the less often we look. */
static void let_others_run(int round)
{
	uint32_t nobody = 0;

	if (round < 64)
		mmun_syscall(SYS_sched_yield);
	else
		mmun_futex_wait(&nobody, 0, 50000);
}

/*
 * Whoever has been let go counts as changing until it runs.  With many at once
 * there is always one that changes: 100 ms and more will do for those of before.
 */
#define MAX_ROUNDS 2000

static void see_them_run(void)
{
	while (u.removing) {
		uint32_t noted = u.noted;

		u.removing = false;
		for (int i = 0; i < MAX_ROUNDS && is_changing(); i++) {
			let_others_run(i);
			keeper_reads();
		}
		/*
		 * ORDER(uffd-noted): those who were let go before we looked have
		 * run; pairs with let_it_be_removed().
		 */
		mmun_store_release(&u.ran, noted + MMUN_BREAK(UFFD_NOTED));
		mmun_futex_wake(&u.ran);
	}
	/* So that it does not lag by half of all numbers. */
	if (!MMUN_BREAK(UFFD_NOTED))
		mmun_store_release(&u.ran, u.noted);
}

static void *keeper(void *unused)
{
	struct pollfd fd = { .fd = mmun_uffd.fd, .events = POLLIN };
	bool kept = keep_only_ours();

	prctl(PR_SET_NAME, "mmun-uffd-keep");
	/* ORDER(started): its table is its own; pairs with start_keeper(). */
	mmun_store_release(&keeper_ready, kept ? 1 : 2);
	mmun_futex_wake(&keeper_ready);
	while (kept) {
		mmun_syscall(SYS_ppoll, &fd, 1, NULL, NULL, 8);
		keeper_reads();
		see_them_run();
	}
	return unused;
}

/* -- settling -- */

void mmun_uffd_wait_for_read(void)
{
	mmun_lock(&u.lock);
	mmun_unlock(&u.lock);
}

void mmun_uffd_settle(void)
{
	struct mmun_sigmask saved;
	uint32_t noted, told;

	mmun_lock_save(&u.lock, &saved);
	noted = u.noted;
	mmun_unlock_restore(&u.lock, &saved);
	/* ORDER(uffd-told): announced, before we look; pairs with tell_all(). */
	mmun_fetch_add(&u.settling, 1);
	while ((int32_t)((told = mmun_load_ordered(&u.told)) - noted) < 0)
		mmun_futex_wait(&u.told, told, 0);
	mmun_fetch_sub(&u.settling, 1);
}

/* -- starting -- */

static int start_thread(void *(*fn)(void *))
{
	pthread_t thread;
	int err = mmun_start_thread(&thread, fn, NULL, 0);

	if (!err)
		pthread_detach(thread);
	return err;
}

static int start_keeper(void)
{
	uint32_t ready;
	int err = start_thread(keeper);

	if (err)
		return err;
	/* ORDER(started): pairs with keeper(). */
	while (!(ready = mmun_load_acquire(&keeper_ready)))
		mmun_futex_wait(&keeper_ready, 0, 0);
	if (ready == 1)
		return 0;
	mmun_write(&keeper_ready, 0);
	return -ENOSYS;
}

int mmun_uffd_threads_start(void)
{
	int err = hang_bell();

	if (err)
		return err;
	if (!keeper_ready)
		err = start_keeper();
	return err ? err : start_thread(teller);
}

/* Neither thread is here; who settled, or asked, is gone. */
void mmun_uffd_threads_fork_child(void)
{
	if (bell)
		mmun_syscall(SYS_munmap, bell, mmun_page_size);
	bell = NULL;
	keeper_ready = 0;
	memset(&u, 0, sizeof(u));
	memset(&request, 0, sizeof(request));
}
