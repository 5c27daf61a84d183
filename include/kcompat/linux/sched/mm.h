/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SCHED_MM_H
#define MMUN_KCOMPAT_LINUX_SCHED_MM_H
/* References of address spaces: the library's; and what is missing of them. */
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/srcu.h>
#include <linux/mm_types.h>

static inline void *mmun_k_mmput_thread(void *mm)
{
	mmput((struct mm_struct *)mm);
	return NULL;
}

static inline void mmput_async(struct mm_struct *mm)
{
	mmun_k_start_thread(mmun_k_mmput_thread, mm);
}

/* With a reference for mmput(). */
static inline struct mm_struct *get_task_mm(struct task_struct *task)
{
	struct mm_struct *mm;

	task_lock(task);
	mm = task->mm;
	if (mm && (task->flags & PF_KTHREAD || !mmget_not_zero(mm)))
		mm = NULL;
	task_unlock(task);
	return mm;
}

#define mmget_still_valid(mm) ((void)(mm), true)
#define mmgrab_lazy_tlb(mm) mmgrab(mm)
#define mmdrop_lazy_tlb(mm) mmdrop(mm)
#define mmdrop_sched(mm) mmdrop(mm)
#define memalloc_nofs_save() 0u
#define memalloc_nofs_restore(flags) ((void)(flags))
#define memalloc_noio_save() 0u
#define memalloc_noio_restore(flags) ((void)(flags))
#define memalloc_noreclaim_save() 0u
#define memalloc_noreclaim_restore(flags) ((void)(flags))
#define current_gfp_context(gfp) (gfp)

#endif /* MMUN_KCOMPAT_LINUX_SCHED_MM_H */
