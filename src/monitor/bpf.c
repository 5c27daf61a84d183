// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The source "bpf": a program at the raw tracepoint where system calls end.
 *
 * Sees each call of this process, however it is made, once it has been made and
 * before it returns; the entries' calls are passed over.  Sees no exit and no
 * execve: nothing that is told beside them would be heard.  Nor does it see the
 * 32-bit calls of a 64-bit program, other processes, be they children that share
 * our memory until they exec, or what io_uring does.
 *
 * Two threads.  The keeper has a table of descriptors of its own, with the
 * tracepoint's and the ring's in it: a program that closes all descriptors does
 * not close these, and no child inherits them.  It wakes the teller, who shares
 * the process's descriptors as any other thread: subscribers may need them.
 *
 *	call -> program -> ring -> keeper -> teller -> subscribers
 *
 * What userfaultfd tells of the same call is told twice: that an event of its
 * range came while the call was being made does not prove that it came of it.
 *
 * The kernel's own __mmu_notifier_invalidate_range_start() is no better place: it
 * is called for nobody but processes that a driver of the kernel mirrors.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/mutants.h"
#include "base/syscall.h"
#include "base/thread.h"
#include "monitor/bpf.h"
#include "monitor/decode.h"
#include "monitor/entries.h"
#include "monitor/monitor_ops.h"

enum phase { STARTING, KEPT, RUNNING, FAILED };

static struct {
	uint32_t phase;
	int keeper_error;
	bool foreign_before;		/* such entries were not among the texts */
	struct mmun_bpf_fds fds;	/* of the process, while it starts */
	uint32_t kicks;			/* the teller waits for another one */
	uint32_t tellings;		/* those who wait for it, for another one */
	uint32_t waiters;
	uint64_t told;			/* of the ring; by the teller */
	uint64_t told_lost;
} bpf;

static void set_phase(enum phase phase)
{
	/* ORDER(bpf-phase): what was done before; pairs with wait_while(). */
	mmun_store_release(&bpf.phase, phase);
	mmun_futex_wake(&bpf.phase);
}

static enum phase wait_while(enum phase phase)
{
	uint32_t now;

	/* ORDER(bpf-phase): pairs with set_phase(). */
	while ((now = mmun_load_acquire(&bpf.phase)) == phase)
		mmun_futex_wait(&bpf.phase, phase, 0);
	return now;
}

/* ORDER(bpf-kick): after what there is to tell; pairs with teller(). */
static void kick(void)
{
	mmun_fetch_add(&bpf.kicks, 1);
	mmun_futex_wake(&bpf.kicks);
}

/* -- the teller -- */

static bool somebody_waits(void)
{
	return mmun_unlikely(mmun_load_ordered(&bpf.waiters));
}

/*
 * ORDER(bpf-told): the callbacks first; pairs with is_settled().  And the count
 * before a look for waiters, who announce themselves before they look at it.
 */
static void set_told(uint64_t *count, uint64_t value, bool waited)
{
	mmun_xchg(count, value);
	if (waited && somebody_waits()) {
		mmun_fetch_add(&bpf.tellings, 1);
		mmun_futex_wake(&bpf.tellings);
	}
}

/*
 * Nobody knows what the lost ones were: everything is told, once, for them and
 * for all that is in the ring.
 */
static void tell_lost(uint64_t lost)
{
	struct mmun_bpf_record r;

	while (mmun_bpf_ring_next(&r))
		mmun_bpf_tell(&r, true);
	mmun_bpf_tell_everything();
	set_told(&bpf.told, mmun_bpf_ring_read(), true);
	set_told(&bpf.told_lost, lost, true);
}

static bool tell_next(void)
{
	/* ORDER(bpf-ring): after the reader's position, as the ring itself. */
	uint64_t lost = mmun_load_ordered(&mmun_bpf_shared->lost);
	struct mmun_bpf_record r;
	bool waited;

	if (lost != bpf.told_lost) {
		tell_lost(lost);
		return true;
	}
	if (!mmun_bpf_ring_next(&r))
		return false;
	waited = !MMUN_BREAK(BPF_WAKE) || somebody_waits();
	if (MMUN_BREAK(BPF_TOLD))
		set_told(&bpf.told, mmun_bpf_ring_read(), true);
	mmun_bpf_tell(&r, false);
	set_told(&bpf.told, mmun_bpf_ring_read(), waited);
	return true;
}

static void *teller(void *unused)
{
	(void)unused;
	mmun_syscall(SYS_prctl, PR_SET_NAME, "mmunotify/tell");
	if (wait_while(STARTING) == FAILED || wait_while(KEPT) == FAILED)
		return NULL;
	for (;;) {
		/* ORDER(bpf-kick): before we look what there is. */
		uint32_t kicks = mmun_load_acquire(&bpf.kicks);

		while (tell_next())
			;
		mmun_futex_wait(&bpf.kicks, kicks, 0);
	}
}

/* -- the keeper -- */

enum { KEPT_ATTACHED, KEPT_RING, KEPT_EPOLL, KEPT_END };

/* Keep these and no other: somebody waits for the end of a pipe. */
static int keep_descriptors(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	long err = mmun_syscall(SYS_unshare, CLONE_FILES);

	if (!err)
		err = mmun_syscall(SYS_dup3, bpf.fds.attached, KEPT_ATTACHED, 0);
	if (err >= 0)
		err = mmun_syscall(SYS_dup3, bpf.fds.ring, KEPT_RING, 0);
	if (err >= 0)
		err = mmun_syscall(SYS_close_range, KEPT_EPOLL, ~0U, 0);
	if (err >= 0)
		err = mmun_syscall(SYS_epoll_create1, 0);
	if (err >= 0)
		err = mmun_syscall(SYS_epoll_ctl, KEPT_EPOLL, EPOLL_CTL_ADD,
				   KEPT_RING, &event);
	return err < 0 ? (int)err : 0;
}

/* Context: no libc, no memory calls, nothing that may need a descriptor. */
static void *keeper(void *unused)
{
	struct epoll_event event;

	(void)unused;
	mmun_syscall(SYS_prctl, PR_SET_NAME, "mmunotify/keep");
	bpf.keeper_error = keep_descriptors();
	set_phase(bpf.keeper_error ? FAILED : KEPT);
	while (!bpf.keeper_error)
		if (mmun_syscall(SYS_epoll_pwait, KEPT_EPOLL, &event, 1, -1, 0) > 0)
			kick();
	return NULL;
}

/* -- starting -- */

/* Return: 0 with both threads running, or an error with neither. */
static int start_threads(const char **why)
{
	pthread_t tells, keeps;

	*why = "no thread to be had";
	if (mmun_start_thread(&tells, teller, NULL, 0))
		return -ENOMEM;
	if (mmun_start_thread(&keeps, keeper, NULL, 0)) {
		set_phase(FAILED);
		pthread_join(tells, NULL);
		return -ENOMEM;
	}
	if (wait_while(STARTING) == FAILED) {
		*why = "no table of descriptors of its own: needs unshare() and close_range()";
		pthread_join(keeps, NULL);
		pthread_join(tells, NULL);
		return bpf.keeper_error == -EMFILE ? -ENOMEM : -EOPNOTSUPP;
	}
	pthread_detach(keeps);
	pthread_detach(tells);
	return 0;
}

static int start(const char **state)
{
	int err;

	bpf.foreign_before = mmun_entries_are_bypassed();
	err = mmun_bpf_load(&bpf.fds, state);
	if (err)
		return err;
	mmun_write(&bpf.phase, STARTING);
	bpf.told = 0;
	bpf.told_lost = 0;
	mmun_bpf_tell_init();
	err = start_threads(state);
	if (err) {
		mmun_bpf_unmap();
		mmun_bpf_close(&bpf.fds);
		return err;
	}
	mmun_bpf_close(&bpf.fds);
	/* ORDER(settle): for good. */
	mmun_fetch_or(&mmun_unsettled.sources, 1U << MMUN_SOURCE_BPF);
	set_phase(RUNNING);
	*state = "attached to raw_tp/sys_exit";
	return 0;
}

/* -- settling -- */

/* ORDER(bpf-told): pairs with set_told(). */
static bool is_settled(uint64_t written, uint64_t lost)
{
	return mmun_load_ordered(&bpf.told) >= written &&
	       mmun_load_ordered(&bpf.told_lost) >= lost;
}

/*
 * Before a call returns, the kernel has taken a place in the ring for it, or
 * counted it as lost: both are read here after that.
 */
static void settle(void)
{
	uint64_t written, lost;

	written = mmun_bpf_ring_written();
	lost = mmun_load_acquire(&mmun_bpf_shared->lost);
	if (is_settled(written, lost))
		return;
	/* ORDER(bpf-told): announced; pairs with set_told(). */
	mmun_fetch_add(&bpf.waiters, 1);
	kick();
	for (;;) {
		/* ORDER(bpf-told): before we look. */
		uint32_t tellings = mmun_load_acquire(&bpf.tellings);

		if (is_settled(written, lost))
			break;
		mmun_futex_wait(&bpf.tellings, tellings, 0);
	}
	mmun_fetch_sub(&bpf.waiters, 1);
}

/* -- */

static unsigned int sees(const struct mmun_mapping *m)
{
	(void)m;
	/* The texts that pass are those of the start. */
	if (!bpf.foreign_before && mmun_entries_are_bypassed())
		return 0;
	return MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD | MMUN_BLIND_RAW_SHM |
	       MMUN_BLIND_RAW_FILE | MMUN_BLIND_LDSO;
}

/* The threads are the parent's, and so were the mappings. */
static void fork_child(void)
{
	mmun_bpf_fork_child();
	bpf.waiters = 0;
}

const struct mmun_monitor_ops mmun_monitor_bpf = {
	.name = "bpf",
	.covers = "every mapping call of this process, ld.so's and raw ones included, once it has been made; truncation and hole punching as an event of every mapped file; shmdt() as one of all above",
	.needs = "CAP_BPF and CAP_PERFMON, libbpf.so.1, /proc, Linux 5.9; a tracepoint, as a probe of the kernel's own notifiers sees only processes that a driver mirrors",
	.costs = "about 80 ns in each system call of every process of the machine; a thread's wake-up per raw mapping call",
	.resolve = mmun_bpf_resolve,
	.start = start,
	.sees = sees,
	.settle = settle,
	.fork_child = fork_child,
};
