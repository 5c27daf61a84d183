// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls of many threads, of callbacks, and under signals: each is made once, none
 * waits for itself, and all of it is told.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <sys/shm.h>
#include <sys/time.h>

#include "scenario.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* -- callbacks that call -- */

static void (*_Atomic in_start)(const struct mmu_notifier_range *);
static void (*_Atomic in_end)(const struct mmu_notifier_range *);

static int call_in_start(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *range)
{
	void (*fn)(const struct mmu_notifier_range *) = atomic_load(&in_start);

	(void)mn;
	if (fn)
		fn(range);
	return 0;
}

static void call_in_end(struct mmu_notifier *mn,
			const struct mmu_notifier_range *range)
{
	void (*fn)(const struct mmu_notifier_range *) = atomic_load(&in_end);

	(void)mn;
	if (fn)
		fn(range);
}

static const struct mmu_notifier_ops calling_ops = {
	.invalidate_range_start = call_in_start,
	.invalidate_range_end = call_in_end,
};
static struct mmu_notifier calling = { .ops = &calling_ops };

static void begin_calling(void)
{
	begin();
	if (mmu_notifier_register(&calling, mm_self()))
		_exit(97);
}

static char *victim;

static void unmap_victim_once(const struct mmu_notifier_range *range)
{
	char *p = victim;

	(void)range;
	victim = NULL;
	if (p)
		drop(p, 1);
}

static void unmap_victim_by_libc_once(const struct mmu_notifier_range *range)
{
	char *p = victim;

	(void)range;
	victim = NULL;
	if (p)
		munmap(p, PAGE);
}

static bool heard_exactly(const char *p)
{
	for (int i = 0; i < listened(); i++)
		if (!heard[i].is_end && heard[i].start == (unsigned long)p &&
		    heard[i].end == (unsigned long)p + PAGE &&
		    !(heard[i].flags & MMUN_RANGE_AFTER))
			return true;
	tell();
	return false;
}

static bool heard_afterwards(const char *p)
{
	for (int i = 0; i < listened(); i++)
		if (!heard[i].is_end && heard[i].start <= (unsigned long)p &&
		    heard[i].end > (unsigned long)p &&
		    (heard[i].flags & MMUN_RANGE_AFTER))
			return true;
	tell();
	return false;
}

static bool unmaps(char *p, bool by_libc)
{
	return !(by_libc ? munmap(p, PAGE) : raw3(SYS_munmap, (long)p, PAGE, 0));
}

static int calls_in_event(bool by_libc, bool (*heard)(const char *))
{
	char *p, *q;

	begin_calling();
	for (int at = 0; at < 2; at++) {
		p = pages(1);
		q = victim = address(pages(1));
		atomic_store(at ? &in_end : &in_start, unmap_victim_once);
		listen_now();
		NEED(unmaps(p, by_libc) && !victim);
		mmun_settle(mm_self());
		NEED(heard_exactly(p) && heard(q));
		atomic_store(&in_start, NULL);
		atomic_store(&in_end, NULL);
	}
	NEED(hears_raw_munmap());
	return 0;
}

/* The program's thread waits for the teller, who calls the same callbacks. */
static int calls_in_event_of_libc(void)
{
	return calls_in_event(true, heard_exactly);
}

/* On the teller: it is made at once, and told behind the event. */
static int calls_in_raw_event(void)
{
	return calls_in_event(false, heard_afterwards);
}

static int calls_libc_in_raw_event(void)
{
	char *p, *q;

	begin_calling();
	p = pages(1);
	q = victim = address(pages(1));
	atomic_store(&in_start, unmap_victim_by_libc_once);
	listen_now();
	NEED(unmaps(p, false) && !victim);
	mmun_settle(mm_self());
	NEED(heard_exactly(p) && heard_exactly(q));
	NEED(hears_raw_munmap());
	return 0;
}

/* Each event unmaps one more, and so does what is told of that. */
static atomic_int nr_shadows, told_since;
static char *shadow;

static void unmap_next_shadow(const struct mmu_notifier_range *range)
{
	int left = atomic_load(&nr_shadows);

	if (range->end - range->start > 1UL << 46)
		atomic_store(&told_since, 1);
	if (!left)
		return;
	atomic_store(&nr_shadows, left - 1);
	atomic_store(&told_since, 0);
	drop(shadow + (left - 1) * PAGE, 1);
}

static int calls_in_what_it_causes(void)
{
	begin_calling();
	for (int round = 0; round < 50; round++) {
		char *p = pages(1);

		shadow = pages(5);
		atomic_store(&nr_shadows, 5);
		atomic_store(&in_start, unmap_next_shadow);
		NEED(unmaps(p, false));
		mmun_settle(mm_self());
		NEED(!atomic_load(&nr_shadows) && atomic_load(&told_since));
		atomic_store(&in_start, NULL);
	}
	NEED(hears_raw_munmap());
	return 0;
}

/* Who settles after the call in a callback waits until that is told of. */
static atomic_bool has_called, stale;

static void call_and_note(const struct mmu_notifier_range *range)
{
	if ((range->flags & MMUN_RANGE_AFTER) && range->end == ULONG_MAX) {
		atomic_store(&stale, false);
		return;
	}
	if (!victim)
		return;
	atomic_store(&stale, true);
	unmap_victim_once(range);
	atomic_store(&has_called, true);
}

static void *raw_unmap_when_armed(void *p)
{
	while (!atomic_load(&in_start))
		sched_yield();
	drop(p, 1);
	return NULL;
}

static int settles_meanwhile(void)
{
	begin_calling();
	for (int round = 0; round < 200; round++) {
		char *p = pages(1);
		pthread_t thread;

		atomic_store(&has_called, false);
		victim = pages(1);
		pthread_create(&thread, NULL, raw_unmap_when_armed, p);
		atomic_store(&in_start, call_and_note);
		while (!atomic_load(&has_called))
			sched_yield();
		mmun_settle(mm_self());
		NEED(!atomic_load(&stale));
		atomic_store(&in_start, NULL);
		pthread_join(thread, NULL);
	}
	return 0;
}

static void test_callbacks(void)
{
	ok(case_is_right(calls_in_event_of_libc),
	   "a callback of an event through libc makes a raw call: told of exactly");
	ok(case_is_right(calls_in_raw_event),
	   "a callback of a raw event makes one: told of afterwards");
	ok(case_is_right(calls_libc_in_raw_event),
	   "a callback of a raw event calls libc: told of exactly");
	ok(case_is_right(calls_in_what_it_causes),
	   "and so on, until no callback makes one more");
	ok(case_is_right(settles_meanwhile),
	   "whoever settles meanwhile waits for that");
}

/* -- files that are mapped just then -- */

static int cut_fd;
static char *late;

static void map_once(const struct mmu_notifier_range *range)
{
	(void)range;
	if (late)
		return;
	late = (char *)raw(SYS_mmap, 0, PAGE, RW, MAP_SHARED, cut_fd, 0);
	*(volatile char *)late = 1;
}

static bool cut_by_libc(const char *path)
{
	(void)path;
	return !ftruncate(cut_fd, 0);
}

static bool cut_raw(const char *path)
{
	(void)path;
	return !raw3(SYS_ftruncate, cut_fd, 0, 0);
}

static bool cut_by_open(const char *path)
{
	return !close(open(path, O_RDWR | O_TRUNC));
}

static bool cut_by_raw_open(const char *path)
{
	long fd = raw3(SYS_open, (long)path, O_RDWR | O_TRUNC, 0);

	return !raw3(SYS_close, fd, 0, 0);
}

static int maps_what_is_cut(void)
{
	bool (*const cut[])(const char *) = { cut_by_libc, cut_raw, cut_by_open,
					      cut_by_raw_open };
	char *p, path[40];

	begin_calling();
	cut_fd = memfd_create("cut", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", cut_fd);
	for (int i = 0; i < 4; i++) {
		NEED(!ftruncate(cut_fd, PAGE));
		p = mmap(NULL, PAGE, RW, MAP_SHARED, cut_fd, 0);
		NEED(p != MAP_FAILED);
		*(volatile char *)p = 1;
		late = NULL;
		atomic_store(&in_start, map_once);
		listen_now();
		NEED(cut[i](path));
		atomic_store(&in_start, NULL);
		mmun_settle(mm_self());
		NEED(heard_at(MMU_NOTIFY_CLEAR, p));
		NEED(heard_afterwards(late));
		drop(p, 1);
		drop(late, 1);
	}
	return 0;
}

/* -- signals -- */

#define CALLERS 4
#define SIGNALS 400

static atomic_bool over;
static atomic_long handled, interrupted;
static pthread_t caller[CALLERS];

static void count_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static void *send_signals(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!atomic_load(&over)) {
		for (int i = 0; i < CALLERS; i++)
			pthread_kill(caller[i], SIGUSR1);
		sched_yield();
	}
	return arg;
}

/* Interrupted before anybody has looked at it, it was not made. */
static long until_made(long nr, long a, long b, long c)
{
	long ret;

	while ((ret = raw3(nr, a, b, c)) == -EINTR)
		atomic_fetch_add(&interrupted, 1);
	return ret;
}

/* Made twice, the second finds nothing to detach, or what is another thread's. */
static void *attach_and_detach(void *arg)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
	long bad = 0;

	for (int i = 0; i < 100 || atomic_load(&handled) < SIGNALS; i++) {
		long at = raw3(SYS_shmat, id, 0, 0);

		if (at < 0 || until_made(SYS_shmdt, at, 0, 0))
			bad++;
	}
	shmctl(id, IPC_RMID, NULL);
	*(long *)arg = bad;
	return NULL;
}

static int calls_under_signals(int flags)
{
	struct sigaction sa = { .sa_handler = count_signal, .sa_flags = flags };
	long bad[CALLERS];
	pthread_t sender;

	begin();
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&caller[i], NULL, attach_and_detach, &bad[i]);
	pthread_create(&sender, NULL, send_signals, NULL);
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(caller[i], NULL);
		NEED(!bad[i]);
	}
	atomic_store(&over, true);
	pthread_join(sender, NULL);
	diag("%ld signals, %ld calls interrupted", atomic_load(&handled),
	     atomic_load(&interrupted));
	NEED(!(flags & SA_RESTART) || !atomic_load(&interrupted));
	return 0;
}

static int calls_under_storm(void)
{
	return calls_under_signals(0);
}

static int calls_under_restarting_storm(void)
{
	return calls_under_signals(SA_RESTART);
}

/* A handler that calls, in the middle of what calls. */
static void unmap_in_handler(int sig)
{
	char *p = pages(1);

	(void)sig;
	if (!raw3(SYS_munmap, (long)p, PAGE, 0))
		atomic_fetch_add(&handled, 1);
}

static int calls_in_handlers(void)
{
	struct sigaction sa = { .sa_handler = unmap_in_handler,
				.sa_flags = SA_RESTART | SA_NODEFER };
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };

	begin();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (atomic_load(&handled) < 300) {
		char *p = pages(1);

		NEED(!raw3(SYS_munmap, (long)p, PAGE, 0));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	return 0;
}

/* -- threads that go away -- */

static void *call_for_ever(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;) {
		raw3(SYS_munmap, PAGE, PAGE, 0);
		atomic_fetch_add(&handled, 1);
	}
	return arg;
}

static int cancels_threads(void)
{
	begin();
	for (int round = 0; round < 100; round++) {
		long before = atomic_load(&handled);
		pthread_t thread;
		void *ret;

		pthread_create(&thread, NULL, call_for_ever, NULL);
		while (atomic_load(&handled) < before + round % 5)
			sched_yield();
		NEED(!pthread_cancel(thread));
		NEED(!pthread_join(thread, &ret) && ret == PTHREAD_CANCELED);
	}
	NEED(hears_raw_munmap());
	return 0;
}

static sigjmp_buf back;

static void jump(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

/* Out of a call that waits, again and again. */
static int jumps_out(void)
{
	struct sigaction sa = { .sa_handler = jump };
	struct itimerval soon = { { 0, 0 }, { 0, 200 } };

	begin();
	sigaction(SIGALRM, &sa, NULL);
	for (volatile int i = 0; i < 200; i++) {
		if (sigsetjmp(back, 1))
			continue;
		setitimer(ITIMER_REAL, &soon, NULL);
		for (;;)
			raw3(SYS_munmap, PAGE, PAGE, 0);
	}
	NEED(hears_raw_munmap());
	return 0;
}

/* -- many -- */

/*
 * ORDER(seccomp-line): a call that is handed down the line before it is written
 * down, or its result, is another thread's.
 */
#define MANY 24

static void *call_often(void *arg)
{
	long bad = 0;

	for (int i = 0; i < 100; i++) {
		char *p = pages(3);

		bad += !!raw3(SYS_munmap, (long)p + PAGE, PAGE, 0);
		bad += raw(SYS_mmap, (long)p, PAGE, RW, ANON | MAP_FIXED, -1,
			   0) != (long)p;
		bad += p[0] != 0 || p[2 * PAGE] != 'x';
		bad += !!raw3(SYS_munmap, (long)p, 3 * PAGE, 0);
	}
	*(long *)arg = bad;
	return NULL;
}

static atomic_long nr_starts, nr_ends;

static void count_start(const struct mmu_notifier_range *range)
{
	if (range->event == MMU_NOTIFY_UNMAP)
		atomic_fetch_add(&nr_starts, 1);
}

static void count_end(const struct mmu_notifier_range *range)
{
	if (range->event == MMU_NOTIFY_UNMAP)
		atomic_fetch_add(&nr_ends, 1);
}

static int many_call(void)
{
	pthread_t thread[MANY];
	long bad[MANY];

	begin_calling();
	atomic_store(&in_start, count_start);
	atomic_store(&in_end, count_end);
	for (int i = 0; i < MANY; i++)
		pthread_create(&thread[i], NULL, call_often, &bad[i]);
	for (int i = 0; i < MANY; i++) {
		pthread_join(thread[i], NULL);
		NEED(!bad[i]);
	}
	/* And what the end of a thread unmaps, through libc. */
	NEED(atomic_load(&nr_starts) >= 300L * MANY);
	NEED(atomic_load(&nr_starts) < 300L * MANY + 4 * MANY);
	NEED(atomic_load(&nr_starts) == atomic_load(&nr_ends));
	return 0;
}

/* -- more than there is room for -- */

#define CROWD 1100

static atomic_bool gate_is_open;
static atomic_long crowd_calls, crowd_fails;

static void wait_at_gate(const struct mmu_notifier_range *range)
{
	(void)range;
	while (!atomic_load(&gate_is_open))
		sched_yield();
}

static pthread_barrier_t crowd_is_there;

static void *call_in_crowd(void *arg)
{
	pthread_barrier_wait(&crowd_is_there);
	atomic_fetch_add(&crowd_calls, 1);
	if (raw3(SYS_munmap, (long)arg, PAGE, 0))
		atomic_fetch_add(&crowd_fails, 1);
	return NULL;
}

static int crowd_calls_at_once(void)
{
	static pthread_t thread[CROWD];
	pthread_attr_t attr;
	char *p;

	begin_calling();
	p = pages(CROWD);
	pthread_barrier_init(&crowd_is_there, NULL, CROWD + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (int i = 0; i < CROWD; i++)
		if (pthread_create(&thread[i], &attr, call_in_crowd,
				   p + i * PAGE))
			return IS_MISSING;
	atomic_store(&in_start, wait_at_gate);
	pthread_barrier_wait(&crowd_is_there);
	while (atomic_load(&crowd_calls) < CROWD)
		sched_yield();
	atomic_store(&gate_is_open, true);
	for (int i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
	NEED(!atomic_load(&crowd_fails));
	NEED(raw3(SYS_madvise, (long)p, CROWD * PAGE, MADV_NORMAL) == -ENOMEM);
	NEED(hears_raw_munmap());
	return 0;
}

static void test_crowd(void)
{
	const char *claim = "more threads wait than there is room for";
	int status = reap(spawn_case(crowd_calls_at_once));

	reap_left_behind(0);
	if (status == IS_MISSING)
		skip(claim, "as many threads");
	else
		ok(!status, "%s", claim);
}

/* -- descriptors and directories that are not the process's -- */

static void *cut_own_file(void *arg)
{
	int fd = *(int *)arg, own;
	bool right = !unshare(CLONE_FILES);

	own = memfd_create("own", 0);
	right = right && dup2(own, fd) == fd &&
		!raw3(SYS_ftruncate, fd, 5, 0) && lseek(own, 0, SEEK_END) == 5;
	*(int *)arg = right;
	return NULL;
}

static void *cut_in_own_directory(void *arg)
{
	char dir[] = "/tmp/mmunotify-own-XXXXXX";
	bool right = !unshare(CLONE_FS) && mkdtemp(dir) && !chdir(dir);

	right = right && raw3(SYS_creat, (long)"here", 0600, 0) >= 0 &&
		!raw3(SYS_truncate, (long)"here", 9, 0) && !unlink("here") &&
		!rmdir(dir);
	*(int *)arg = right;
	return NULL;
}

static int has_own_files(void)
{
	int fd = memfd_create("ours", 0), right = fd;
	pthread_t thread;

	begin();
	NEED(fd >= 0 && !ftruncate(fd, PAGE));
	pthread_create(&thread, NULL, cut_own_file, &right);
	pthread_join(thread, NULL);
	NEED(right && lseek(fd, 0, SEEK_END) == PAGE);
	pthread_create(&thread, NULL, cut_in_own_directory, &right);
	pthread_join(thread, NULL);
	NEED(right);
	return 0;
}

int main(void)
{
	set_up_cases(50);
	test_callbacks();
	ok(case_is_right(maps_what_is_cut),
	   "a file that is mapped while it is cut: told of afterwards");
	ok(case_is_right(calls_under_storm),
	   "a storm of signals: no call is made twice");
	ok(case_is_right(calls_under_restarting_storm),
	   "with SA_RESTART no call is interrupted, either");
	ok(case_is_right(calls_in_handlers), "handlers call, too");
	ok(case_is_right(cancels_threads), "threads are cancelled in their calls");
	ok(case_is_right(jumps_out), "handlers jump out of calls");
	ok(case_is_right(many_call), "%d threads: each call is made and told once",
	   MANY);
	test_crowd();
	ok(case_is_right(has_own_files),
	   "a thread with files, or a directory, of its own cuts these");
	return tap_end();
}
