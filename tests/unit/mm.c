/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Address spaces: their two counts, and their lock. */
#include "subscriber.h"

static void counts(void)
{
	struct mm_struct *mm = new_mm();

	ok(mmun_mm_users(mm) == 1 && mmun_mm_count(mm) == 1,
	   "mm_alloc: mm_users and mm_count are one");
	mmget(mm);
	ok(mmun_mm_users(mm) == 2 && mmun_mm_count(mm) == 1,
	   "mmget counts mm_users");
	ok(mmget_not_zero(mm) && mmun_mm_users(mm) == 3,
	   "mmget_not_zero too, on a living mm");
	mmgrab(mm);
	ok(mmun_mm_users(mm) == 3 && mmun_mm_count(mm) == 2,
	   "mmgrab counts mm_count");
	mmput(mm);
	mmput(mm);
	ok(mmun_mm_users(mm) == 1 && mmun_mm_count(mm) == 2, "mmput");
	mmput(mm);
	ok(mmun_mm_users(mm) == 0 && mmun_mm_count(mm) == 1,
	   "[S27] the last mmput gives the users' mm_count back");
	ok(!mmget_not_zero(mm) && mmun_mm_users(mm) == 0,
	   "mmget_not_zero does not revive");
	mmput(mm);
	ok(warned() == 1 && mmun_mm_users(mm) == 0 && mmun_mm_count(mm) == 1,
	   "an mmput too many warns and does nothing");
	mmput(mm);
	ok(!warned(), "once");
	mmdrop(mm);
}

static void self(void)
{
	ok(mm_self() && mm_self() == mm_self(), "mm_self is one object");
	ok(mmun_mm_users(mm_self()) == 1, "used once, by the process");
	mmget(mm_self());
	mmgrab(mm_self());
	ok(mmun_mm_users(mm_self()) == 2, "mm_self can be used by others");
	mmput(mm_self());
	mmdrop(mm_self());
	ok(mmun_mm_users(mm_self()) == 1 && !warned(), "and given back");
}

struct attempt {
	struct mm_struct *mm;
	bool write;
	bool read;
};

static void try_both(void *arg)
{
	struct attempt *attempt = arg;

	attempt->write = mmap_write_trylock(attempt->mm);
	if (attempt->write)
		mmap_write_unlock(attempt->mm);
	attempt->read = mmap_read_trylock(attempt->mm);
	if (attempt->read)
		mmap_read_unlock(attempt->mm);
}

static struct attempt try_elsewhere(struct mm_struct *mm)
{
	struct attempt attempt = { .mm = mm };
	struct task task;

	start_task(&task, try_both, &attempt);
	finish_task(&task);
	return attempt;
}

static void trylocks(void)
{
	struct mm_struct *mm = new_mm();
	struct attempt other;

	other = try_elsewhere(mm);
	ok(other.write && other.read, "a free lock can be taken either way");
	mmap_write_lock(mm);
	mmap_assert_write_locked(mm);
	ok(!warned(), "assert_write_locked says nothing to the writer");
	other = try_elsewhere(mm);
	ok(!other.write && !other.read, "a writer keeps everybody out");
	mmap_write_unlock(mm);

	mmap_read_lock(mm);
	other = try_elsewhere(mm);
	ok(!other.write && other.read, "a reader keeps writers out");
	mmap_read_unlock(mm);

	ok(mmap_write_trylock(mm), "write_trylock");
	other = try_elsewhere(mm);
	ok(!other.write && !other.read, "takes the lock");
	mmap_write_unlock(mm);
	ok(mmap_read_trylock(mm), "read_trylock");
	other = try_elsewhere(mm);
	ok(!other.write && other.read, "takes the lock");
	mmap_read_unlock(mm);
	other = try_elsewhere(mm);
	ok(other.write && other.read, "all is free at the end");
	mmput(mm);
}

static void write_locked_task(void *mm)
{
	mmap_write_lock(mm);
	mmap_write_unlock(mm);
}

static void read_locked_task(void *mm)
{
	mmap_read_lock(mm);
	mmap_read_unlock(mm);
}

static void waiting(void)
{
	struct mm_struct *mm = new_mm();
	struct task reader, writer;

	mmap_write_lock(mm);
	start_task(&reader, read_locked_task, mm);
	start_task(&writer, write_locked_task, mm);
	ok(blocks(&reader) && blocks(&writer),
	   "reader and writer wait for the writer");
	mmap_write_unlock(mm);
	finish_task(&reader);
	finish_task(&writer);

	mmap_read_lock(mm);
	start_task(&writer, write_locked_task, mm);
	ok(blocks(&writer), "a writer waits for the reader");
	mmap_read_unlock(mm);
	finish_task(&writer);
	mmput(mm);
}

static void lock_twice(void)
{
	struct mm_struct *mm = new_mm();

	mmap_write_lock(mm);
	mmap_write_lock(mm);
	ok(warned() == 1, "a writer that locks again gets a warning");
	mmap_write_unlock(mm);
	ok(!try_elsewhere(mm).read, "and holds the lock twice");
	mmap_write_unlock(mm);
	ok(try_elsewhere(mm).write && !warned(), "until two unlocks");
	mmput(mm);
}

static void not_locked(void)
{
	struct mm_struct *mm = new_mm();

	mmap_assert_write_locked(mm);
	ok(warned() == 1, "[S2] assert_write_locked warns without the lock");
	mmap_write_unlock(mm);
	ok(warned() == 1, "write_unlock without the lock warns");
	mmap_read_unlock(mm);
	ok(warned() == 1, "read_unlock without a reader warns");
	ok(try_elsewhere(mm).write, "and the lock is as it was");
	mmput(mm);
}

static void put_last_user(const struct heard *h)
{
	mmput(h->mm);
}

static void last_mmput_in_callback(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	hook[START] = put_last_user;
	whole_range(mm);
	hook[START] = NULL;
	ok(warned() == 1 && said("R.start R.end") && mmun_mm_users(mm) == 1,
	   "the last mmput in a callback warns and leaves the reference");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
}

int main(void)
{
	unit_begin();
	counts();
	self();
	trylocks();
	waiting();
	lock_twice();
	not_locked();
	last_mmput_in_callback();
	return unit_end();
}
