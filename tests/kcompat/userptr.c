// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A driver with objects made of users' memory.  Those of one address space are
 * in an interval tree, with one notifier; their pages are pinned by a work
 * queue, and unpinned by the notifier.
 */
#include <linux/completion.h>
#include <linux/hashtable.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "userptr.h"

struct userptr_mm {
	struct mmu_notifier mn;
	struct mm_struct *mm;
	struct hlist_node node;
	struct kref kref;
	spinlock_t lock;		/* all below, and in the objects */
	struct rb_root_cached objects;
	int ranges;			/* active ones */
	wait_queue_head_t idle;
};

/* What was pinned at once. */
struct userptr_pages {
	struct list_head entry;
	unsigned long nr;
	struct page *page[];
};

struct userptr {
	struct userptr_mm *umm;
	struct kref kref;
	struct interval_tree_node it;
	unsigned long nr_pages;
	struct userptr_pages *pages;	/* or NULL */
	unsigned long generation;	/* of invalidations */

	struct mutex pin_lock;		/* one request at a time */
	struct work_struct pin_work;
	struct completion pinned;
	int err;			/* of the last one */
};

static DEFINE_MUTEX(mms_lock);
static DEFINE_HASHTABLE(mms, 4);
static struct workqueue_struct *pin_wq;
static atomic_t nr_objects = ATOMIC_INIT(0);
static atomic_t nr_mms = ATOMIC_INIT(0);

static void unpin(struct userptr_pages *pages)
{
	if (!pages)
		return;
	unpin_user_pages_dirty_lock(pages->page, pages->nr, true);
	kvfree(pages);
}

/* -- address spaces -- */

static void umm_release(struct kref *kref)
{
	struct userptr_mm *umm = container_of(kref, struct userptr_mm, kref);

	hash_del(&umm->node);
	mutex_unlock(&mms_lock);
	mmu_notifier_unregister(&umm->mn, umm->mm);
	mmdrop(umm->mm);
	kfree(umm);
	atomic_dec(&nr_mms);
}

static void umm_put(struct userptr_mm *umm)
{
	kref_put_mutex(&umm->kref, umm_release, &mms_lock);
}

/* -- objects -- */

static void userptr_release(struct kref *kref)
{
	struct userptr *obj = container_of(kref, struct userptr, kref);
	struct userptr_mm *umm = obj->umm;

	spin_lock(&umm->lock);
	interval_tree_remove(&obj->it, &umm->objects);
	spin_unlock(&umm->lock);
	unpin(obj->pages);
	mutex_destroy(&obj->pin_lock);
	kfree(obj);
	umm_put(umm);
	atomic_dec(&nr_objects);
}

void userptr_put(struct userptr *obj)
{
	kref_put(&obj->kref, userptr_release);
}

/* Never sleeps, so that it need not refuse. */
static int umm_range_start(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *range)
{
	struct userptr_mm *umm = container_of(mn, struct userptr_mm, mn);
	unsigned long last = range->end - 1;
	struct userptr_pages *pages, *next;
	struct interval_tree_node *it;
	struct userptr *obj;
	LIST_HEAD(gone);

	spin_lock(&umm->lock);
	umm->ranges++;
	for (it = interval_tree_iter_first(&umm->objects, range->start, last);
	     it; it = interval_tree_iter_next(it, range->start, last)) {
		obj = container_of(it, struct userptr, it);
		obj->generation++;
		if (obj->pages)
			list_add_tail(&obj->pages->entry, &gone);
		obj->pages = NULL;
	}
	spin_unlock(&umm->lock);
	list_for_each_entry_safe(pages, next, &gone, entry)
		unpin(pages);
	return 0;
}

static void umm_range_end(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *range)
{
	struct userptr_mm *umm = container_of(mn, struct userptr_mm, mn);
	bool idle;

	spin_lock(&umm->lock);
	idle = !--umm->ranges;
	spin_unlock(&umm->lock);
	if (idle)
		wake_up_all(&umm->idle);
}

static void umm_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mmu_notifier_range all;

	mmu_notifier_range_init(&all, MMU_NOTIFY_RELEASE,
				MMU_NOTIFIER_RANGE_BLOCKABLE, mm, 0, ULONG_MAX);
	umm_range_start(mn, &all);
	umm_range_end(mn, &all);
}

static const struct mmu_notifier_ops umm_ops = {
	.release = umm_mm_release,
	.invalidate_range_start = umm_range_start,
	.invalidate_range_end = umm_range_end,
};

/* Found, or made; with a reference. */
static struct userptr_mm *umm_get(struct mm_struct *mm)
{
	struct userptr_mm *umm;
	int err;

	mutex_lock(&mms_lock);
	hash_for_each_possible(mms, umm, node, (unsigned long)mm) {
		if (umm->mm == mm) {
			kref_get(&umm->kref);
			goto out;
		}
	}
	umm = kzalloc(sizeof(*umm), GFP_KERNEL);
	if (!umm) {
		umm = ERR_PTR(-ENOMEM);
		goto out;
	}
	umm->mm = mm;
	umm->mn.ops = &umm_ops;
	umm->objects = RB_ROOT_CACHED;
	kref_init(&umm->kref);
	spin_lock_init(&umm->lock);
	init_waitqueue_head(&umm->idle);
	err = mmu_notifier_register(&umm->mn, mm);
	if (err) {
		kfree(umm);
		umm = ERR_PTR(err);
		goto out;
	}
	mmgrab(mm);
	hash_add(mms, &umm->node, (unsigned long)mm);
	atomic_inc(&nr_mms);
out:
	mutex_unlock(&mms_lock);
	return umm;
}

static bool umm_is_idle(struct userptr_mm *umm)
{
	bool idle;

	spin_lock(&umm->lock);
	idle = !umm->ranges;
	spin_unlock(&umm->lock);
	return idle;
}

/*
 * The generation is read before we wait for ranges: one that was active then
 * has ended, and one that has started since has changed it.
 */
static int try_pin(struct userptr *obj, struct userptr_pages *pages)
{
	struct userptr_mm *umm = obj->umm;
	unsigned long generation;
	long got;
	int err = 0;

	spin_lock(&umm->lock);
	generation = obj->generation;
	spin_unlock(&umm->lock);
	wait_event(umm->idle, umm_is_idle(umm));
	mmap_read_lock(umm->mm);
	got = pin_user_pages_remote(umm->mm, obj->it.start, obj->nr_pages,
				    FOLL_WRITE, pages->page, NULL);
	mmap_read_unlock(umm->mm);
	if (got < 0)
		return got;
	if (got < obj->nr_pages) {
		unpin_user_pages(pages->page, got);
		return -EFAULT;
	}
	spin_lock(&umm->lock);
	if (generation != obj->generation)
		err = -EAGAIN;
	else if (obj->pages)
		err = -EEXIST;
	else
		obj->pages = pages;
	spin_unlock(&umm->lock);
	if (err)
		unpin_user_pages(pages->page, obj->nr_pages);
	return err;
}

static void pin_work(struct work_struct *work)
{
	struct userptr *obj = container_of(work, struct userptr, pin_work);
	struct mm_struct *mm = obj->umm->mm;
	struct userptr_pages *pages;
	int err = -ENOMEM;

	if (!mmget_not_zero(mm)) {
		err = -ESRCH;
		goto out;
	}
	pages = kvmalloc(struct_size(pages, page, obj->nr_pages), GFP_KERNEL);
	if (pages) {
		pages->nr = obj->nr_pages;
		do {
			err = try_pin(obj, pages);
		} while (err == -EAGAIN);
		if (err)
			kvfree(pages);
	}
	mmput(mm);
out:
	obj->err = err == -EEXIST ? 0 : err;
	complete(&obj->pinned);
	userptr_put(obj);
}

int userptr_pin(struct userptr *obj)
{
	int err;

	err = mutex_lock_interruptible(&obj->pin_lock);
	if (err)
		return err;
	reinit_completion(&obj->pinned);
	kref_get(&obj->kref);
	if (!queue_work(pin_wq, &obj->pin_work))
		userptr_put(obj);
	wait_for_completion(&obj->pinned);
	err = obj->err;
	mutex_unlock(&obj->pin_lock);
	return err;
}

struct userptr *userptr_create(unsigned long start, unsigned long nr_pages)
{
	struct userptr *obj = kzalloc(sizeof(*obj), GFP_KERNEL);
	struct userptr_mm *umm;

	if (!obj)
		return ERR_PTR(-ENOMEM);
	umm = umm_get(current->mm);
	if (IS_ERR(umm)) {
		kfree(obj);
		return ERR_CAST(umm);
	}
	obj->umm = umm;
	obj->nr_pages = nr_pages;
	obj->it.start = start;
	obj->it.last = start + nr_pages * PAGE_SIZE - 1;
	kref_init(&obj->kref);
	mutex_init(&obj->pin_lock);
	init_completion(&obj->pinned);
	INIT_WORK(&obj->pin_work, pin_work);
	atomic_inc(&nr_objects);
	spin_lock(&umm->lock);
	interval_tree_insert(&obj->it, &umm->objects);
	spin_unlock(&umm->lock);
	return obj;
}

unsigned long userptr_look(struct userptr *obj, unsigned long n)
{
	unsigned long seen = 0;

	spin_lock(&obj->umm->lock);
	if (obj->pages)
		seen = page_private(obj->pages->page[n]);
	spin_unlock(&obj->umm->lock);
	return seen;
}

int userptr_objects(void)
{
	return atomic_read(&nr_objects);
}

int userptr_mms(void)
{
	return atomic_read(&nr_mms);
}

static int __init userptr_init(void)
{
	pin_wq = alloc_workqueue("userptr-pin", WQ_UNBOUND, 0);
	return pin_wq ? 0 : -ENOMEM;
}

static void __exit userptr_exit(void)
{
	destroy_workqueue(pin_wq);
	WARN_ON(!hash_empty(mms));
}

module_init(userptr_init);
module_exit(userptr_exit);
MODULE_DESCRIPTION("Objects made of users' memory");
MODULE_LICENSE("Dual BSD/GPL");
