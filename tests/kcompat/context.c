// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A driver with a context for each address space, which all openers share: the
 * device has a small translation cache, which is loaded by faults and flushed
 * by the notifier.  While a range is being invalidated, faults wait.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "context.h"

#define CONTEXT_ENTRIES 8

struct context_entry {
	unsigned long addr;
	struct page *page;
};

struct context {
	struct mmu_notifier mn;
	spinlock_t lock;
	wait_queue_head_t idle;
	int ranges;			/* active ones, under lock */
	bool dead;
	struct context_entry entry[CONTEXT_ENTRIES];
};

static atomic_t nr_contexts = ATOMIC_INIT(0);

static inline struct context *to_context(struct mmu_notifier *mn)
{
	return container_of(mn, struct context, mn);
}

static struct context_entry *entry_of(struct context *ctx, unsigned long addr)
{
	return &ctx->entry[(addr >> PAGE_SHIFT) % CONTEXT_ENTRIES];
}

/* Under the lock. */
static void drop_entry(struct context_entry *entry)
{
	if (!entry->page)
		return;
	put_page(entry->page);
	entry->page = NULL;
}

static void flush(struct context *ctx, unsigned long start, unsigned long end)
{
	int i;

	lockdep_assert_held(&ctx->lock);
	for (i = 0; i < CONTEXT_ENTRIES; i++) {
		struct context_entry *entry = &ctx->entry[i];

		if (entry->page && entry->addr < end &&
		    entry->addr + PAGE_SIZE > start)
			drop_entry(entry);
	}
}

static int context_range_start(struct mmu_notifier *mn,
			       const struct mmu_notifier_range *range)
{
	struct context *ctx = to_context(mn);

	spin_lock(&ctx->lock);
	ctx->ranges++;
	flush(ctx, range->start, range->end);
	spin_unlock(&ctx->lock);
	return 0;
}

static void context_range_end(struct mmu_notifier *mn,
			      const struct mmu_notifier_range *range)
{
	struct context *ctx = to_context(mn);
	bool idle;

	spin_lock(&ctx->lock);
	idle = !--ctx->ranges;
	spin_unlock(&ctx->lock);
	if (idle)
		wake_up_all(&ctx->idle);
}

static void context_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct context *ctx = to_context(mn);

	spin_lock(&ctx->lock);
	ctx->dead = true;
	flush(ctx, 0, ULONG_MAX);
	spin_unlock(&ctx->lock);
	wake_up_all(&ctx->idle);
}

static struct mmu_notifier *context_alloc(struct mm_struct *mm)
{
	struct context *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);

	mmap_assert_write_locked(mm);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&ctx->lock);
	init_waitqueue_head(&ctx->idle);
	atomic_inc(&nr_contexts);
	return &ctx->mn;
}

static void context_free(struct mmu_notifier *mn)
{
	struct context *ctx = to_context(mn);

	spin_lock(&ctx->lock);
	flush(ctx, 0, ULONG_MAX);
	spin_unlock(&ctx->lock);
	kfree(ctx);
	atomic_dec(&nr_contexts);
}

static const struct mmu_notifier_ops context_ops = {
	.release = context_release,
	.invalidate_range_start = context_range_start,
	.invalidate_range_end = context_range_end,
	.alloc_notifier = context_alloc,
	.free_notifier = context_free,
};

struct context *context_open(void)
{
	struct mmu_notifier *mn = mmu_notifier_get(&context_ops, current->mm);

	if (IS_ERR(mn))
		return ERR_CAST(mn);
	return to_context(mn);
}
EXPORT_SYMBOL_GPL(context_open);

void context_close(struct context *ctx)
{
	mmu_notifier_put(&ctx->mn);
}
EXPORT_SYMBOL_GPL(context_close);

static bool may_load(struct context *ctx)
{
	bool may;

	spin_lock(&ctx->lock);
	may = !ctx->ranges || ctx->dead;
	spin_unlock(&ctx->lock);
	return may;
}

/*
 * The page is looked up and cached without letting go of the lock, while no
 * range is active: one that starts later finds it there.
 */
int context_fault(struct context *ctx, unsigned long addr)
{
	struct context_entry *entry = entry_of(ctx, addr);
	struct page *page;
	long got;

	addr &= PAGE_MASK;
	for (;;) {
		if (wait_event_interruptible(ctx->idle, may_load(ctx)))
			return -EINTR;
		spin_lock(&ctx->lock);
		if (ctx->dead) {
			spin_unlock(&ctx->lock);
			return -ESRCH;
		}
		if (ctx->ranges) {
			spin_unlock(&ctx->lock);
			continue;
		}
		got = get_user_pages_fast_only(addr, 1, FOLL_WRITE, &page);
		if (got == 1) {
			drop_entry(entry);
			entry->addr = addr;
			entry->page = page;
		}
		spin_unlock(&ctx->lock);
		return got == 1 ? 0 : got < 0 ? got : -EFAULT;
	}
}
EXPORT_SYMBOL_GPL(context_fault);

unsigned long context_look(struct context *ctx, unsigned long addr)
{
	struct context_entry *entry = entry_of(ctx, addr);
	unsigned long seen = 0;

	spin_lock(&ctx->lock);
	if (entry->page && entry->addr == (addr & PAGE_MASK))
		seen = page_private(entry->page);
	spin_unlock(&ctx->lock);
	return seen;
}
EXPORT_SYMBOL_GPL(context_look);

int context_count(void)
{
	return atomic_read(&nr_contexts);
}

static int __init context_init(void)
{
	pr_debug("a context for each address space\n");
	return 0;
}

static void __exit context_exit(void)
{
	mmu_notifier_synchronize();
	WARN_ON(atomic_read(&nr_contexts));
}

module_init(context_init);
module_exit(context_exit);
MODULE_DESCRIPTION("A context for each address space");
MODULE_LICENSE("Dual BSD/GPL");
