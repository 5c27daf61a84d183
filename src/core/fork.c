// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * fork(), and staying in memory.
 *
 * No lock that a callback may want is held over a fork(): inside free() it has a
 * lock of the allocator's that fork() goes on to take.  So a list may be in the
 * middle of a change, and is put in order in the child; the tree of the intervals
 * is held, and ranges can do without its lock then.
 *
 * The child's mm_self() has no notifiers, as the kernel's child mm.  Those that
 * it inherited in memory are as if their mm had been released without telling
 * them: off the list, still pinned, freed by their owners' puts.
 *
 * A software mm is memory like any other: the child has its copy, with its
 * notifiers.  All sections and ranges of the parent's other threads are gone;
 * those of the forking thread (it may fork inside a callback) stay.
 */
#include <dlfcn.h>
#include <errno.h>

#include "core/own_ranges.h"
#include "core/registration.h"

/* Those that can be found and are not on their way out; see registration.h. */
static void repair_list(struct mm_struct *mm)
{
	struct mmu_notifier **at = &mm->first;

	while (*at) {
		struct mn_private *priv = mn_private(*at);

		priv->pprev = at;
		if (priv->state & MN_LISTED)
			at = &priv->next;
		else
			*at = priv->next;
	}
}

static void hold_intervals(struct mmun_srcu *sp)
{
	struct mm_struct *mm = sp->owner;

	if (mm)
		mmun_intervals_fork_prepare(&mm->intervals);
}

static void release_intervals(struct mmun_srcu *sp)
{
	struct mm_struct *mm = sp->owner;

	if (mm)
		mmun_intervals_fork_parent(&mm->intervals);
}

static void before_fork(void)
{
	mmun_srcu_fork_prepare();
	mmun_srcu_fork_each(hold_intervals);
}

static void after_fork_in_parent(void)
{
	mmun_srcu_fork_each(release_intervals);
	mmun_srcu_fork_done();
}

static void orphan_notifiers(struct mm_struct *mm)
{
	while (mm->first) {
		mmun_fetch_or(&mn_private(mm->first)->state, MN_RELEASED);
		list_del(mm->first);
	}
	mm->has_notifiers = 0;
	mm->released = 0;
	mm->mm_users = 1;
}

static void reset_mm(struct mmun_srcu *sp)
{
	struct mm_struct *mm = sp->owner;

	if (!mm)
		return;
	mmun_mm_fork_child(mm);
	repair_list(mm);
	mmun_intervals_fork_child(&mm->intervals, mmun_count_own_active(mm),
				  mmun_mm_is_static(mm));
	if (mmun_mm_is_static(mm))
		orphan_notifiers(mm);
}

static void reenter_own_sections(void)
{
	for (struct mmun_walk *w = mmun_task.walk; w; w = w->outer)
		mmun_srcu_reenter(w->srcu, w->bank);
	mmun_adopt_own_ranges();
}

static void after_fork_in_child(void)
{
	mmun_srcu_fork_child();
	mmun_srcu_callbacks_fork_child();
	reenter_own_sections();
	mmun_srcu_fork_each(reset_mm);
	mmun_srcu_fork_done();
}

int mmun_fork_init(void)
{
	static struct mmun_lock lock;
	static uint32_t done;
	int err = 0;

	if (mmun_load_acquire(&done))
		return 0;
	mmun_lock(&lock);
	if (!done) {
		err = pthread_atfork(before_fork, after_fork_in_parent,
				     after_fork_in_child);
		if (!err)
			mmun_store_release(&done, 1);
	}
	mmun_unlock(&lock);
	return -err;
}

/*
 * At load, so that our locks are taken last and given back first: the fork
 * handlers of who uses the library may put and get.  Failing that, later.
 */
__attribute__((constructor)) static void at_load(void)
{
	mmun_fork_init();
}

/*
 * Patched entries lead here, threads carry pointers to our restartable
 * sequences, and callbacks return here: the code stays.  Linked into an
 * executable there is nothing to pin, and dlopen() fails, which is fine.
 */
void mmun_pin_library(void)
{
	static uint32_t done;
	Dl_info info;

	if (mmun_xchg(&done, 1))
		return;
	if (dladdr((void *)mmun_pin_library, &info) && info.dli_fname)
		dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}
