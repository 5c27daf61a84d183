// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "callbacks.h"
#include "compat.h"
#include "mnoracle.h"

/* The kernel logs the name of cb_start: traces have it. */

static void gate(struct object *object, unsigned int where, const char *name)
{
	struct slot *slot = object->slot;

	if (!(READ_ONCE(slot->block) & where))
		return;
	tr("  %c%d.%s BLOCKED", slot->name, object->id, name);
	gate_enter();
	wait_for_completion(&slot->gate);
	gate_leave();
	tr("  %c%d.%s resumed", slot->name, object->id, name);
}

static void cb_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct object *object = object_of(notifier);
	struct slot *slot = object->slot;
	/* With the last put the object may be gone. */
	int i, nr_puts = slot->nr_puts;

	tr("%c%d.release users=%u hashed=%d" MM_FORMAT, slot->name, object->id,
	   notifier->users, !hlist_unhashed(&notifier->hlist), MM_ARGS(mm));
	gate(object, AT_RELEASE, "release");
	for (i = 0; i < nr_puts; i++) {
		tr("  %c%d put-from-release users=%u", slot->name, object->id,
		   notifier->users);
		mmu_notifier_put(notifier);
	}
}

static int cb_start(struct mmu_notifier *notifier,
		 const struct mmu_notifier_range *range)
{
	struct object *object = object_of(notifier);
	struct slot *slot = object->slot;
	bool blockable = mmu_notifier_range_blockable(range);
	int ret = blockable ? slot->start_ret : slot->start_nonblock_ret;

	tr("%c%d.start %s %s @%lx-%lx ml=%c ret=%d" MM_FORMAT, slot->name,
	   object->id, event_name(range->event), blockable ? "B" : "nb",
	   range->start, range->end, lock_state(range->mm), ret,
	   MM_ARGS(range->mm));
	if (slot->sleeps)
		might_sleep();
	if (slot->allocates)
		kfree(kmalloc(64, GFP_KERNEL));
	if (blockable)
		gate(object, AT_START, "start");
	return ret;
}

static void cb_end(struct mmu_notifier *notifier,
		const struct mmu_notifier_range *range)
{
	struct object *object = object_of(notifier);
	bool blockable = mmu_notifier_range_blockable(range);

	tr("%c%d.end   %s %s @%lx-%lx ml=%c" MM_FORMAT, object->slot->name,
	   object->id, event_name(range->event), blockable ? "B" : "nb",
	   range->start, range->end, lock_state(range->mm), MM_ARGS(range->mm));
	if (blockable)
		gate(object, AT_END, "end");
}

static void cb_secondary(struct mmu_notifier *notifier, struct mm_struct *mm,
		      unsigned long from, unsigned long to)
{
	struct object *object = object_of(notifier);

	tr("%c%d.inv   @%lx-%lx", object->slot->name, object->id, from, to);
}

static int say_young(struct mmu_notifier *notifier, const char *what,
		     unsigned long from, unsigned long to)
{
	struct object *object = object_of(notifier);

	tr("%c%d.%s @%lx-%lx ret=%d", object->slot->name, object->id, what, from,
	   to, object->slot->young);
	return object->slot->young;
}

static young_t cb_clear_flush_young(struct mmu_notifier *notifier,
				 struct mm_struct *mm, unsigned long from,
				 unsigned long to)
{
	return say_young(notifier, "clear_flush_young", from, to);
}

static young_t cb_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			   unsigned long from, unsigned long to)
{
	return say_young(notifier, "clear_young", from, to);
}

static young_t cb_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			  unsigned long address)
{
	return say_young(notifier, "test_young", address, address + 1);
}

#if HAVE_CHANGE_PTE
static void cb_change_pte(struct mmu_notifier *notifier, struct mm_struct *mm,
		       unsigned long address, pte_t pte)
{
	struct object *object = object_of(notifier);

	tr("%c%d.change_pte @%lx-%lx", object->slot->name, object->id, address,
	   address + PAGE_SIZE);
}
#endif

static struct mmu_notifier *alloc(struct mmu_notifier_ops *ops,
				  struct mm_struct *mm)
{
	struct slot *slot = container_of(ops, struct slot, ops);
	struct object *object;

	if (slot->alloc_error) {
		tr("%c.alloc_notifier -> err %d", slot->name, slot->alloc_error);
		return ERR_PTR(slot->alloc_error);
	}
	object = object_new(slot);
	if (!object)
		return ERR_PTR(-ENOMEM);
	tr("%c%d.alloc_notifier ml=%c" MM_FORMAT, slot->name, object->id,
	   lock_state(mm), MM_ARGS(mm));
	return &object->notifier;
}

/* It is not told whose it is: a function for each slot knows. */
#define ALLOC(letter)							\
static struct mmu_notifier *alloc_##letter(struct mm_struct *mm)	\
{									\
	return alloc(slot_ops(#letter), mm);				\
}
ALLOC(A) ALLOC(B) ALLOC(C) ALLOC(D) ALLOC(E) ALLOC(F) ALLOC(G) ALLOC(H)

static struct mmu_notifier *(* const allocs[NR_SLOTS])(struct mm_struct *) = {
	alloc_A, alloc_B, alloc_C, alloc_D, alloc_E, alloc_F, alloc_G, alloc_H
};

static void cb_free(struct mmu_notifier *notifier)
{
	struct object *object = object_of(notifier);
	struct mm_struct *mm = notifier->mm;
	const char *softirq = in_softirq() ? "bh" : "";
	const char *atomic = in_atomic() ? "+atomic" : "";
	const char *worker = current->flags & PF_WQ_WORKER ? "+wq" : "";

	if (object->slot->free_ms)
		mdelay(object->slot->free_ms);
	/* Freed by a get that could not register it, it has no mm yet. */
	if (!mm)
		tr("%c%d.free_notifier users=%u ctx=%s%s%s mn->mm=NULL",
		   object->slot->name, object->id, notifier->users, softirq,
		   atomic, worker);
	else
		tr("%c%d.free_notifier users=%u ctx=%s%s%s" MM_FORMAT,
		   object->slot->name, object->id, notifier->users, softirq,
		   atomic, worker, MM_ARGS(mm));
	object_freed(object);
}

void slot_defaults(struct slot *slot, int nr)
{
	memset(slot, 0, sizeof(*slot));
	slot->name = 'A' + nr;
	init_completion(&slot->gate);
	slot->ops.release = cb_release;
	slot->ops.invalidate_range_start = cb_start;
	slot->ops.invalidate_range_end = cb_end;
	slot->ops.alloc_notifier = allocs[nr];
	slot->ops.free_notifier = cb_free;
}

/* Keys that say whether an operation is there at all. */
static bool set_operation(struct mmu_notifier_ops *ops, const char *key, bool on)
{
	if (!strcmp(key, "start"))
		ops->invalidate_range_start = on ? cb_start : NULL;
	else if (!strcmp(key, "end"))
		ops->invalidate_range_end = on ? cb_end : NULL;
	else if (!strcmp(key, "release"))
		ops->release = on ? cb_release : NULL;
	else if (!strcmp(key, "cfy"))
		ops->clear_flush_young = on ? cb_clear_flush_young : NULL;
	else if (!strcmp(key, "cy"))
		ops->clear_young = on ? cb_clear_young : NULL;
	else if (!strcmp(key, "ty"))
		ops->test_young = on ? cb_test_young : NULL;
#if HAVE_SECONDARY_TLBS
	else if (!strcmp(key, "inv"))
		ops->arch_invalidate_secondary_tlbs = on ? cb_secondary : NULL;
#else
	else if (!strcmp(key, "inv"))
		ops->invalidate_range = on ? cb_secondary : NULL;
#endif
#if HAVE_CHANGE_PTE
	else if (!strcmp(key, "cpte"))
		ops->change_pte = on ? cb_change_pte : NULL;
#endif
	else
		return false;
	return true;
}

bool slot_set(struct slot *slot, const char *key, long value)
{
	if (set_operation(&slot->ops, key, value))
		return true;
	if (!strcmp(key, "retnb")) {
		slot->start_nonblock_ret = value;
	} else if (!strcmp(key, "retb")) {
		slot->start_ret = value;
	} else if (!strcmp(key, "putrel")) {
		slot->nr_puts = value;
	} else if (!strcmp(key, "allocerr")) {
		slot->alloc_error = value;
	} else if (!strcmp(key, "young")) {
		slot->young = value;
	} else if (!strcmp(key, "freedly")) {
		slot->free_ms = value;
	} else if (!strcmp(key, "sleepcb")) {
		slot->sleeps = value;
	} else if (!strcmp(key, "gfp")) {
		slot->allocates = value;
	} else if (!strcmp(key, "block")) {
		reinit_completion(&slot->gate);
		WRITE_ONCE(slot->block, value);
	} else {
		return false;
	}
	return true;
}
