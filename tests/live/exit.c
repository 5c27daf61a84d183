// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A process that exits releases each registration once.  Each case is a child
 * that ends in its own way; what happened there is counted in shared memory.
 */
#include "live.h"

static struct tally {
	atomic_int first_released;
	atomic_int nr_released;
	atomic_int release[3];
	atomic_int freed;
	atomic_int late;
	atomic_int heard;
} *tally;

struct subscriber {
	struct mmu_notifier mn;
	int index;
	bool puts_itself;
};
static struct subscriber subscriber[3];

static void released(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct subscriber *s = (struct subscriber *)mn;

	(void)mm;
	atomic_fetch_add(&tally->release[s->index], 1);
	if (!atomic_fetch_add(&tally->nr_released, 1))
		atomic_store(&tally->first_released, s->index);
	if (s->puts_itself)
		mmu_notifier_put(mn);
}

static struct mmu_notifier *alloc_third(struct mm_struct *mm)
{
	(void)mm;
	return &subscriber[2].mn;
}

static void count_free(struct mmu_notifier *mn)
{
	(void)mn;
	atomic_fetch_add(&tally->freed, 1);
}

static atomic_bool over;

/* What the next callback does besides. */
static void (*_Atomic in_callback)(void);

static int count_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	void (*extra)(void) = atomic_exchange(&in_callback, NULL);

	(void)mn;
	(void)range;
	if (extra)
		extra();
	atomic_fetch_add(atomic_load(&over) ? &tally->late : &tally->heard, 1);
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.release = released,
	.invalidate_range_start = count_start,
	.alloc_notifier = alloc_third,
	.free_notifier = count_free,
};

static void watch(int i)
{
	subscriber[i].index = i;
	subscriber[i].mn.ops = &ops;
	if (mmu_notifier_register(&subscriber[i].mn, mm_self()))
		_exit(90);
}

/* By a copy of the ops: get would find what is registered with these. */
static void watch_by_get(void)
{
	static struct mmu_notifier_ops own;

	own = ops;
	subscriber[2].index = 2;
	if (mmu_notifier_get(&own, mm_self()) != &subscriber[2].mn ||
	    mmu_notifier_get(&own, mm_self()) != &subscriber[2].mn)
		_exit(91);
}

static void end_by_exit(void)
{
	watch(0);
	watch_by_get();
	watch(1);
	exit(0);
}

static void *exit_here(void *arg)
{
	exit(0);
	return arg;
}

static void end_in_a_thread(void)
{
	pthread_t thread;

	watch(0);
	watch(1);
	pthread_create(&thread, NULL, exit_here, NULL);
	pthread_join(thread, NULL);
}

static void end_by_underscore_exit(void)
{
	watch(0);
	watch_by_get();
	_exit(0);
}

static void end_by_syscall(void)
{
	watch(0);
	watch_by_get();
	syscall(SYS_exit_group, 0);
}

static void end_by_quick_exit(void)
{
	watch(0);
	watch_by_get();
	quick_exit(0);
}

static void end_at_once(int sig)
{
	(void)sig;
	_exit(0);
}

static void raise_it(void)
{
	raise(SIGUSR1);
}

static void end_in_a_handler(void)
{
	signal(SIGUSR1, end_at_once);
	watch(0);
	atomic_store(&in_callback, raise_it);
	munmap(pages(1), PAGE);
}

static void end_with_put_in_release(void)
{
	watch(0);
	watch_by_get();
	subscriber[2].puts_itself = true;
	mmu_notifier_put(&subscriber[2].mn);
	exit(0);
}

static void end_after_unregister(void)
{
	watch(0);
	watch(1);
	mmu_notifier_unregister(&subscriber[0].mn, mm_self());
	exit(0);
}

static void unregister_first(void)
{
	mmu_notifier_unregister(&subscriber[0].mn, mm_self());
}

/* Set before the library's handler, and so run behind it. */
static void end_before_unregister(void)
{
	atexit(unregister_first);
	watch(0);
	exit(0);
}

/* The process is over, whoever still uses its mm: nobody would come to put. */
static void put_too_late(void)
{
	if (atomic_load(&tally->release[0]) != 1)
		_exit(92);
	mmput(mm_self());
	if (mmun_mm_users(mm_self()))
		_exit(93);
}

static void end_with_a_user_left(void)
{
	atexit(put_too_late);
	watch(0);
	mmget(mm_self());
	exit(0);
}

static void register_too_late(void)
{
	struct mmu_notifier *mn = &subscriber[1].mn;

	mn->ops = &ops;
	if (mmu_notifier_register(mn, mm_self()) != -ESRCH ||
	    mmget_not_zero(mm_self()) || mmun_mm_users(mm_self()))
		_exit(94);
}

static void end_and_register(void)
{
	atexit(register_too_late);
	watch(0);
	exit(0);
}

static void end_of_a_grandchild(void)
{
	pid_t pid;

	watch(0);
	pid = fork();
	if (!pid)
		exit(0);
	if (reap(pid))
		_exit(95);
	if (atomic_load(&tally->release[0]))
		_exit(96);
	pid = fork();
	if (!pid) {
		watch(1);
		exit(0);
	}
	if (reap(pid))
		_exit(97);
	if (atomic_load(&tally->release[0]))
		_exit(98);
	_exit(0);
}

static void *unmap_loop(void *arg)
{
	for (;;)
		munmap(pages(1), PAGE);
	return arg;
}

/* Runs behind the library's: after this nothing may be heard. */
static void mark_over(void)
{
	char *p = pages(64);

	atomic_store(&over, true);
	for (int i = 0; i < 64; i++)
		munmap(p + i * PAGE, PAGE);
}

static void end_while_others_unmap(void)
{
	pthread_t thread;

	atexit(mark_over);
	watch(0);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, unmap_loop, NULL);
	while (atomic_load(&tally->heard) < 20)
		sched_yield();
	exit(0);
}

static atomic_bool callback_is_running, callback_is_over;

/* Still busy when ->release has run, and long after. */
static void outlast_release(void)
{
	atomic_store(&callback_is_running, true);
	while (!atomic_load(&tally->release[0]))
		sched_yield();
	for (int i = 0; i < 1000; i++)
		sched_yield();
	atomic_store(&callback_is_over, true);
}

/* From here, since making a thread is an event as well. */
static void *unmap_for_long(void *arg)
{
	atomic_store(&in_callback, outlast_release);
	return unmap_loop(arg);
}

static void callback_must_be_over(void)
{
	if (!atomic_load(&callback_is_over))
		_exit(98);
}

static void end_during_a_callback(void)
{
	pthread_t thread;

	atexit(callback_must_be_over);
	watch(0);
	pthread_create(&thread, NULL, unmap_for_long, NULL);
	while (!atomic_load(&callback_is_running))
		sched_yield();
	exit(0);
}

static void exit_now(void)
{
	exit(0);
}

static void end_in_a_callback(void)
{
	watch(0);
	watch(1);
	atomic_store(&in_callback, exit_now);
	munmap(pages(1), PAGE);
}

static bool child(void (*body)(void))
{
	pid_t pid;
	int status;

	memset(tally, 0, sizeof(*tally));
	pid = fork();
	if (!pid) {
		alarm(20);
		body();
		_exit(99);
	}
	status = reap(pid);
	if (status || atomic_load(&tally->late))
		diag("exit status %d, %d late", status, tally->late);
	return !status;
}

static bool released_are(int first, int second, int third)
{
	bool right = tally->release[0] == first &&
		     tally->release[1] == second && tally->release[2] == third;

	if (!right)
		diag("released %d %d %d times", tally->release[0],
		     tally->release[1], tally->release[2]);
	return right;
}

int main(void)
{
	tap_begin(60);
	tally = (struct tally *)raw(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(child(end_by_exit) && released_are(1, 1, 1),
	   "[S52] exit() releases each registration once");
	ok(tally->first_released == 1, "[S54] the newest first");
	ok(!tally->freed, "[S41] and frees nothing that still has users");
	ok(child(end_in_a_thread) && released_are(1, 1, 0),
	   "[S52] exit() in another thread does too");
	ok(child(end_by_underscore_exit) && released_are(1, 0, 1),
	   "[S52] _exit() does");
	ok(child(end_by_syscall) && released_are(1, 0, 1),
	   "[S52] syscall(SYS_exit_group) does");
	ok(child(end_by_quick_exit) && released_are(1, 0, 1),
	   "[S52] quick_exit() does");
	ok_by_entries(child(end_in_a_handler) && released_are(0, 0, 0),
		      "_exit() in a signal handler, in a callback, does not, and ends");
	ok(child(end_with_put_in_release) && released_are(1, 0, 1),
	   "[S42] ->release may put its own notifier");
	ok(child(end_after_unregister) && released_are(1, 1, 0),
	   "[S62] what was unregistered before is not released again");
	ok(child(end_before_unregister) && released_are(1, 0, 0),
	   "[S63] what was released is not released by unregister");
	ok(child(end_with_a_user_left) && released_are(1, 0, 0),
	   "[S53] differs: exit() releases whatever mm_users is, once");
	ok(child(end_and_register) && released_are(1, 0, 0),
	   "[S20] after it, no registration: -ESRCH");
#ifdef __SANITIZE_ADDRESS__
	(void)end_of_a_grandchild;
	skip("a forked child releases its own, and not what it inherited",
	     "fork with threads under a sanitizer");
#else
	ok(child(end_of_a_grandchild) && released_are(1, 1, 0),
	   "a forked child releases its own, and not what it inherited");
#endif
	ok(child(end_while_others_unmap) && released_are(1, 0, 0) &&
	   !tally->late && tally->heard,
	   "[S58] [S59] while others unmap: nothing is heard afterwards");
	ok(child(end_during_a_callback) && released_are(1, 0, 0),
	   "[S59] exit() waits for a callback that is running");
	ok(child(end_in_a_callback) && released_are(1, 1, 0),
	   "exit() in a callback releases, and does not wait for itself");
	return tap_end();
}
