/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Out of memory: each allocation that the library makes fails once.
 *
 * The linker leads the library's calls here (--wrap).  For n = 1, 2, ... a
 * child, in which the library is as new, has its n-th allocation fail; until
 * there is one with fewer than n.  At the end of each nothing is left over.
 */
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int __real_posix_memalign(void **p, size_t align, size_t size);
void __real_free(void *p);

/* The subscribers' own memory is no business of these tests. */
#define malloc(size) __real_malloc(size)
#define free(p) __real_free(p)
#include "interval.h"

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			  void (*child)(void));

static atomic_int allocations, fail_at, outstanding;

/* Is it this one's turn to fail? */
static bool fails(void)
{
	int n = atomic_fetch_add(&allocations, 1) + 1;

	return n == fail_at;
}

static void *counted(void *p)
{
	if (p)
		atomic_fetch_add(&outstanding, 1);
	return p;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	void *q = fails() ? NULL : __real_realloc(p, size);

	return p ? q : counted(q);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : counted(__real_aligned_alloc(align, size));
}

int __wrap_posix_memalign(void **p, size_t align, size_t size)
{
	int err = fails() ? ENOMEM : __real_posix_memalign(p, align, size);

	if (!err)
		counted(*p);
	return err;
}

void __wrap_free(void *p)
{
	if (p)
		atomic_fetch_sub(&outstanding, 1);
	__real_free(p);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	return fails() ? EAGAIN : __real_pthread_create(thread, attr, run, arg);
}

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			  void (*child)(void))
{
	return fails() ? ENOMEM : __real_pthread_atfork(prepare, parent, child);
}

/* -- the calls -- */

static void fail_the(int n)
{
	atomic_store(&allocations, 0);
	fail_at = n;
}

/* Return: was there one to fail? */
static bool has_failed(void)
{
	int n = fail_at;

	fail_at = 0;
	return allocations >= n;
}

/* The worker's last step may come after synchronize: hang if it does not. */
static void nothing_left_over(void)
{
	while (outstanding)
		sched_yield();
}

/* All that could be wrong with the library after a failure. */
static void a_life(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_B);
	must_register(&s, mm);
	whole_range(mm);
	mmu_notifier_unregister(&s.mn, mm);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	mmput(mm);
	atomic_store(&nr_heard, 0);
}

struct outcome {
	bool failed;		/* there was an n-th allocation */
	bool right;		/* and the call said so, and changed nothing */
};

static struct outcome *outcome;

static void mm_alloc_fails(int n)
{
	int before = outstanding;
	struct mm_struct *mm;

	fail_the(n);
	mm = mm_alloc();
	outcome->failed = has_failed();
	outcome->right = outcome->failed ? !mm && outstanding == before : !!mm;
	if (mm)
		mmput(mm);
}

/* The mm exists; the notifiers, and what only the first one needs, do not. */
static void get_fails(int n)
{
	struct mm_struct *mm = new_mm();
	int before = outstanding;
	struct mmu_notifier *a;

	said("");
	fail_the(n);
	a = mmu_notifier_get(&ops_A, mm);
	outcome->failed = has_failed();
	if (outcome->failed) {
		outcome->right = a == ERR_PTR(-ENOMEM) && !living &&
				 outstanding == before &&
				 mmun_mm_count(mm) == 1 &&
				 (!nr_heard || said("A.alloc A.free"));
		whole_range(mm);
		outcome->right &= said("");
		a = must_get(&ops_A, mm);
	} else {
		outcome->right = !IS_ERR_OR_NULL(a);
	}
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	mmput(mm);
}

static void register_fails(int n)
{
	struct mm_struct *mm = new_mm();
	int before = outstanding, err;
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	fail_the(n);
	err = mmu_notifier_register(&s.mn, mm);
	outcome->failed = has_failed();
	if (outcome->failed) {
		outcome->right = err == -ENOMEM && !s.mn.mm && !s.mn.users &&
				 outstanding == before &&
				 mmun_mm_count(mm) == 1;
		whole_range(mm);
		outcome->right &= said("");
		must_register(&s, mm);
	} else {
		outcome->right = !err;
	}
	mmu_notifier_unregister(&s.mn, mm);
	mmput(mm);
}

static void insert_fails(int n)
{
	struct mm_struct *mm = new_mm();
	int before = outstanding, err;
	struct interval iv;

	init_interval(&iv, 'I');
	iv.sub.mm = NULL;
	fail_the(n);
	err = insert(&iv, mm, 0, 4);
	outcome->failed = has_failed();
	if (outcome->failed) {
		outcome->right = err == -ENOMEM && !iv.sub.mm &&
				 outstanding == before &&
				 mmun_mm_count(mm) == 1;
		whole_range(mm);
		outcome->right &= said("");
		must_insert(&iv, 'I', mm, 0, 4);
	} else {
		outcome->right = !err;
	}
	remove_interval(&iv);
	mmput(mm);
}

/* What must not need memory finds none. */
static void rest_needs_none(int n)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct interval first, second;
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	must_insert(&first, '1', mm, 0, 4);
	fail_the(n);
	must_insert(&second, '2', mm, 0, 4);
	whole_range(mm);
	mmu_interval_read_begin(&first.sub);
	remove_interval(&second);
	remove_interval(&first);
	mmu_notifier_put(mmu_notifier_get(&ops_A, mm));
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	mmu_notifier_unregister(&s.mn, mm);
	mmput(mm);
	outcome->failed = has_failed();
	outcome->right = !outcome->failed;
}

/* Return: the exit status; nothing must be left over for 0. */
static int in_new_process(void (*call)(int n), int n)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		bail("fork");
	if (!pid) {
		alarm(5);
		call(n);
		a_life();
		nothing_left_over();
		_exit(warned() ? 9 : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		bail("waitpid");
	return status;
}

static void each_fails_once(void (*call)(int n), const char *what)
{
	int status, n = 0;

	do {
		outcome->failed = false;
		outcome->right = false;
		status = in_new_process(call, ++n);
		ok(outcome->right, "[S18] %s, allocation %d %s", what, n,
		   outcome->failed ? "fails: an error, nothing is changed" :
		   "does not exist: no error");
		ok(!status, "[S18] %s, allocation %d: works again, nothing is "
		   "lost", what, n);
	} while (outcome->failed);
}

int main(void)
{
	unit_begin();
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		bail("mmap");
	each_fails_once(mm_alloc_fails, "mm_alloc");
	each_fails_once(get_fails, "get");
	each_fails_once(register_fails, "register");
	each_fails_once(insert_fails, "the first interval");
	outcome->right = false;
	ok(!in_new_process(rest_needs_none, 1) && outcome->right,
	   "ranges, later intervals, put, synchronize, unregister, mmput allocate nothing");
	return unit_end();
}
