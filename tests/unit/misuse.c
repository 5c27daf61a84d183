/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What must not be done, and what comes of it: an error or one warning, and
 * nothing else.  Each group runs in a child, where no kind has warned yet.
 */
#include "subscriber.h"

/* What a case inside a callback found out. */
static struct mm_struct *other_mm;
static struct subscriber spare;
static long result;
static struct mmu_notifier *found;

/* One subscriber 'R', and @inside run in its start callback. */
static struct mm_struct *in_start(struct subscriber *s,
				  void (*inside)(const struct heard *h))
{
	struct mm_struct *mm = new_mm();

	init_subscriber(s, 'R', &ops_A);
	must_register(s, mm);
	hook[START] = inside;
	whole_range(mm);
	hook[START] = NULL;
	return mm;
}

static void arguments_of_get(void)
{
	struct mmu_notifier_ops no_alloc = ops_A, no_free = ops_A;
	struct mm_struct *mm = new_mm();

	no_alloc.alloc_notifier = NULL;
	no_free.free_notifier = NULL;
	ok(mmu_notifier_get(NULL, mm) == ERR_PTR(-EINVAL), "get: no ops");
	ok(mmu_notifier_get(&ops_A, NULL) == ERR_PTR(-EINVAL), "get: no mm");
	ok(mmu_notifier_get(&no_alloc, mm) == ERR_PTR(-EINVAL),
	   "get: ops without alloc_notifier");
	ok(mmu_notifier_get(&no_free, mm) == ERR_PTR(-EINVAL),
	   "get: ops without free_notifier");
	ok(said("") && mmun_mm_count(mm) == 1, "get: nothing was made");
	mmput(mm);
}

static void arguments_of_register(void)
{
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	ok(mmu_notifier_register(NULL, mm) == -EINVAL,
	   "[S29] register: no notifier");
	ok(mmu_notifier_register(&s.mn, NULL) == -EINVAL, "register: no mm");
	s.mn.ops = NULL;
	ok(mmu_notifier_register(&s.mn, mm) == -EINVAL, "register: no ops");
	s.mn.ops = &ops_A;
	must_register(&s, mm);
	ok(mmu_notifier_register(&s.mn, mm) == -EINVAL,
	   "register: registered already");
	ok(mmu_notifier_register(&s.mn, other) == -EINVAL && s.mn.mm == mm,
	   "register: registered already, elsewhere");
	ok(mmun_mm_count(mm) == 2 && mmun_mm_count(other) == 1 &&
	   s.mn.users == 1, "register: no count is changed");
	whole_range(other);
	whole_range(mm);
	ok(said("R.start R.end"), "register: it hears once");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
	mmput(other);
}

static struct mmu_notifier *alloc_registered(struct mm_struct *mm)
{
	(void)mm;
	return &spare.mn;
}

static void alloc_returns_registered(void)
{
	static const struct mmu_notifier_ops ops = USUAL_OPS(alloc_registered);
	struct mm_struct *mm = new_mm();

	init_subscriber(&spare, 'R', &ops_A);
	must_register(&spare, mm);
	ok(mmu_notifier_get(&ops, mm) == ERR_PTR(-EINVAL),
	   "get: alloc_notifier returned a registered notifier");
	ok(said("") && spare.mn.ops == &ops_A && spare.mn.users == 1 &&
	   mmun_mm_count(mm) == 2, "get: which is as it was, and not freed");
	mmu_notifier_unregister(&spare.mn, mm);
	said("R.release");
	mmput(mm);
}

static void write_lock_task(void *arg)
{
	struct mm_struct *mm = arg;

	mmap_write_lock(mm);
	sem_post(&gate_in);
	while (sem_wait(&gate_out))
		;
	mmap_write_unlock(mm);
}

static void locked_without_lock(void)
{
	struct mm_struct *mm = new_mm();
	struct task holder;

	ok(mmu_notifier_get_locked(&ops_A, mm) == ERR_PTR(-EINVAL) &&
	   warned() == 1,
	   "[S2] get_locked without the lock: error and warning");
	mmap_read_lock(mm);
	ok(mmu_notifier_get_locked(&ops_A, mm) == ERR_PTR(-EINVAL),
	   "[S2] get_locked with the lock held for reading: error");
	mmap_read_unlock(mm);
	start_task(&holder, write_lock_task, mm);
	gate_entered();
	ok(mmu_notifier_get_locked(&ops_A, mm) == ERR_PTR(-EINVAL),
	   "[S2] get_locked with the lock held by another thread: error");
	open_gate();
	finish_task(&holder);
	ok(said("") && mmun_mm_count(mm) == 1, "[S2] nothing was made");
	mmput(mm);
}

static void register_without_lock(void)
{
	struct mm_struct *mm = new_mm();

	init_subscriber(&spare, 'R', &ops_A);
	ok(__mmu_notifier_register(&spare.mn, mm) == -EINVAL && warned() == 1,
	   "[S2] __register without the lock: error and warning");
	ok(mmun_mm_count(mm) == 1 && !spare.mn.mm,
	   "[S2] nothing is registered");
	mmput(mm);
}

static void dead_mm(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	init_subscriber(&spare, 'R', &ops_B);
	mmput(mm);
	said("A.alloc A.release");
	ok(mmu_notifier_register(&spare.mn, mm) == -ESRCH && !spare.mn.mm,
	   "[S20] register on a dead mm: -ESRCH");
	mmap_write_lock(mm);
	ok(__mmu_notifier_register(&spare.mn, mm) == -ESRCH,
	   "[S20] __register on a dead mm: -ESRCH");
	ok(mmu_notifier_get_locked(&ops_B, mm) == ERR_PTR(-ESRCH),
	   "[S20] get_locked on a dead mm: -ESRCH");
	mmap_write_unlock(mm);
	ok(mmu_notifier_get(&ops_A, mm) == ERR_PTR(-ESRCH) && a->users == 1,
	   "[S20] get on a dead mm of what was released: -ESRCH");
	ok(said("") && mmun_mm_count(mm) == 1, "[S20] no count is changed");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("A.free"), "[S20] and put works as ever");
}

static void get_with_write_lock(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	init_subscriber(&spare, 'R', &ops_B);
	mmap_write_lock(mm);
	ok(mmu_notifier_get(&ops_B, mm) == ERR_PTR(-EDEADLK),
	   "get of a new one with the write lock held: -EDEADLK");
	ok(mmu_notifier_register(&spare.mn, mm) == -EDEADLK && !spare.mn.mm,
	   "register with the write lock held: -EDEADLK");
	ok(mmu_notifier_get(&ops_A, mm) == a,
	   "get of an existing one with the write lock held is fine");
	mmap_write_unlock(mm);
	ok(said("A.alloc") && mmun_mm_count(mm) == 2, "and nothing was made");
	mmu_notifier_put(a);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
}

static void get_new_inside(const struct heard *h)
{
	found = mmu_notifier_get(&ops_A, h->mm);
	if (!IS_ERR_OR_NULL(found))
		mmu_notifier_put(found);
	result = PTR_ERR(mmu_notifier_get(&ops_B, h->mm));
}

static void register_inside(const struct heard *h)
{
	result = mmu_notifier_register(&spare.mn, h->mm);
}

static void register_locked_inside(const struct heard *h)
{
	result = __mmu_notifier_register(&spare.mn, h->mm);
}

static void register_elsewhere_inside(const struct heard *h)
{
	(void)h;
	result = mmu_notifier_register(&spare.mn, other_mm);
}

static void registering_inside(void)
{
	struct mm_struct *mm;
	struct subscriber s;

	mm = in_start(&s, get_new_inside);
	ok(result == -EDEADLK, "get of a new one in a callback: -EDEADLK");
	ok(found == &s.mn && s.mn.users == 1,
	   "[S5] get of an existing one in a callback is fine");
	init_subscriber(&spare, 'N', &ops_B);
	hook[START] = register_inside;
	whole_range(mm);
	ok(result == -EDEADLK && !spare.mn.mm,
	   "register in a callback: -EDEADLK");
	hook[START] = register_locked_inside;
	mmap_write_lock(mm);
	whole_range(mm);
	mmap_write_unlock(mm);
	ok(result == -EDEADLK && !spare.mn.mm,
	   "__register in a callback, with the lock held: -EDEADLK");
	ok(!living && mmun_mm_count(mm) == 2, "and nothing was made");

	other_mm = new_mm();
	hook[START] = register_elsewhere_inside;
	whole_range(mm);
	hook[START] = NULL;
	ok(result == 0 && spare.mn.mm == other_mm,
	   "registering on another mm in a callback is fine");
	mmu_notifier_unregister(&spare.mn, other_mm);
	mmu_notifier_unregister(&s.mn, mm);
	atomic_store(&nr_heard, 0);
	mmput(mm);
	mmput(other_mm);
}

static void unregister_inside(const struct heard *h)
{
	mmu_notifier_unregister(h->mn, h->mm);
}

static void unregistering_inside(void)
{
	struct subscriber s;
	struct mm_struct *mm = in_start(&s, unregister_inside);

	ok(warned() == 1, "[S51] unregister in a callback warns");
	ok(said("R.start R.end") && mmun_mm_count(mm) == 2,
	   "[S51] and leaves the notifier registered");
	hook[END] = unregister_inside;
	whole_range(mm);
	hook[END] = NULL;
	ok(said("R.start R.end") && !warned(), "[S51] once in a process");
	hook[RELEASE] = unregister_inside;
	mmput(mm);
	hook[RELEASE] = NULL;
	ok(said("R.release"), "[S51] in ->release too");
	mmu_notifier_unregister(&s.mn, mm);
	ok(said(""), "[S51] and then it can be unregistered");
}

static void synchronize_inside(const struct heard *h)
{
	(void)h;
	mmu_notifier_synchronize();
}

static void synchronizing_inside(void)
{
	struct subscriber s;
	struct mm_struct *mm = in_start(&s, synchronize_inside);

	ok(warned() == 1, "[S51] synchronize in a callback warns and returns");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.start R.end R.release");
	mmput(mm);
}

static void synchronizing_in_free(void)
{
	struct mm_struct *mm = new_mm();

	hook[FREE] = synchronize_inside;
	mmu_notifier_put(must_get(&ops_A, mm));
	mmu_notifier_synchronize();
	hook[FREE] = NULL;
	ok(warned() == 1 && said("A.alloc A.free"),
	   "[S51] synchronize in free_notifier warns and returns");
	mmput(mm);
}

static void unregistering_strangers(void)
{
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	mmu_notifier_unregister(&s.mn, mm);
	ok(warned() >= 1 && said("") && mmun_mm_count(mm) == 1,
	   "unregister of what is not registered warns");
	must_register(&s, mm);
	mmu_notifier_unregister(&s.mn, other);
	ok(said("") && mmun_mm_count(mm) == 2 && mmun_mm_count(other) == 1,
	   "unregister of what is registered elsewhere does nothing");
	mmu_notifier_unregister_no_release(&s.mn, other);
	whole_range(mm);
	ok(said("R.start R.end") && mmun_mm_count(mm) == 2,
	   "unregister_no_release neither");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	warned();
	mmu_notifier_unregister(&s.mn, mm);
	mmu_notifier_unregister_no_release(&s.mn, mm);
	ok(said("") && mmun_mm_count(mm) == 1,
	   "unregister twice: the second does nothing");
	warned();
	mmput(mm);
	mmput(other);
}

static void unregistering_elsewhere_warns(void)
{
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	mmu_notifier_unregister(&s.mn, other);
	ok(warned() == 1, "unregister from another mm warns");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
	mmput(other);
}

static void putting_strangers(void)
{
	struct subscriber s;

	init_subscriber(&s, 'R', &ops_A);
	mmu_notifier_put(&s.mn);
	ok(warned() == 1 && said("") && !s.mn.users,
	   "[S39] put of what was never registered warns, no more");
	mmu_notifier_put(&s.mn);
	ok(!warned(), "[S39] once in a process");
}

static void ending_what_was_not_started(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();

	init_subscriber(&spare, 'R', &ops_A);
	must_register(&spare, mm);
	init_range(&range, mm);
	end_range(&range);
	ok(warned() == 1 && said(""), "an end without a start warns, no more");
	start_range(&range, mm);
	end_range(&range);
	ok(said("R.start R.end"), "the next range is whole");
	end_range(&range);
	mmu_notifier_invalidate_range_only_end(&range);
	ok(!warned() && said(""), "a second end is ignored, warning once");
	mmu_notifier_unregister(&spare.mn, mm);
	said("R.release");
	mmput(mm);
}

static void ending_twice(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	start_range(&range, mm);
	end_range(&range);
	said("A.alloc A.start A.end");
	end_range(&range);
	ok(warned() == 1 && said(""), "a second end warns, no more");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
}

static void starting_twice(void)
{
	struct mmu_notifier_range range;
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	start_range(&range, mm);
	said("A.alloc A.start");
	mmu_notifier_invalidate_range_start(&range);
	ok(warned() == 1 && said(""), "a second start warns, no more");
	end_range(&range);
	said("A.end");
	ok(!IS_ERR(must_get(&ops_B, mm)), "no range is left in flight");
	mmu_notifier_put(a);
	mmu_notifier_put(mmu_notifier_get(&ops_B, mm));
	mmput(mm);
}

static void put_and_register_again(const struct heard *h)
{
	mmu_notifier_put(h->mn);
	result = mmu_notifier_register(h->mn, other_mm);
}

/* Its free waits for the callback that we are in. */
static void registering_what_is_put(void)
{
	struct mm_struct *mm = new_mm();

	other_mm = new_mm();
	must_get(&ops_A, mm);
	said("A.alloc");
	result = 0;
	hook[START] = put_and_register_again;
	whole_range(mm);
	hook[START] = NULL;
	mmu_notifier_synchronize();
	ok(result == -EINVAL && said("A.start A.free"),
	   "register: put for the last time, and not freed yet");
	ok(mmun_mm_count(other_mm) == 1, "register: nothing was taken");
	mmput(other_mm);
	mmput(mm);
}

int main(void)
{
	static void (*const groups[])(void) = {
		arguments_of_get, arguments_of_register,
		alloc_returns_registered, locked_without_lock,
		register_without_lock, dead_mm, get_with_write_lock,
		registering_inside, unregistering_inside, synchronizing_inside,
		synchronizing_in_free, unregistering_strangers,
		unregistering_elsewhere_warns, putting_strangers,
		ending_what_was_not_started, ending_twice, starting_twice,
		registering_what_is_put,
	};

	unit_begin();
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		in_child(groups[i]);
	return unit_end();
}
