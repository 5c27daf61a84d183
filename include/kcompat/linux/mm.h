/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_MM_H
#define MMUN_KCOMPAT_LINUX_MM_H
/*
 * Memory.  What is behind an address, the test says, by mmun_kcompat_set_gup()
 * and its like; without it there are no pages.
 */
#include <linux/bug.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmdebug.h>
#include <linux/mmap_lock.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <asm/page.h>

#define VM_NONE 0x0UL
#define VM_READ 0x1UL
#define VM_WRITE 0x2UL
#define VM_EXEC 0x4UL
#define VM_SHARED 0x8UL
#define VM_MAYREAD 0x10UL
#define VM_MAYWRITE 0x20UL
#define VM_MAYEXEC 0x40UL
#define VM_MAYSHARE 0x80UL
#define VM_PFNMAP 0x400UL
#define VM_LOCKED 0x2000UL
#define VM_IO 0x4000UL
#define VM_DONTCOPY 0x20000UL
#define VM_DONTEXPAND 0x40000UL
#define VM_HUGETLB 0x400000UL
#define VM_DONTDUMP 0x4000000UL
#define VM_MIXEDMAP 0x10000000UL

#define VM_FAULT_OOM 0x1u
#define VM_FAULT_SIGBUS 0x2u
#define VM_FAULT_NOPAGE 0x100u
#define VM_FAULT_RETRY 0x400u
#define VM_FAULT_ERROR (VM_FAULT_OOM | VM_FAULT_SIGBUS)

#define FOLL_WRITE 0x1u
#define FOLL_GET 0x2u
#define FOLL_FORCE 0x8u
#define FOLL_NOWAIT 0x10u
#define FOLL_HWPOISON 0x40u
#define FOLL_ANON 0x80u
#define FOLL_LONGTERM 0x100u
#define FOLL_FAST_ONLY 0x400u
#define FOLL_INTERRUPTIBLE 0x800u
#define FOLL_PIN 0x1000u

typedef long (*mmun_kcompat_gup_t)(struct mm_struct *mm, unsigned long start,
				   unsigned long nr_pages, unsigned int flags,
				   struct page **pages);
typedef struct vm_area_struct *(*mmun_kcompat_vma_t)(struct mm_struct *mm,
						     unsigned long addr);
MMUN_K_SHARED mmun_kcompat_gup_t mmun_k_gup;
MMUN_K_SHARED mmun_kcompat_vma_t mmun_k_vma;

static inline struct mm_struct *mmun_k_current_mm(void);

static inline long mmun_k_call_gup(struct mm_struct *mm,
					     unsigned long start,
					     unsigned long nr_pages,
					     unsigned int flags,
					     struct page **pages)
{
	mmun_kcompat_gup_t gup = __atomic_load_n(&mmun_k_gup, __ATOMIC_ACQUIRE);

	return gup ? gup(mm, start, nr_pages, flags, pages) : -EFAULT;
}

/*
 * What follows @pages differs between versions: vmas, locked; it is not used.
 */
#define MMUN_K_GUP(mm, start, n, flags, pages, ...)		\
	({							\
		might_sleep();					\
		mmun_k_call_gup(mm, start, n, flags, pages);	\
	})
/* With eight arguments, before Linux 5.9, a task is the first of them. */
#define MMUN_K_GUP_OLD(task, ...) MMUN_K_GUP(__VA_ARGS__)
#define MMUN_K_NINTH(a, b, c, d, e, f, g, h, i, ...) i
#define MMUN_K_GUP_REMOTE(...)						\
	MMUN_K_NINTH(__VA_ARGS__, MMUN_K_GUP_OLD, MMUN_K_GUP,		\
		      MMUN_K_GUP, MMUN_K_GUP, 0)(__VA_ARGS__, 0)
#define get_user_pages_remote(...) MMUN_K_GUP_REMOTE(__VA_ARGS__)
#define pin_user_pages_remote(...) MMUN_K_GUP(__VA_ARGS__, 0)
#define get_user_pages(...) MMUN_K_GUP(mmun_k_current_mm(), __VA_ARGS__, 0)
#define pin_user_pages(...) MMUN_K_GUP(mmun_k_current_mm(), __VA_ARGS__, 0)
#define get_user_pages_fast(...) MMUN_K_GUP(mmun_k_current_mm(), __VA_ARGS__, 0)
#define pin_user_pages_fast(...) MMUN_K_GUP(mmun_k_current_mm(), __VA_ARGS__, 0)
#define get_user_pages_longterm(...) get_user_pages(__VA_ARGS__)
#define get_user_pages_unlocked(...) get_user_pages(__VA_ARGS__)
#define pin_user_pages_unlocked(...) pin_user_pages(__VA_ARGS__)
#define get_user_pages_fast_only(start, n, flags, pages) \
	mmun_k_call_gup(mmun_k_current_mm(), start, n, flags, pages)
#define pin_user_pages_fast_only(start, n, flags, pages) \
	mmun_k_call_gup(mmun_k_current_mm(), start, n, flags, pages)

#define page_to_pfn(p) ((unsigned long)(p) / sizeof(struct page))
#define pfn_to_page(pfn) ((struct page *)((pfn) * sizeof(struct page)))
#define pfn_valid(pfn) ((pfn) != 0)
#define page_to_phys(page) ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define page_address(page) ((page)->mmun_memory)
#define page_private(page) ((unsigned long)(page)->private)
#define set_page_private(page, value) \
	((void)((page)->private = (void *)(unsigned long)(value)))
#define page_folio(page) ((struct folio *)(page))
#define folio_page(folio, n) (&(folio)->page + (n))
#define compound_head(page) (page)
#define compound_order(page) ((void)(page), 0)
#define page_count(page) atomic_read(&(page)->_refcount)
#define page_ref_count(page) page_count(page)
#define nth_page(page, n) ((page) + (n))

static inline void get_page(struct page *page)
{
	atomic_inc(&page->_refcount);
}

static inline void put_page(struct page *page)
{
	if (atomic_dec_and_test(&page->_refcount))
		__free_page(page);
}

static inline int set_page_dirty(struct page *page)
{
	return !(__atomic_fetch_or(&page->flags, 1, __ATOMIC_RELAXED) & 1);
}

#define PageDirty(page) (__atomic_load_n(&(page)->flags, __ATOMIC_RELAXED) & 1)
#define set_page_dirty_lock(page) set_page_dirty(page)
#define lock_page(page) ((void)(page))
#define unlock_page(page) ((void)(page))
#define unpin_user_page(page) put_page(page)
#define put_user_page(page) put_page(page)
#define get_folio(folio) get_page(&(folio)->page)
#define folio_put(folio) put_page(&(folio)->page)

static inline void unpin_user_pages(struct page **pages, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		put_page(pages[i]);
}

static inline void unpin_user_pages_dirty_lock(struct page **pages,
					       unsigned long n, bool dirty)
{
	for (unsigned long i = 0; i < n; i++) {
		if (dirty)
			set_page_dirty(pages[i]);
		put_page(pages[i]);
	}
}

#define put_user_pages(pages, n) unpin_user_pages(pages, n)
#define release_pages(pages, n) unpin_user_pages(pages, n)

/* The first mapping that ends after @addr, if the test says so. */
static inline struct vm_area_struct *find_vma(struct mm_struct *mm,
					      unsigned long addr)
{
	mmun_kcompat_vma_t vma = __atomic_load_n(&mmun_k_vma, __ATOMIC_ACQUIRE);

	return vma ? vma(mm, addr) : NULL;
}

static inline struct vm_area_struct *vma_lookup(struct mm_struct *mm,
						unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr ? vma : NULL;
}

static inline struct vm_area_struct *
find_vma_intersection(struct mm_struct *mm, unsigned long start,
		      unsigned long end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

#define find_extend_vma(mm, addr) vma_lookup(mm, addr)
#define vma_pages(vma) (((vma)->vm_end - (vma)->vm_start) >> PAGE_SHIFT)
#define vm_flags_set(vma, f) ((void)((vma)->vm_flags |= (f)))
#define vm_flags_clear(vma, f) ((void)((vma)->vm_flags &= ~(f)))
#define can_do_mlock() true
#define untagged_addr(addr) (addr)
#define untagged_addr_remote(mm, addr) (addr)

#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#endif /* MMUN_KCOMPAT_LINUX_MM_H */
