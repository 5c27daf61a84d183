// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Registrations: register, get, put, unregister.
 *
 * Registration costs O(1).  The kernel takes every lock of the mm so that no
 * invalidation is under way when its list changes; here the list changes first,
 * and then
 *
 *  - an end skips notifiers that are newer than its start (invalidate.c), so
 *    that nobody hears an end without its start;
 *  - registration waits until the ranges that were in flight have ended, so
 *    that none is that the newcomer has not seen the start of:
 *
 *	registration			range start
 *	list_add(mn)			count into mm->in_flight
 *	membarrier			walk the list
 *	wait for mm->in_flight
 *
 *    [Required: the start finds mn, or the registration waits for its end.]
 *    Store buffering, and the order is the grace period's: ORDER(srcu-enter).
 */
#include <errno.h>
#include <limits.h>

#include "base/mutants.h"
#include "base/warn.h"
#include "core/registration.h"

/* -- checks -- */

static int check_ops(const struct mmu_notifier_ops *ops)
{
	if (!ops)
		return -EINVAL;
	/* Who shares the page table is told where entries change, not around it. */
	if (ops->arch_invalidate_secondary_tlbs &&
	    (ops->invalidate_range_start || ops->invalidate_range_end)) {
		mmun_warn_once("arch_invalidate_secondary_tlbs excludes invalidate_range_start and _end");
		return -EINVAL;
	}
	return 0;
}

/* May the calling thread add to this mm's list? */
static int check_context(struct mm_struct *mm)
{
	if (mmun_in_callback(mm)) {
		mmun_warn_once("registration inside a callback of the same mm");
		return -EDEADLK;
	}
	return mmun_read(&mm->mm_users) ? 0 : -ESRCH;
}

static int check_write_locked(struct mm_struct *mm)
{
	if (mmun_mmap_write_held(mm))
		return 0;
	mmun_warn_once("registration without the mmap lock held for writing");
	return -EINVAL;
}

/* -- register -- */

/*
 * It takes the dynamic linker's lock, under which constructors run that may
 * register, too: so the mmap lock comes after it, where that is ours to decide.
 */
int mmun_prepare_mm(struct mm_struct *mm)
{
	int err = mmun_fork_init();

	if (err)
		return err;
	mmun_pin_library();
	return mm->arm ? mm->arm() : 0;
}

static int link_notifier(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mn_private *priv = mn_private(mn);
	struct mmun_sigmask saved;
	int err = 0;

	mmun_lock_save(&mm->lock, &saved);
	if (mm->released) {
		err = -ESRCH;
	} else if (mn_in_use(mn)) {
		err = -EINVAL;
	} else {
		if (!MMUN_BREAK(COUNT))
			mmgrab(mm);
		mn->mm = mm;
		mmun_write(&mn->users, 1);
		mmun_write(&priv->state, mn_known(mn) | MN_PINNED);
		mmun_store_release(&mm->has_notifiers, 1);
		list_add(mm, mn);
	}
	mmun_unlock_restore(&mm->lock, &saved);
	return err;
}

int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	int err;

	if (!mn || !mm || check_ops(mn->ops) || check_write_locked(mm))
		return -EINVAL;
	err = check_context(mm);
	if (!err)
		err = mmun_prepare_mm(mm);
	/* It runs for as long as the notifier is pinned: a put needs no memory. */
	if (!err)
		err = mmun_srcu_want_worker();
	if (err)
		return err;
	err = link_notifier(mn, mm);
	if (err)
		mmun_srcu_unwant_worker();
	if (!err && !MMUN_BREAK_REGISTER && !MMUN_BREAK(RANGES))
		mmun_wait_for_ranges(mm);
	return err;
}
EXPORT_SYMBOL(__mmu_notifier_register);

int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	int ret;

	if (!mn || !mm || check_ops(mn->ops))
		return -EINVAL;
	if (mmun_in_callback(mm) || mmun_mmap_write_held(mm))
		return -EDEADLK;
	ret = mmun_read(&mm->mm_users) ? mmun_prepare_mm(mm) : -ESRCH;
	if (ret)
		return ret;
	mmap_write_lock(mm);
	ret = __mmu_notifier_register(mn, mm);
	mmap_write_unlock(mm);
	return ret;
}
EXPORT_SYMBOL(mmu_notifier_register);

int mm_has_notifiers(struct mm_struct *mm)
{
	return mmun_load_acquire(&mm->has_notifiers);
}
EXPORT_SYMBOL(mm_has_notifiers);

/* -- get -- */

/*
 * One user more, unless there is none left: then the last put is under way.
 * ORDER(users-zero): looked at and counted in one; pairs with the puts.
 */
static struct mmu_notifier *count_user(struct mmu_notifier *mn)
{
	unsigned int users = mmun_read(&mn->users);

	do {
		if (!users)
			return NULL;
		if (users == UINT_MAX)
			return (struct mmu_notifier *)ERR_PTR(-EOVERFLOW);
		if (MMUN_BREAK(USERS))
			break;
		if (MMUN_BREAK_USERS_ZERO) {
			mmun_write(&mn->users, users + 1);
			break;
		}
	} while (!mmun_cas(&mn->users, &users, users + 1));
	return mn;
}

static inline __attribute__((always_inline)) struct mmu_notifier *
find_and_count(const struct mmu_notifier_ops *ops, struct mm_struct *mm)
{
	struct mmu_notifier *mn, *found = NULL;

	for_each_notifier(mn, mm) {
		if (mn->ops != ops)
			continue;
		found = count_user(mn);
		if (mmun_likely(found))
			break;
	}
	return found;
}

static struct mmu_notifier *find_get(const struct mmu_notifier_ops *ops,
				     struct mm_struct *mm)
{
	unsigned int bank = mmun_srcu_read_lock(mm->srcu);
	struct mmu_notifier *found = find_and_count(ops, mm);

	mmun_srcu_read_unlock(mm->srcu, bank);
	return found;
}

static int check_make(const struct mmu_notifier_ops *ops)
{
	return ops->alloc_notifier && ops->free_notifier ? 0 : -EINVAL;
}

static struct mmu_notifier *make_notifier(const struct mmu_notifier_ops *ops,
					  struct mm_struct *mm)
{
	struct mmu_notifier *mn;
	int err = check_make(ops);

	if (!err)
		err = check_context(mm);
	if (err)
		return (struct mmu_notifier *)ERR_PTR(err);
	/* As behind the kernel's mmap_lock: made after what is in flight. */
	if (!MMUN_BREAK(RANGES))
		mmun_wait_for_ranges(mm);
	mn = ops->alloc_notifier(mm);
	if (!mn)
		return (struct mmu_notifier *)ERR_PTR(-ENOMEM);
	if (IS_ERR(mn))
		return mn;
	/* Somebody's registration is not ours to change, nor to free. */
	if (mn_in_use(mn))
		return (struct mmu_notifier *)ERR_PTR(-EINVAL);
	mn->ops = ops;
	err = __mmu_notifier_register(mn, mm);
	if (err) {
		ops->free_notifier(mn);
		return (struct mmu_notifier *)ERR_PTR(err);
	}
	return mn;
}

struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops,
					     struct mm_struct *mm)
{
	struct mmu_notifier *mn;

	if (!ops || !mm || check_write_locked(mm))
		return (struct mmu_notifier *)ERR_PTR(-EINVAL);
	mn = find_get(ops, mm);
	return mn ? mn : make_notifier(ops, mm);
}
EXPORT_SYMBOL(mmu_notifier_get_locked);

static __attribute__((cold, noinline)) struct mmu_notifier *
get_slowly(const struct mmu_notifier_ops *ops, struct mm_struct *mm)
{
	struct mmu_notifier *mn = find_get(ops, mm);

	int err;

	if (mn)
		return mn;
	if (mmun_in_callback(mm) || mmun_mmap_write_held(mm))
		return (struct mmu_notifier *)ERR_PTR(-EDEADLK);
	err = mmun_read(&mm->mm_users) ? check_make(ops) : -ESRCH;
	if (!err)
		err = mmun_prepare_mm(mm);
	if (err)
		return (struct mmu_notifier *)ERR_PTR(err);
	mmap_write_lock(mm);
	mn = mmu_notifier_get_locked(ops, mm);
	mmap_write_unlock(mm);
	return mn;
}

/* The fast path makes no call, and so keeps everything in registers. */
struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops,
				      struct mm_struct *mm)
{
	struct mmu_notifier *mn;
	unsigned int bank;

	if (mmun_unlikely(!ops || !mm))
		return (struct mmu_notifier *)ERR_PTR(-EINVAL);
	if (mmun_unlikely(!mmun_srcu_try_read_lock(mm->srcu, &bank)))
		return get_slowly(ops, mm);
	mn = find_and_count(ops, mm);
	mmun_srcu_read_unlock(mm->srcu, bank);
	return mmun_likely(mn) ? mn : get_slowly(ops, mm);
}
EXPORT_SYMBOL(mmu_notifier_get);

/* -- put -- */

static void free_notifier(struct mmun_srcu_head *head)
{
	struct mn_private *priv = (struct mn_private *)
		((char *)head - offsetof(struct mn_private, head));
	struct mmu_notifier *mn = (struct mmu_notifier *)
		((char *)priv - offsetof(struct mmu_notifier, mmun_private));
	struct mm_struct *mm = mn->mm;

	/* The memory may come back from the allocator as a new notifier. */
	mmun_write(&priv->state, 0);
	if (mn->ops->free_notifier)
		mn->ops->free_notifier(mn);
	mmdrop(mm);
	mmun_srcu_unwant_worker();
}

/* Whoever takes the pin undoes the registration. */
static bool take_pin(struct mmu_notifier *mn)
{
	return mmun_fetch_and(&mn_private(mn)->state, ~(uint64_t)MN_PINNED) &
	       MN_PINNED;
}

static void unlink_notifier(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&mm->lock, &saved);
	list_del(mn);
	mmun_unlock_restore(&mm->lock, &saved);
}

static __attribute__((noinline)) void put_last(struct mmu_notifier *mn)
{
	struct mm_struct *mm = mn->mm;

	if (!take_pin(mn)) {
		mmun_warn_once("mmu_notifier_put() after mmu_notifier_unregister(): leaked");
		return;
	}
	mmun_fetch_or(&mn_private(mn)->state, MN_FREEING);
	if (!mn->ops->free_notifier)
		mmun_warn_once("mmu_notifier_put() without free_notifier: leaked");
	unlink_notifier(mn, mm);
	/* It runs, except in a child that has not registered anything yet. */
	if (!mmun_task.walk)
		mmun_srcu_start_worker();
	if (MMUN_BREAK(PUT_FREES)) {
		free_notifier(&mn_private(mn)->head);
		return;
	}
	mmun_srcu_call(mm->srcu, &mn_private(mn)->head, free_notifier);
}

static __attribute__((cold, noinline)) void warn_unknown_put(void)
{
	mmun_warn_once("mmu_notifier_put() of what was never registered");
}

static __attribute__((cold, noinline)) void warn_put_without_users(void)
{
	mmun_warn_once("mmu_notifier_put() without users");
}

void mmu_notifier_put(struct mmu_notifier *mn)
{
	unsigned int users;

	if (mmun_unlikely(!mn || !mn_is_known(mn))) {
		warn_unknown_put();
		return;
	}
	/*
	 * ORDER(users-zero): ordered on both sides.  Pairs with itself, what
	 * every user did comes before the free that the last one causes, and
	 * with count_user().
	 */
	users = mmun_read(&mn->users);
	do {
		if (mmun_unlikely(!users)) {
			warn_put_without_users();
			return;
		}
	} while (mmun_unlikely(!mmun_cas(&mn->users, &users, users - 1)));
	if (mmun_unlikely(users == 1))
		put_last(mn);
}
EXPORT_SYMBOL(mmu_notifier_put);

void mmu_notifier_synchronize(void)
{
	if (MMUN_BREAK(SYNCHRONIZE))
		return;
	if (mmun_task.walk || mmun_srcu_on_worker()) {
		mmun_warn_once("mmu_notifier_synchronize() inside a callback: not waiting");
		return;
	}
	mmun_srcu_synchronize_all();
}
EXPORT_SYMBOL(mmu_notifier_synchronize);

/* -- unregister -- */

static bool check_unregister(struct mmu_notifier *mn, struct mm_struct *mm)
{
	if (mn && mm && mn_is_known(mn) && mn->mm == mm && take_pin(mn))
		return true;
	mmun_warn_once("mmu_notifier_unregister() of what is not registered there");
	return false;
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mmun_walk walk;

	if (mm && mmun_in_callback(mm)) {
		mmun_warn_once("mmu_notifier_unregister() inside a callback: still registered");
		return;
	}
	if (!check_unregister(mn, mm))
		return;
	/* In a walk, so that whoever releases the mm waits for it. */
	walk_begin(mm, mm->srcu, &walk);
	mmun_release_one(mn, mm);
	walk_end(&walk);
	unlink_notifier(mn, mm);
	if (!MMUN_BREAK(UNREGISTER))
		mmun_srcu_synchronize(mm->srcu);
	mmun_write(&mn_private(mn)->state, mn_known(mn));
	mmun_srcu_unwant_worker();
	mmdrop(mm);
}
EXPORT_SYMBOL(mmu_notifier_unregister);

void mmu_notifier_unregister_no_release(struct mmu_notifier *mn,
					struct mm_struct *mm)
{
	if (!check_unregister(mn, mm))
		return;
	unlink_notifier(mn, mm);
	mmun_srcu_unwant_worker();
	mmdrop(mm);
}
EXPORT_SYMBOL(mmu_notifier_unregister_no_release);

bool mmu_notifier_range_update_to_read_only(const struct mmu_notifier_range *range)
{
	return range->event == MMU_NOTIFY_PROTECTION_VMA &&
	       (range->flags & MMUN_RANGE_READABLE);
}
EXPORT_SYMBOL(mmu_notifier_range_update_to_read_only);
