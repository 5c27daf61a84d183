// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A forked child begins without notifiers, works, and leaves its parent alone.
 *
 *	fork [FORKS]
 */
#include "live.h"

static atomic_int releases, frees;

static void count_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
	atomic_fetch_add(&releases, 1);
}

static struct mmu_notifier shared;

static struct mmu_notifier *alloc_shared(struct mm_struct *mm)
{
	(void)mm;
	return &shared;
}

static void free_shared(struct mmu_notifier *mn)
{
	if (mn == &shared)
		atomic_fetch_add(&frees, 1);
}

static const struct mmu_notifier_ops shared_ops = {
	.release = count_release,
	.alloc_notifier = alloc_shared,
	.free_notifier = free_shared,
};

static void take_shared(void)
{
	struct mmu_notifier *mn = mmu_notifier_get(&shared_ops, mm_self());

	if (mn != &shared)
		bail("get: %ld", PTR_ERR(mn));
}

static bool hears(int callbacks)
{
	char *p = pages(1);

	listen_now();
	munmap(p, PAGE);
	return listened() == callbacks;
}

/* Exit statuses of children say which line of these it was. */
static int child_begins_empty(void)
{
	if (mm_has_notifiers(mm_self()))
		return 1;
	if (!hears(0))
		return 2;
	if (mmun_mm_users(mm_self()) != 1)
		return 3;
	return 0;
}

static int child_registers_anew(void)
{
	struct mmu_notifier mine = { .ops = &recorder_ops };

	if (mmu_notifier_register(&mine, mm_self()))
		return 1;
	if (!mm_has_notifiers(mm_self()) || !hears(2))
		return 2;
	mmu_notifier_unregister(&mine, mm_self());
	return hears(0) ? 0 : 3;
}

static int child_puts_inherited(void)
{
	mmu_notifier_put(&shared);
	if (atomic_load(&frees))
		return 1;
	mmu_notifier_put(&shared);
	mmu_notifier_synchronize();
	if (atomic_load(&frees) != 1)
		return 2;
	return atomic_load(&releases) ? 3 : 0;
}

static int child_unregisters_inherited(void)
{
	mmu_notifier_unregister(&recorder, mm_self());
	if (atomic_load(&releases))
		return 1;
	record();
	if (!hears(2))
		return 2;
	mmu_notifier_unregister(&recorder, mm_self());
	return hears(0) ? 0 : 3;
}

static int child_gets_anew(void)
{
	static struct mmu_notifier *mn;

	mmu_notifier_put(&shared);
	mmu_notifier_put(&shared);
	mmu_notifier_synchronize();
	mn = mmu_notifier_get(&shared_ops, mm_self());
	if (mn != &shared || mn->users != 1)
		return 1;
	mmu_notifier_put(mn);
	mmu_notifier_synchronize();
	return atomic_load(&frees) == 2 ? 0 : 2;
}

static int child_forks(void)
{
	static struct mmu_notifier mine = { .ops = &recorder_ops };
	pid_t pid;

	if (mmu_notifier_register(&mine, mm_self()))
		return 1;
	pid = fork();
	if (!pid)
		_exit(child_begins_empty() ?: child_registers_anew());
	return reap(pid) || !hears(2);
}

static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(20);
		_exit(body());
	}
	status = reap(pid);
	if (status)
		diag("the child says %d", status);
	return status;
}

static void test_child(void)
{
	record();
	take_shared();
	take_shared();
	ok(!in_child(child_begins_empty),
	   "[S61] the child has no notifiers, its munmap tells nobody");
	ok(!in_child(child_registers_anew), "the child can register anew");
	ok(!in_child(child_puts_inherited),
	   "the child puts what it inherited: freed there, never released");
	ok(!in_child(child_unregisters_inherited),
	   "the child unregisters what it inherited, and registers it again");
	ok(!in_child(child_gets_anew), "the child gets what it has put");
	ok(!in_child(child_forks), "a child of the child, the same");
	ok(hears(2) && shared.users == 2 && !atomic_load(&frees) &&
	   !atomic_load(&releases), "[S61] the parent has noticed nothing");
	mmu_notifier_put(&shared);
	mmu_notifier_put(&shared);
	mmu_notifier_synchronize();
	ok(atomic_load(&frees) == 1, "and frees its own when it puts it");
	mmu_notifier_unregister(&recorder, mm_self());
}

static atomic_int fork_at; /* 1: at the start, 2: at the end */
static pid_t forked;
static atomic_bool child_leaves;

static void fork_here(int at)
{
	if (atomic_load(&fork_at) != at)
		return;
	atomic_store(&fork_at, 0);
	forked = fork();
	if (forked)
		return;
	alarm(20);
	if (atomic_load(&child_leaves))
		_exit(hears(0) ? 0 : 1);
}

static int forking_start(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	fork_here(1);
	return 0;
}

static void forking_end(struct mmu_notifier *mn,
			const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	fork_here(2);
}

static const struct mmu_notifier_ops forking_ops = {
	.invalidate_range_start = forking_start,
	.invalidate_range_end = forking_end,
};

static void test_fork_in_callback(const char *claim, int at, bool leaves)
{
	struct mmu_notifier mn = { .ops = &forking_ops };
	char *p = pages(2);
	int status;

	if (mmu_notifier_register(&mn, mm_self()))
		bail("register");
	atomic_store(&child_leaves, leaves);
	atomic_store(&fork_at, at);
	munmap(p, PAGE);
	if (!forked) {
		status = child_begins_empty() ?: child_registers_anew();
		mmu_notifier_synchronize();
		_exit(status);
	}
	status = reap(forked);
	ok(!status, "fork in %s (%d)", claim, status);
	mmu_notifier_unregister(&mn, mm_self());
	drop(p, 2);
}

/* Which callbacks of write protection cover this byte: start 1, end 2. */
static int protected_by_fork(const char *addr)
{
	unsigned long a = (unsigned long)addr;
	int bits = 0;

	for (int i = 0; i < listened(); i++)
		if (heard[i].event == MMU_NOTIFY_PROTECTION_PAGE &&
		    a >= heard[i].start && a < heard[i].end)
			bits |= heard[i].is_end ? 2 : 1;
	return bits;
}

static void test_write_protection(void)
{
	char *private = pages(1), *stays;
	pid_t pid;

	stays = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*stays = 1;
	record();
	listen_now();
	pid = fork();
	if (!pid)
		_exit(protected_by_fork(private));
	ok(protected_by_fork(private) == 3,
	   "fork() protects private memory: start and end");
	ok(!protected_by_fork(stays), "and no shared memory");
	ok(reap(pid) == 1, "the child has heard the start and no end");
	mmu_notifier_unregister(&recorder, mm_self());
	munmap(stays, PAGE);
	drop(private, 1);
}

static atomic_bool stop;

static void *unmap_loop(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		munmap(pages(1), PAGE);
	return NULL;
}

static void *register_loop(void *arg)
{
	static const struct mmu_notifier_ops ops = { .release = count_release };
	struct mmu_notifier mn = { .ops = &ops };

	while (!atomic_load(&stop)) {
		if (mmu_notifier_register(&mn, mm_self()))
			bail("register");
		mmu_notifier_unregister(&mn, mm_self());
	}
	return arg;
}

static void *get_loop(void *arg)
{
	while (!atomic_load(&stop)) {
		take_shared();
		mmu_notifier_put(&shared);
		mmu_notifier_synchronize();
	}
	return arg;
}

static int child_of_busy_parent(void)
{
	int err = child_begins_empty();

	if (err)
		return err;
	err = child_registers_anew();
	if (err)
		return 10 + err;
	mmu_notifier_synchronize();
	return 0;
}

static void test_busy(int forks)
{
	void *(*const bodies[])(void *) = { unmap_loop, register_loop,
					    get_loop };
	pthread_t thread[3];
	int good = 0;

	record();
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread[i], NULL, bodies[i], NULL))
			bail("no thread");
	for (int i = 0; i < forks; i++)
		good += !in_child(child_of_busy_parent);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	ok(good == forks, "forked while others unmap, register and get: "
			  "%d of %d children work", good, forks);
	ok(hears(2), "and so does the parent");
	mmu_notifier_unregister(&recorder, mm_self());
}

int main(int argc, char **argv)
{
	tap_begin(argc > 1 ? 3600 : 60);
	test_child();
	test_fork_in_callback("a start, the child leaves there", 1, true);
	test_fork_in_callback("a start, the child returns", 1, false);
	test_fork_in_callback("an end, the child leaves there", 2, true);
	test_fork_in_callback("an end, the child returns", 2, false);
	test_write_protection();
	test_busy(argc > 1 ? atoi(argv[1]) : 200);
	return tap_end();
}
