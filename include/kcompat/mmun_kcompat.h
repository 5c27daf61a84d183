/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_MMUN_KCOMPAT_H
#define MMUN_KCOMPAT_MMUN_KCOMPAT_H
/**
 * DOC: driving kernel code from a test
 *
 * What a test of kernel code calls beside the kernel's names.  The owner's
 * calls of a software mm, mm_alloc(), mmu_notifier_invalidate_range_start() and
 * so on, are in mmunotify/mm.h and mmunotify/mmu_notifier.h.
 *
 * Context: any thread.
 */
#include <linux/bug.h>
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

/**
 * mmun_kcompat_use_mm() - be a thread of a process
 * @mm: what current->mm of the calling thread is from now on; the caller's
 *	reference must last as long.  NULL: a thread of the kernel.  Before the
 *	first call it is mm_self(), and in threads of work queues and the like
 *	it is NULL.
 */
static inline void mmun_kcompat_use_mm(struct mm_struct *mm)
{
	struct task_struct *task = current;

	task_lock(task);
	task->mm = mm;
	task->active_mm = mm;
	if (mm)
		task->flags &= ~PF_KTHREAD;
	else
		task->flags |= PF_KTHREAD;
	task_unlock(task);
}

/**
 * mmun_kcompat_warnings() - how many WARN_ON() were true?
 *
 * Return: how many since the last call; those that the headers make, too.
 */
static inline unsigned int mmun_kcompat_warnings(void)
{
	return __atomic_exchange_n(&mmun_k_warnings, 0, __ATOMIC_SEQ_CST);
}

/**
 * mmun_kcompat_fail_alloc() - make an allocation fail
 * @in: how many succeed before it; negative: none fails
 */
static inline void mmun_kcompat_fail_alloc(long in)
{
	__atomic_store_n(&mmun_k_fail_in, in, __ATOMIC_SEQ_CST);
}

/**
 * mmun_kcompat_init_modules() - call what module_init() names
 *
 * In the order of linking, as far as one that fails.
 *
 * Return: 0, or what that returned.
 */
static inline int mmun_kcompat_init_modules(void)
{
	for (struct mmun_k_module *at = mmun_k_inits; at; at = at->next) {
		int err = at->init();

		if (err)
			return err;
	}
	return 0;
}

/**
 * mmun_kcompat_exit_modules() - call what module_exit() names
 *
 * In the other order.
 */
static inline void mmun_kcompat_exit_modules(void)
{
	for (struct mmun_k_module *at = mmun_k_exits; at; at = at->next)
		at->exit();
}

/**
 * mmun_kcompat_set_gup() - say what pages are behind addresses
 * @gup: called for get_user_pages(), pin_user_pages() and their variants; fills
 *	in pages with a reference each (alloc_page(), get_page()), and returns
 *	how many, or a negative errno.  NULL: -EFAULT, as before the first call.
 */
static inline void mmun_kcompat_set_gup(mmun_kcompat_gup_t gup)
{
	__atomic_store_n(&mmun_k_gup, gup, __ATOMIC_RELEASE);
}

/**
 * mmun_kcompat_set_hmm() - say what hmm_range_fault() finds
 * @hmm: called in the middle of it: fills in range->hmm_pfns, and returns 0 or
 *	a negative errno.  NULL: -EFAULT, as before the first call.
 */
static inline void mmun_kcompat_set_hmm(mmun_kcompat_hmm_t hmm)
{
	__atomic_store_n(&mmun_k_hmm, hmm, __ATOMIC_RELEASE);
}

/**
 * mmun_kcompat_set_vma() - say what is mapped
 * @vma: called for find_vma() and its variants: returns the first mapping that
 *	ends after the address, or NULL.  NULL: nothing is, as before the first
 *	call.
 */
static inline void mmun_kcompat_set_vma(mmun_kcompat_vma_t vma)
{
	__atomic_store_n(&mmun_k_vma, vma, __ATOMIC_RELEASE);
}

#endif /* MMUN_KCOMPAT_MMUN_KCOMPAT_H */
