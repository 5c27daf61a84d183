// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two threads wait for events, each in an epoll of its own, and exclusively:
 * who came first is woken, if it waits, and otherwise the next.
 *
 *	teller	reads events, and tells them.  A callback that unmaps watched memory
 *		itself waits in the kernel until somebody reads that event: it does
 *		not wait for events then, and so the one to be woken is
 *	keeper	who reads, and leaves it to the teller to tell.
 *
 * The keeper has a table of descriptors of its own, with nothing but ours in
 * it. Whatever the program closes, the userfaultfd lives on there; the teller
 * finds its own number gone or reused (before it reads), lets the keeper read
 * all from now on, and waits for that.  Whoever else needs the descriptor asks
 * the keeper.
 *
 * A thread wakes the keeper without a descriptor: by an event, of a page that
 * is there for nothing else (the bell).
 *
 * Between an event and its subscriber there is one lock, under which a thread
 * reads and notes what it has read: never while it tells.
 */
#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/lock.h"
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

enum teller_state {
	TELLING,	/* and looks at the notes before it waits */
	WAITING,	/* for events */
	FOLLOWING,	/* for notes: it has no descriptor any more */
};

static struct {
	struct mmun_lock lock;
	enum teller_state teller;
	bool overflow;		/* notes were lost */
	uint32_t noted;		/* so many, ever; a futex for a teller who follows */
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

static bool is_asked(void)
{
	/* ORDER(uffd-request): pairs with ask_keeper(). */
	return mmun_unlikely(mmun_load_acquire(&request.state) == ASKED);
}

/*
 * By the keeper alone: what is asked lies on the stack of who asks, and is gone
 * when somebody has answered.
 */
static void serve_request(void)
{
	if (!is_asked())
		return;
	request.ret = mmun_syscall(SYS_ioctl, mmun_uffd.fd, request.cmd,
				   request.arg);
	/* ORDER(uffd-request): the result; pairs with who waits for it. */
	mmun_store_release(&request.state, DONE);
	mmun_futex_wake(&request.state);
}

static long ask_keeper(unsigned long cmd, void *arg)
{
	uint32_t state;
	long ret;

	mmun_lock(&request.lock);
	request.cmd = cmd;
	request.arg = arg;
	/* ORDER(uffd-request): what is asked; pairs with serve_request(). */
	mmun_store_release(&request.state, ASKED);
	ring_bell();
	while ((state = mmun_load_acquire(&request.state)) != DONE)
		mmun_futex_wait(&request.state, state, 0);
	ret = request.ret;
	mmun_unlock(&request.lock);
	return ret;
}

long mmun_uffd_ioctl(unsigned long cmd, void *arg)
{
	if (!mmun_uffd_is_ours())
		return ask_keeper(cmd, arg);
	return mmun_syscall(SYS_ioctl, mmun_uffd.fd, cmd, arg);
}

/* -- reading; under u.lock -- */

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
	if (u.noted - u.taken >= NR_NOTES)
		u.overflow = true;
	u.notes[u.noted % NR_NOTES] = note;
	/* ORDER(uffd-noted): after the read; pairs with let_it_be_removed(). */
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
	mmun_fetch_or(&mmun_unsettled, UNSETTLED);
	do {
		n = mmun_syscall(SYS_read, mmun_uffd.fd, batch, sizeof(batch));
		for (long i = 0; i < n / (long)sizeof(batch[0]); i++)
			take_down(&batch[i]);
	} while (n == sizeof(batch));
}

/* Nobody reads, and nothing is left to tell. */
static void settled(void)
{
	/* ORDER(settle): after all that callbacks wrote. */
	mmun_fetch_and(&mmun_unsettled, ~UNSETTLED);
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

/* Is any call between its change and the reading of its event? */
static bool is_changing(void)
{
	/* Looked at after that, and found empty. */
	struct uffdio_copy copy = { 0 };

	return mmun_syscall(SYS_ioctl, mmun_uffd.fd, UFFDIO_COPY, &copy) !=
	       -EINVAL;
}

/* Which one it is nobody can tell; one too many does no harm. */
void mmun_uffd_mapped(unsigned long start, unsigned long end)
{
	if (is_changing())
		tell_range(MMU_NOTIFY_UNMAP, start, end);
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

/* Return: false when we cannot see it, since we have no descriptor any more. */
static bool saw_them_run(void)
{
	for (int i = 0; i < MAX_ROUNDS; i++) {
		if (!mmun_uffd_is_ours())
			return false;
		if (!is_changing())
			break;
		let_others_run(i);
	}
	return true;
}

/* From now on the keeper reads, beginning with what has come. */
static void teller_follows(void)
{
	mmun_lock(&u.lock);
	u.teller = FOLLOWING;
	u.ran = u.removed;
	mmun_unlock(&u.lock);
	ring_bell();
}

/* For all at once that have been read.  Return: how many these are. */
static uint32_t let_them_run(void)
{
	/* ORDER(uffd-noted): read, and so let go, before we look. */
	uint32_t noted = mmun_load_acquire(&u.noted), ran;

	if (u.teller != FOLLOWING && saw_them_run())
		return noted;
	if (u.teller != FOLLOWING)
		teller_follows();
	/* ORDER(uffd-noted): pairs with keeper_lets_run(). */
	while ((int32_t)((ran = mmun_load_acquire(&u.ran)) - u.taken) < 0)
		mmun_futex_wait(&u.ran, ran, 0);
	return ran;
}

/* Having run, they take the lock for reading under which they drop pages. */
static void let_it_be_removed(void)
{
	uint32_t ran;

	if ((int32_t)(u.removed - u.taken) >= 0)
		return;
	ran = let_them_run();
	/* We take it for writing. */
	mmun_syscall(SYS_madvise, bell, mmun_page_size, MADV_NORMAL);
	u.removed = ran;
}

/* It stays registered where it moved to: only if somebody watches that. */
static void follow(const struct note *note)
{
	unsigned long len = note->end - note->start;
	struct uffdio_range range = { note->moved_to, len };

	if (note->moved_to &&
	    !mmun_is_watched(note->moved_to, note->moved_to + len))
		mmun_uffd_ioctl(UFFDIO_UNREGISTER, &range);
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
	if (note->event == UFFD_EVENT_REMOVE)
		let_it_be_removed();
	else if ((int32_t)(u.removed - u.taken) < 0)
		u.removed = u.taken;
	if (!note->known && !will_come_again(note))
		tell_range(event_of(note), note->start, note->end);
	follow(note);
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
	} else {
		if (u.teller == TELLING)
			u.teller = WAITING;
		settled();
	}
	mmun_unlock(&u.lock);
	return any;
}

static void tell_all(void)
{
	struct note note;

	while (next_note(&note)) {
		tell(&note);
		/* ORDER(uffd-told): what callbacks wrote; pairs with settle. */
		mmun_xchg(&u.told, u.taken);
		if (mmun_unlikely(mmun_load_ordered(&u.settling)))
			mmun_futex_wake(&u.told);
	}
}

static void wait_for_epoll(int epoll)
{
	struct epoll_event ev;

	mmun_syscall(SYS_epoll_pwait, epoll, &ev, 1, -1, NULL, 8);
}

static void wait_for_notes(void)
{
	uint32_t noted = mmun_load_acquire(&u.noted);

	if (noted == u.told)
		mmun_futex_wait(&u.noted, noted, 0);
}

static void teller_reads(void)
{
	mmun_lock(&u.lock);
	u.teller = TELLING;
	read_events();
	mmun_unlock(&u.lock);
	/* It may be that we have read the keeper's bell. */
	if (is_asked())
		ring_bell();
}

static uint64_t this_tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * Is what we wait for, and read, ours?  It may be somebody else's by now: his
 * data we would take, his events wait for.  Asked before each read; and before
 * a wait, unless that was in this tick of the clock.
 */
static void *teller(void *unused)
{
	uint64_t asked = 0;

	prctl(PR_SET_NAME, "mmun-uffd");
	for (;;) {
		tell_all();
		if (u.teller == FOLLOWING) {
			wait_for_notes();
			continue;
		}
		if (asked == this_tick() || mmun_uffd_is_ours())
			wait_for_epoll(mmun_uffd.epoll);
		asked = this_tick();
		if (mmun_uffd_is_ours())
			teller_reads();
		else
			teller_follows();
	}
	return unused;
}

/* -- keeping -- */

/* A table of our own, without what the program may want to see closed. */
static bool keep_only_ours(void)
{
	unsigned int low = mmun_uffd.fd, up = mmun_uffd.epoll;

	if (low > up) {
		low = up;
		up = mmun_uffd.fd;
	}
	if (mmun_syscall(SYS_close_range, up + 1, ~0U, CLOSE_RANGE_UNSHARE))
		return false;
	if (low)
		mmun_syscall(SYS_close_range, 0, low - 1, 0);
	if (low + 1 < up)
		mmun_syscall(SYS_close_range, low + 1, up - 1, 0);
	return true;
}

static int open_keepers(void)
{
	struct epoll_event ev = { EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, { 0 } };
	long epoll;

	if (!keep_only_ours())
		return -ENOSYS;
	epoll = mmun_syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	if (epoll < 0)
		return epoll;
	mmun_syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, mmun_uffd.fd, &ev);
	return epoll;
}

/*
 * If the teller waits again, it has what woke us, too; and so it is better done,
 * if it needs but a moment for that.  Return: does it follow us?
 */
static bool keeper_reads(void)
{
	enum teller_state teller;

	mmun_syscall(SYS_sched_yield);
	mmun_lock(&u.lock);
	teller = u.teller;
	if (teller != WAITING)
		read_events();
	/* ORDER(uffd-told): what callbacks wrote comes before settled(). */
	if (teller == FOLLOWING && u.noted == mmun_load_acquire(&u.told))
		settled();
	mmun_unlock(&u.lock);
	if (teller == FOLLOWING)
		mmun_futex_wake(&u.noted);
	return teller == FOLLOWING;
}

/* For a teller that follows, and cannot see it: of all that are noted. */
static void keeper_lets_run(void)
{
	while (u.ran != u.noted) {
		uint32_t noted = u.noted;

		for (int i = 0; i < MAX_ROUNDS && is_changing(); i++) {
			let_others_run(i);
			keeper_reads();
			serve_request();
		}
		/* ORDER(uffd-noted): pairs with let_them_run(). */
		mmun_store_release(&u.ran, noted);
		mmun_futex_wake(&u.ran);
	}
}

static void *keeper(void *unused)
{
	int epoll = open_keepers();

	prctl(PR_SET_NAME, "mmun-uffd-keep");
	mmun_store_release(&keeper_ready, epoll < 0 ? 2 : 1);
	mmun_futex_wake(&keeper_ready);
	while (epoll >= 0) {
		bool followed;

		wait_for_epoll(epoll);
		followed = keeper_reads();
		serve_request();
		if (followed)
			keeper_lets_run();
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
	mmun_fetch_add(&u.settling, 1);
	/* ORDER(uffd-told): pairs with tell_all(). */
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
