/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEMORY_H
#define MEMORY_H
/*
 * The memory of a process: a software mm, and a page behind each of some
 * addresses. A page's private is its number, and no number comes twice: what a
 * device sees is stale if it is another one than the memory's.
 */
#include <mmun_kcompat.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/spinlock.h>

#include "../srcu/threads.h"

#define MEMORY_PAGES 16
#define MEMORY_START 0x100000UL
#define MAX_MEMORIES 4

struct memory {
	struct mm_struct *mm;
	spinlock_t lock;
	struct page *page[MEMORY_PAGES];
};

static struct memory memory[MAX_MEMORIES];
static atomic_long_t last_page_number = ATOMIC_LONG_INIT(0);

static inline unsigned long memory_addr(int n)
{
	return MEMORY_START + n * PAGE_SIZE;
}

static inline struct page *new_page(void)
{
	struct page *page = alloc_page(GFP_ATOMIC);

	if (!page)
		bail("no page");
	set_page_private(page, atomic_long_inc_return(&last_page_number));
	return page;
}

static inline void memory_replace(struct memory *m, int first, int n);

/* The next lookup finds what is replaced before it returns. */
static int memory_disturb;

static inline void memory_may_disturb(struct memory *m)
{
	if (__atomic_exchange_n(&memory_disturb, 0, __ATOMIC_SEQ_CST))
		memory_replace(m, 0, MEMORY_PAGES);
}

static inline struct memory *memory_of(struct mm_struct *mm)
{
	for (int i = 0; i < MAX_MEMORIES; i++)
		if (memory[i].mm == mm)
			return &memory[i];
	bail("an unknown mm");
}

static inline long memory_gup(struct mm_struct *mm, unsigned long start,
			      unsigned long nr_pages, unsigned int flags,
			      struct page **pages)
{
	struct memory *m = memory_of(mm);
	unsigned long first = (start - MEMORY_START) >> PAGE_SHIFT, i;

	(void)flags;
	spin_lock(&m->lock);
	for (i = 0; i < nr_pages && first + i < MEMORY_PAGES; i++) {
		pages[i] = m->page[first + i];
		get_page(pages[i]);
	}
	spin_unlock(&m->lock);
	memory_may_disturb(m);
	return i ? (long)i : -EFAULT;
}

static inline int memory_hmm(struct hmm_range *range)
{
	struct memory *m = memory_of(range->notifier->mm);
	unsigned long first = (range->start - MEMORY_START) >> PAGE_SHIFT;
	unsigned long n = (range->end - range->start) >> PAGE_SHIFT;

	if (first + n > MEMORY_PAGES)
		return -EFAULT;
	spin_lock(&m->lock);
	for (unsigned long i = 0; i < n; i++)
		range->hmm_pfns[i] = page_to_pfn(m->page[first + i]) |
				     HMM_PFN_VALID | HMM_PFN_WRITE;
	spin_unlock(&m->lock);
	memory_may_disturb(m);
	return 0;
}

static inline void memory_init(struct memory *m)
{
	m->mm = mm_alloc();
	if (!m->mm)
		bail("mm_alloc");
	spin_lock_init(&m->lock);
	for (int i = 0; i < MEMORY_PAGES; i++)
		m->page[i] = new_page();
	mmun_kcompat_set_gup(memory_gup);
	mmun_kcompat_set_hmm(memory_hmm);
}

/* The process ends; the mm itself lasts as long as somebody holds it. */
static inline void memory_exit(struct memory *m)
{
	mmput(m->mm);
	for (int i = 0; i < MEMORY_PAGES; i++)
		put_page(m->page[i]);
}

/* What happens between start and end: other pages. */
static inline void memory_change(struct memory *m, int first, int n)
{
	struct page *old[MEMORY_PAGES];

	spin_lock(&m->lock);
	for (int i = 0; i < n; i++) {
		old[i] = m->page[first + i];
		m->page[first + i] = new_page();
	}
	spin_unlock(&m->lock);
	for (int i = 0; i < n; i++)
		put_page(old[i]);
}

static inline void memory_range(struct memory *m, struct mmu_notifier_range *r,
				int first, int n)
{
	mmu_notifier_range_init(r, MMU_NOTIFY_CLEAR, 0, m->mm,
				memory_addr(first), memory_addr(first + n));
}

static inline void memory_replace(struct memory *m, int first, int n)
{
	struct mmu_notifier_range range;

	memory_range(m, &range, first, n);
	mmu_notifier_invalidate_range_start(&range);
	memory_change(m, first, n);
	mmu_notifier_invalidate_range_end(&range);
}

/* Return: were they replaced, or did somebody refuse? */
static inline bool memory_replace_nonblock(struct memory *m, int first, int n)
{
	struct mmu_notifier_range range;

	memory_range(m, &range, first, n);
	if (mmu_notifier_invalidate_range_start_nonblock(&range))
		return false;
	memory_change(m, first, n);
	mmu_notifier_invalidate_range_end(&range);
	return true;
}

static inline unsigned long memory_number(struct memory *m, int n)
{
	unsigned long number;

	spin_lock(&m->lock);
	number = page_private(m->page[n]);
	spin_unlock(&m->lock);
	return number;
}

#endif /* MEMORY_H */
