/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_GFP_H
#define MMUN_KCOMPAT_LINUX_GFP_H
/* Pages: memory with a struct page, for who needs one. */
#include <linux/gfp_types.h>
#include <linux/mm_types.h>
#include <linux/preempt.h>
#include <asm/page.h>

#define gfpflags_allow_blocking(gfp) (!!((gfp) & __GFP_DIRECT_RECLAIM))

static inline struct page *alloc_page(gfp_t gfp)
{
	void *page, *memory;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	if (mmun_k_memalign(&page, sizeof(struct page), sizeof(struct page)))
		return NULL;
	if (mmun_k_memalign(&memory, PAGE_SIZE, PAGE_SIZE)) {
		mmun_k_free(page);
		return NULL;
	}
	if (gfp & __GFP_ZERO)
		__builtin_memset(memory, 0, PAGE_SIZE);
	*(struct page *)page = (struct page){
		._refcount = ATOMIC_INIT(1), .mmun_memory = memory,
	};
	return page;
}

static inline void __free_page(struct page *page)
{
	mmun_k_free(page->mmun_memory);
	mmun_k_free(page);
}

static inline unsigned long __get_free_page(gfp_t gfp)
{
	void *memory;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	if (mmun_k_memalign(&memory, PAGE_SIZE, PAGE_SIZE))
		return 0;
	if (gfp & __GFP_ZERO)
		__builtin_memset(memory, 0, PAGE_SIZE);
	return (unsigned long)memory;
}

#define get_zeroed_page(gfp) __get_free_page((gfp) | __GFP_ZERO)
#define free_page(addr) mmun_k_free((void *)(addr))

#endif /* MMUN_KCOMPAT_LINUX_GFP_H */
