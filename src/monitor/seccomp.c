// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The source "seccomp": calls that neither libc's entry points nor userfaultfd
 * see stop before they are made, and are made by us, between start and end.
 *
 * A call that the kernel lets go on is lost from sight: when it has been made
 * nobody can tell.  So it does not go on; a thread of ours makes it, with the
 * same arguments, in the same memory, and the caller gets its result.  What
 * changes nothing goes on.  exec, and the end of the process, go on too: who
 * could look something up afterwards ends with it.
 *
 * Three threads, and each call is handed down the line:
 *
 *	receiver  takes the calls that stop.  Children have the filter, too, and
 *		  are let go on, unless they share our memory.
 *	teller	  makes them, one after another, and tells.  A callback that makes
 *		  such a call itself would wait for itself: the receiver lets
 *		  it go on, and everything is told afterwards.
 *	sender	  gives the callers what they wait for.
 *
 * Receiver and sender have a table of descriptors of their own with the listener
 * in it: no program closes it, no child inherits it.  The teller needs those of
 * the process, as the calls do.
 *
 * What remains unseen: 32-bit calls; calls on a descriptor or a path by a thread
 * or child whose table, or working directory, is not the process's; processes
 * that shared our memory before the start, or do so while this one is neither
 * dumpable nor privileged, as kcmp() does not say then whose memory it is;
 * open(O_TRUNC) during which the first notifier registers.  The calls are made
 * with the teller's user and groups: a thread that has changed its own by a raw
 * call is refused, or not, as the process.
 *
 * What a program may notice: a signal whose handler has no SA_RESTART, and which
 * comes before the receiver has the call, makes it fail with EINTR, unmade.  From
 * then on signals wait for its end.
 */
#include <errno.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/lock.h"
#include "base/syscall.h"
#include "base/thread.h"
#include "core/core.h"
#include "monitor/bracket.h"
#include "monitor/monitor_ops.h"
#include "monitor/seccomp.h"

#define UNSETTLED (1U << MMUN_SOURCE_SECCOMP)

enum phase { STARTING, RUNNING, FAILED };

static struct {
	uint32_t phase;		/* a futex, as all of these */
	int error;		/* of the receiver */
	const char *why;
	int listener;		/* in the table of receiver and sender */
	bool foreign_before;	/* such entries were not among the texts */
	bool inherited;		/* from whom fork()ed this process */
	long pid;
	long teller;		/* its thread number */

	/* So many of the calls are at least that far; they lie in a circle. */
	uint32_t received;
	uint32_t told;
	uint32_t sent;
	struct mmun_stopped_call *calls;

	bool callback_called;	/* the teller itself: nobody has told */
	uint32_t settled;	/* how often that was made good for */
} sc;

/*
 * ORDER(seccomp-line): what the one before did to a call comes before its count;
 * pairs with wait_for_more() of the next, and of the receiver for a place.
 */
static void hand_on(uint32_t *count)
{
	mmun_store_release(count, mmun_read(count) + 1);
	mmun_futex_wake(count);
}

/* Until *count is another than @seen.  ORDER(seccomp-line): see hand_on(). */
static void wait_for_more(uint32_t *count, uint32_t seen)
{
	while (mmun_load_acquire(count) == seen)
		mmun_futex_wait(count, seen, 0);
}

/* Does it run, or shall its threads end? */
static bool has_started(void)
{
	wait_for_more(&sc.phase, STARTING);
	return mmun_read(&sc.phase) == RUNNING;
}

static struct mmun_stopped_call *call_at(uint32_t n)
{
	return &sc.calls[n % MMUN_NR_CALLS];
}

static long raw_kcmp(long pid1, long pid2, int type)
{
	return mmun_syscall(SYS_kcmp, pid1, pid2, type, 0, 0);
}

/* -- telling -- */

/* As libc's syscall(), but known by its place. */
static long make_call(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret = mmun_syscall6(nr, a, b, c, d, e, f);

	if (ret >= 0 || ret < -4095)
		return ret;
	errno = -ret;
	return -1;
}

static void go_on(struct mmun_stopped_call *c)
{
	c->resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
}

static void tell(enum mmu_notifier_event event, unsigned int flags,
		 unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, event, flags, &mmun_self, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmun_end_range(&range, false);
}

static void tell_everything(unsigned int flags)
{
	tell(MMU_NOTIFY_UNMAP, flags, 0, ULONG_MAX);
}

static bool cuts_file(long nr)
{
	switch (nr) {
	case SYS_ftruncate:
	case SYS_truncate:
	case SYS_fallocate:
		return true;
	default:
		return false;
	}
}

static bool may_open(long nr)
{
	switch (nr) {
	case SYS_openat:
	case SYS_openat2:
#ifdef SYS_open
	case SYS_open:
	case SYS_creat:
#endif
		return true;
	default:
		return false;
	}
}

static bool contain(const struct mmun_span *spans, unsigned int n,
		    const struct mmun_span *span)
{
	for (unsigned int i = 0; i < n; i++)
		if (span->start >= spans[i].start && span->end <= spans[i].end)
			return true;
	return false;
}

/*
 * Somebody may have mapped the file between our look and the call, or begun to
 * listen.  What was opened is known by its descriptor.
 */
static void tell_mapped_since(const struct mmun_raw_event *ev, long ret,
			      const struct mmun_span *before, unsigned int n)
{
	struct mmun_raw_event by_fd = { SYS_ftruncate, { ret, 0 } };
	struct mmun_span after[MMUN_MAX_SPANS];
	unsigned int nr_after = mmun_decode(may_open(ev->nr) ? &by_fd : ev,
					    after);

	for (unsigned int i = 0; i < nr_after; i++)
		if (!contain(before, n, &after[i]))
			tell(after[i].event, MMUN_RANGE_AFTER, after[i].start,
			     after[i].end);
}

/* An open() may wait for ever, and we for it: not if it is of a regular file. */
static void make_and_tell(struct mmun_stopped_call *c,
			  const struct mmun_raw_event *ev)
{
	const unsigned long *arg = ev->arg;
	struct mmun_call call = { make_call, false, false,
				  { ev->nr, arg[0], arg[1], arg[2], arg[3],
				    arg[4], arg[5] } };
	struct mmun_span span[MMUN_MAX_SPANS];
	unsigned int n = mmun_decode(ev, span);

	if (!n && !cuts_file(ev->nr) && !mmun_file_at_stake(ev))
		return go_on(c);
	c->resp.val = mmun_bracket(ev, &call);
	if (c->resp.val == -1) {
		c->resp.val = 0;
		c->resp.error = -errno;
	} else if (cuts_file(ev->nr) || may_open(ev->nr)) {
		tell_mapped_since(ev, c->resp.val, span, n);
	}
}

/* Are these about descriptors and paths, and are those not the process's? */
static bool means_something_else(const struct mmun_stopped_call *c,
				 const struct mmun_raw_event *ev)
{
	switch (ev->nr) {
	case SYS_mmap:
		if (ev->arg[3] & MAP_ANONYMOUS)
			return false;
		break;
	case SYS_munmap:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_brk:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_shmdt:
	case SYS_shmat:
	case SYS_remap_file_pages:
		return false;
	}
	return raw_kcmp(sc.teller, c->notif.pid, KCMP_FILES) > 0 ||
	       raw_kcmp(sc.teller, c->notif.pid, KCMP_FS) > 0;
}

/* Of a child that shares our memory its own end is nothing to us. */
static void end_and_tell(struct mmun_stopped_call *c, long nr)
{
	if (c->own && nr == SYS_exit_group)
		mmun_mm_exit_now(&mmun_self);
	else if (c->own)
		tell_everything(0);
	go_on(c);
}

static void handle(struct mmun_stopped_call *c)
{
	const __u64 *arg = c->notif.data.args;
	struct mmun_raw_event ev = { c->notif.data.nr,
				     { arg[0], arg[1], arg[2], arg[3], arg[4],
				       arg[5] } };

	switch (ev.nr) {
	case SYS_exit_group:
	case SYS_execve:
	case SYS_execveat:
		end_and_tell(c, ev.nr);
		break;
	default:
		if (means_something_else(c, &ev))
			go_on(c);
		else
			make_and_tell(c, &ev);
	}
}

/* No call of the teller's is under way, so that the bit is nobody else's now. */
static void make_good(void)
{
	if (mmun_likely(!mmun_read(&sc.callback_called)))
		return;
	/* Those callbacks may call, too. */
	do {
		mmun_write(&sc.callback_called, false);
		tell_everything(MMUN_RANGE_AFTER);
	} while (mmun_read(&sc.callback_called));
	mmun_fetch_and(&mmun_unsettled.sources, ~UNSETTLED);
	hand_on(&sc.settled);
}

static void *teller(void *unused)
{
	mmun_syscall(SYS_prctl, PR_SET_NAME, "mmun-sc-tell");
	mmun_write(&sc.teller, mmun_syscall(SYS_gettid));
	if (!has_started())
		return unused;
	for (uint32_t n = 0;; n++) {
		wait_for_more(&sc.received, n);
		handle(call_at(n));
		hand_on(&sc.told);
		make_good();
	}
}

/* -- sending -- */

static void send(struct seccomp_notif_resp *resp)
{
	/* It fails for whoever has been killed meanwhile. */
	mmun_syscall(SYS_ioctl, sc.listener, SECCOMP_IOCTL_NOTIF_SEND, resp);
}

static void *sender(void *unused)
{
	mmun_syscall(SYS_prctl, PR_SET_NAME, "mmun-sc-send");
	if (!has_started())
		return unused;
	for (uint32_t n = 0;; n++) {
		wait_for_more(&sc.told, n);
		send(&call_at(n)->resp);
		hand_on(&sc.sent);
	}
}

/* -- receiving -- */

static bool receive(struct mmun_stopped_call *c)
{
	memset(c, 0, sizeof(*c));
	if (mmun_syscall(SYS_ioctl, sc.listener, SECCOMP_IOCTL_NOTIF_RECV,
			 &c->notif))
		return false;
	c->resp.id = c->notif.id;
	c->own = !mmun_syscall(SYS_tgkill, sc.pid, c->notif.pid, 0);
	return true;
}

static bool is_about_us(const struct mmun_stopped_call *c)
{
	return c->own || raw_kcmp(sc.pid, c->notif.pid, KCMP_VM) == 0;
}

/* ORDER(settle): the bit is set before the call goes on; see monitor_ops.h. */
static void let_callback_go_on(struct mmun_stopped_call *c)
{
	mmun_write(&sc.callback_called, true);
	mmun_fetch_or(&mmun_unsettled.sources, UNSETTLED);
	go_on(c);
	send(&c->resp);
}

static void receive_next(uint32_t *n)
{
	struct mmun_stopped_call *c = call_at(*n);

	while (*n - mmun_load_acquire(&sc.sent) == MMUN_NR_CALLS)
		wait_for_more(&sc.sent, *n - MMUN_NR_CALLS);
	if (!receive(c))
		return;
	if (c->notif.pid == mmun_read(&sc.teller))
		return let_callback_go_on(c);
	if (!is_about_us(c)) {
		go_on(c);
		return send(&c->resp);
	}
	++*n;
	hand_on(&sc.received);
}

static void keep_receiving(void)
{
	uint32_t n = 0;

	for (;;)
		receive_next(&n);
}

/* -- starting -- */

static int refuse(int err, const char *why)
{
	sc.why = why;
	if (err == -EMFILE || err == -ENFILE || err == -EAGAIN)
		return -ENOMEM;
	return err == -ENOMEM ? err : -EOPNOTSUPP;
}

static int install_filter(const struct sock_fprog *prog)
{
	const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
				    SECCOMP_FILTER_FLAG_TSYNC |
				    SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
				    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long fd = mmun_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);

	if (fd != -EACCES)
		return fd;
	if (mmun_syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fd;
	return mmun_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

static const char *reason(int err)
{
	switch (err) {
	case -EBUSY:
		return "a filter that notifies stands already: a parent's, or another supervisor's";
	case -ESRCH:
		return "a thread has a filter that the others have not";
	case -EINVAL:
	case -ENOSYS:
		return "the kernel is older than 5.19, or lacks seccomp notification";
	case -EACCES:
	case -EPERM:
		return "a filter is forbidden here";
	default:
		return "the filter cannot be installed";
	}
}

static int listen_for_calls(void)
{
	static struct mmun_text texts[64];
	static struct sock_filter filter[MMUN_FILTER_MAX];
	struct sock_fprog prog = { .filter = filter };
	size_t n;
	int fd;

	texts[0] = (struct mmun_text){ (uintptr_t)mmun_syscall_text,
				       (uintptr_t)mmun_syscall_text_end, -1 };
	sc.foreign_before = mmun_entries_are_bypassed();
	n = mmun_entries_text(texts + 1, 63);
	if (n > 63)
		return refuse(-EOPNOTSUPP, "too many entry points");
	prog.len = mmun_seccomp_filter(filter, texts, n + 1);
	if (!prog.len)
		return refuse(-EOPNOTSUPP, "too many entry points");
	sc.listener = fd = install_filter(&prog);
	return fd < 0 ? refuse(fd, reason(fd)) : 0;
}

static int check_kernel(void)
{
	struct seccomp_notif_sizes sizes;

	if (mmun_syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return refuse(-EOPNOTSUPP, "the kernel has no seccomp notification");
	if (sizes.seccomp_notif > MMUN_NOTIF_ROOM ||
	    sizes.seccomp_notif_resp > MMUN_RESP_ROOM)
		return refuse(-EOPNOTSUPP, "the kernel's notifications are too large");
	if (raw_kcmp(sc.pid, sc.pid, KCMP_VM))
		return refuse(-EOPNOTSUPP, "needs kcmp(), to know whose memory it is");
	return 0;
}

static int own_table(void)
{
	long err = mmun_syscall(SYS_unshare, CLONE_FILES);

	if (!err)
		err = mmun_syscall(SYS_close_range, 0, ~0U, 0);
	return err ? refuse(err, "no table of descriptors of its own") : 0;
}

static int start_thread(pthread_t *thread, void *(*fn)(void *))
{
	return mmun_start_thread(thread, fn, NULL, 0) ?
		       refuse(-ENOMEM, "no thread to be had") : 0;
}

/* Those who wait for it go on, or end. */
static void set_phase(enum phase phase)
{
	/* ORDER(seccomp-line): what was prepared; pairs with has_started(). */
	mmun_store_release(&sc.phase, phase);
	mmun_futex_wake(&sc.phase);
}

/* What can fail comes before the filter, which stays for good. */
static int install(void)
{
	int heir = mmun_heir_start(&sc.calls), err;

	if (heir < 0)
		return refuse(heir, "no process to be had that answers when this one is no more");
	err = listen_for_calls();
	if (err)
		mmun_heir_dismiss(heir, sc.calls);
	else
		mmun_heir_appoint(heir, sc.listener);
	return err;
}

static void *receiver(void *unused)
{
	pthread_t sends;

	mmun_syscall(SYS_prctl, PR_SET_NAME, "mmun-sc-recv");
	sc.error = own_table();
	if (!sc.error)
		sc.error = start_thread(&sends, sender);
	if (!sc.error) {
		sc.error = install();
		set_phase(sc.error ? FAILED : RUNNING);
		if (!sc.error)
			keep_receiving();
		pthread_join(sends, NULL);
	}
	set_phase(FAILED);
	return unused;
}

/* Return: 0 with all three running, or an error with none. */
static int start_threads(void)
{
	pthread_t tells, receives;
	int err;

	mmun_write(&sc.phase, STARTING);
	err = start_thread(&tells, teller);
	if (err)
		return err;
	err = start_thread(&receives, receiver);
	if (err)
		set_phase(FAILED);
	else if (has_started())
		return 0;
	else
		pthread_join(receives, NULL);
	pthread_join(tells, NULL);
	return err ? err : sc.error;
}

/* A call by an instruction that is not ours, and changes nothing. */
static int self_test(void)
{
	uint32_t before = mmun_read(&sc.received);

	mmun_strange_syscall6(SYS_munmap, 1, 0, 0, 0, 0, 0);
	if (mmun_load_acquire(&sc.received) != before)
		return 0;
	return refuse(-EOPNOTSUPP, "the filter stands, and does not stop calls");
}

static int start(const char **state)
{
	int err = 0;

	sc.pid = mmun_syscall(SYS_getpid);
	if (sc.inherited)
		err = refuse(-EBUSY, reason(-EBUSY));
	if (!err)
		err = check_kernel();
	if (!err)
		err = start_threads();
	if (!err)
		err = self_test();
	*state = err ? sc.why : "answering";
	return err;
}

/* -- */

/* Once more than when the bit was set, it has been made good for. */
static void settle(void)
{
	uint32_t seen = mmun_load_acquire(&sc.settled);

	if (mmun_load_acquire(&mmun_unsettled.sources) & UNSETTLED)
		wait_for_more(&sc.settled, seen);
}

/* The texts that pass are those of the start. */
static bool bypassed(void)
{
	return !sc.foreign_before && mmun_entries_are_bypassed();
}

static unsigned int sees(const struct mmun_mapping *m)
{
	(void)m;
	if (bypassed())
		return 0;
	return MMUN_BLIND_RAW | MMUN_BLIND_RAW_SHARER | MMUN_BLIND_RAW_GUARD | MMUN_BLIND_RAW_SHM |
	       MMUN_BLIND_RAW_FILE | MMUN_BLIND_RAW_EXIT | MMUN_BLIND_LDSO;
}

/* The filter stays, and its calls are answered where they always were. */
static void fork_child(void)
{
	sc.inherited = true;
}

const struct mmun_monitor_ops mmun_monitor_seccomp = {
	.name = "seccomp",
	.covers = "every 64-bit call of this process that changes mappings, cuts files, replaces or ends the process, made past libc; before it is made and after",
	.needs = "Linux 5.19, kcmp(), no_new_privs unless privileged, no other supervisor; children inherit the filter, and a process is left behind to answer them",
	.costs = "about 30 ns in each system call of this process and its children, 10 to 100 us in each call that is made past libc, one after another",
	.start = start,
	.sees = sees,
	.settle = settle,
	.fork_child = fork_child,
};
