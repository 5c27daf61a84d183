// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Locks, and what they notice; counts. */
#include <sys/wait.h>

#include "waits.h"	/* the atomics below are the kernel's */

#include <mmun_kcompat.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/percpu-rwsem.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>

static DECLARE_RWSEM(sem);
static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(mutex);
static DEFINE_RWLOCK(rwlock);
static struct semaphore semaphore;

static void read_and_release(void *arg)
{
	down_read(&sem);
	up_read(&sem);
}

static void write_and_release(void *arg)
{
	down_write(&sem);
	up_write(&sem);
}

struct attempt {
	int (*try)(struct rw_semaphore *sem);
	void (*undo)(struct rw_semaphore *sem);
	bool had;
};

static void attempt(void *arg)
{
	struct attempt *a = arg;

	a->had = a->try(&sem);
	if (a->had)
		a->undo(&sem);
}

/* Does another thread get it? */
static bool reads(void)
{
	struct attempt a = { (down_read_trylock), (up_read), false };
	struct job job;

	start_job(&job, attempt, &a);
	finish_job(&job);
	return a.had;
}

static bool writes(void)
{
	struct attempt a = { (down_write_trylock), (up_write), false };
	struct job job;

	start_job(&job, attempt, &a);
	finish_job(&job);
	return a.had;
}

static void test_rwsem(void)
{
	struct job job;

	ok(!rwsem_is_locked(&sem) && reads() && writes(),
	   "a free one can be had");
	down_read(&sem);
	ok(reads() && !writes(), "readers share, and exclude writers");
	start_job(&job, write_and_release, NULL);
	ok(job_waits(&job), "a writer waits for a reader");
	up_read(&sem);
	finish_job(&job);
	down_write(&sem);
	ok(!reads() && !writes(), "a writer excludes all");
	start_job(&job, read_and_release, NULL);
	ok(job_waits(&job), "a reader waits for a writer");
	downgrade_write(&sem);
	finish_job(&job);
	ok(reads() && !writes(), "who is downgraded is a reader");
	start_job(&job, write_and_release, NULL);
	ok(job_waits(&job), "a writer waits for it");
	up_read(&sem);
	finish_job(&job);
	ok(!down_write_killable(&sem), "nobody is killed");
	up_write(&sem);
	ok(!rwsem_is_locked(&sem), "it is free again");
}

/* A writer that became a reader has seen to it that nobody wrote in between. */
static int written, broken;

static void *downgrader(void *arg)
{
	int mine;

	for (int i = 0; i < 2000; i++) {
		down_write(&sem);
		mine = ++written;
		downgrade_write(&sem);
		if (written != mine)
			__atomic_fetch_add(&broken, 1, __ATOMIC_RELAXED);
		up_read(&sem);
	}
	return arg;
}

static void test_downgrade(void)
{
	pthread_t thread[3];

	for (int i = 0; i < 3; i++)
		spawn(&thread[i], downgrader, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	ok(!broken && written == 6000,
	   "no writer comes between when one becomes a reader");
}

static void test_mm(void)
{
	struct mm_struct *mm = mm_alloc();

	down_write(&mm->mmap_sem);
	mmap_assert_write_locked(mm);
	lockdep_assert_held(&mm->mmap_lock);
	ok(!mmap_read_trylock(mm), "mmap_sem is the mmap lock");
	up_write(&mm->mmap_sem);
	ok(down_read_trylock(&mm->mmap_lock) && !mmap_write_trylock(mm),
	   "for readers, too");
	mmap_assert_locked(mm);
	mmap_read_unlock(mm);
	ok(!mmun_kcompat_warnings(), "who holds it may say so");
	mmap_assert_locked(mm);
	ok(mmun_kcompat_warnings() == 1, "who does not is told");
	mmgrab(mm);
	ok(atomic_read(&mm->mm_users) == 1 && atomic_read(&mm->mm_count) == 2,
	   "the counts are the library's");
	ok(atomic_inc_not_zero(&mm->mm_users), "an mm in use can be used");
	mmput(mm);
	mmput(mm);
	ok(!atomic_inc_not_zero(&mm->mm_users), "one that is over cannot");
	mmdrop(mm);
}

static void test_held(void)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	lockdep_assert_held(&lock);
	ok(!mmun_kcompat_warnings(), "who holds a lock may say so");
	mutex_lock(&mutex);
	ok(mmun_kcompat_warnings() == 1, "a mutex under a spinlock is noticed");
	spin_unlock_irqrestore(&lock, flags);
	lockdep_assert_held(&lock);
	ok(mmun_kcompat_warnings() == 1, "who does not hold it is told");
	ok(!mutex_trylock(&mutex) && mutex_is_locked(&mutex),
	   "a mutex that is held cannot be had");
	mutex_unlock(&mutex);
	mutex_unlock(&mutex);
	ok(mmun_kcompat_warnings() == 1, "nor released without");
	read_lock(&rwlock);
	read_lock(&rwlock);
	ok(!write_trylock(&rwlock), "readers of a rwlock nest");
	read_unlock(&rwlock);
	read_unlock(&rwlock);
	ok(write_trylock(&rwlock) && !read_trylock(&rwlock),
	   "a writer excludes them");
	write_unlock(&rwlock);
	{
		guard(spinlock)(&lock);
		ok(spin_is_locked(&lock), "a guard locks");
	}
	ok(!spin_is_locked(&lock), "to the end of its block");
	scoped_guard(mutex, &mutex)
		ok(mutex_is_locked(&mutex), "so does one with a scope");
	ok(!mutex_is_locked(&mutex), "to the end of that");
	ok(!in_atomic(), "nothing is left");
}

/* What ends the program, in a child. */
static bool aborts(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		run();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail("fork");
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void lock_twice(void)
{
	spin_lock(&lock);
	spin_lock(&lock);
}

static void mutex_twice(void)
{
	mutex_lock(&mutex);
	mutex_lock(&mutex);
}

static void write_twice(void)
{
	down_write(&sem);
	down_read(&sem);
}

static void wait_inside(void)
{
	rcu_read_lock();
	synchronize_rcu();
}

static void test_deadlocks(void)
{
	ok(aborts(lock_twice), "a spinlock taken twice is told");
	ok(aborts(mutex_twice), "so is a mutex");
	ok(aborts(write_twice), "and a semaphore");
	ok(aborts(wait_inside), "and a grace period in a read section");
}

static void take(void *arg)
{
	down(&semaphore);
}

static void test_semaphore(void)
{
	struct job job;

	sema_init(&semaphore, 1);
	down(&semaphore);
	ok(down_trylock(&semaphore) == 1, "a semaphore is used up");
	start_job(&job, take, NULL);
	ok(job_waits(&job), "who wants it waits");
	up(&semaphore);
	finish_job(&job);
	ok(down_trylock(&semaphore) == 1, "and has it then");
}

static int released;

static void on_release(struct kref *kref)
{
	released++;
}

static void test_counts(void)
{
	struct kref kref;
	refcount_t ref = REFCOUNT_INIT(1);
	atomic_t count = ATOMIC_INIT(1);
	int old;

	kref_init(&kref);
	kref_get(&kref);
	ok(!kref_put(&kref, on_release) && !released, "a reference is left");
	ok(kref_put(&kref, on_release) && released == 1,
	   "the last one releases");
	ok(!kref_get_unless_zero(&kref) && !mmun_kcompat_warnings(),
	   "what is over is not got");
	kref_get(&kref);
	ok(mmun_kcompat_warnings() == 1, "who tries is told");
	ok(!refcount_dec_not_one(&ref) && refcount_read(&ref) == 1,
	   "the last one is kept, if so wanted");
	ok(refcount_dec_and_lock(&ref, &lock), "or dropped under a lock");
	lockdep_assert_held(&lock);
	spin_unlock(&lock);
	ok(!refcount_dec_and_test(&ref) && mmun_kcompat_warnings() == 1,
	   "below zero there is nothing");
	ok(atomic_add_return(2, &count) == 3 &&
		   atomic_fetch_add(2, &count) == 3,
	   "atomics return the new, or the old");
	old = 4;
	ok(!atomic_try_cmpxchg(&count, &old, 1) && old == 5,
	   "an exchange that fails tells why");
	ok(atomic_cmpxchg(&count, 5, 1) == 5 && atomic_dec_and_test(&count),
	   "and one that doesn't");
	ok(!atomic_inc_not_zero(&count) &&
		   atomic_dec_if_positive(&count) == -1 &&
		   !atomic_read(&count), "zero stays zero");
}

/* Two words that are equal whenever a reader was not disturbed. */
static DEFINE_SEQLOCK(pair_lock);
static unsigned long pair[2];
static int pair_done;

static void *pair_reader(void *arg)
{
	int *torn = arg;

	while (!READ_ONCE(pair_done)) {
		unsigned long a, b;
		unsigned int seq;

		do {
			seq = read_seqbegin(&pair_lock);
			a = READ_ONCE(pair[0]);
			b = READ_ONCE(pair[1]);
		} while (read_seqretry(&pair_lock, seq));
		*torn += a != b;
	}
	return NULL;
}

static void test_seqlock(void)
{
	pthread_t thread;
	int torn = 0;

	spawn(&thread, pair_reader, &torn);
	for (int i = 1; i < 20000; i++) {
		write_seqlock(&pair_lock);
		WRITE_ONCE(pair[0], i);
		WRITE_ONCE(pair[1], i);
		write_sequnlock(&pair_lock);
	}
	WRITE_ONCE(pair_done, 1);
	pthread_join(thread, NULL);
	ok(!torn, "a reader of a seqlock sees all of it, or nothing");
}

static void write_pair(void *arg)
{
	write_seqlock(&pair_lock);
	write_sequnlock(&pair_lock);
}

/* First without the lock, then with it. */
static void test_seqlock_excl(void)
{
	unsigned int begun;
	struct job job;
	int seq = 0;

	read_seqbegin_or_lock(&pair_lock, &seq);
	write_pair(NULL);
	ok(need_seqretry(&pair_lock, seq), "who meets a writer tries again");
	done_seqretry(&pair_lock, seq);
	seq = 1;
	read_seqbegin_or_lock(&pair_lock, &seq);
	start_job(&job, write_pair, NULL);
	ok(job_waits(&job) && !need_seqretry(&pair_lock, seq),
	   "with the lock none comes");
	done_seqretry(&pair_lock, seq);
	finish_job(&job);
	write_seqlock(&pair_lock);
	begun = raw_seqcount_begin(&pair_lock.seqcount);
	ok(read_seqcount_retry(&pair_lock.seqcount, begun),
	   "and who does not wait for one has to");
	write_sequnlock(&pair_lock);
}

static void test_guards(void)
{
	{
		guard(write_lock_irqsave)(&rwlock);
		ok(!read_trylock(&rwlock), "a guard writes");
	}
	{
		guard(read_lock_irq)(&rwlock);
		ok(!write_trylock(&rwlock), "another reads");
	}
	ok(write_trylock(&rwlock), "both end");
	write_unlock(&rwlock);
}

int main(void)
{
	tap_begin(100);
	test_deadlocks();
	test_rwsem();
	test_downgrade();
	test_mm();
	test_held();
	test_semaphore();
	test_counts();
	test_seqlock();
	test_seqlock_excl();
	test_guards();
	ok(!mmun_kcompat_warnings(), "no warning that was not expected");
	return tap_end();
}
