/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_HMM_H
#define MMUN_KCOMPAT_LINUX_HMM_H
/*
 * hmm_range_fault(): the test says what is behind the addresses
 * (mmun_kcompat_set_hmm()); an invalidation that came before is noticed here.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#define HMM_PFN_VALID (1UL << (BITS_PER_LONG - 1))
#define HMM_PFN_WRITE (1UL << (BITS_PER_LONG - 2))
#define HMM_PFN_ERROR (1UL << (BITS_PER_LONG - 3))
#define HMM_PFN_ORDER_SHIFT (BITS_PER_LONG - 8)
#define HMM_PFN_REQ_FAULT HMM_PFN_VALID
#define HMM_PFN_REQ_WRITE HMM_PFN_WRITE
#define HMM_PFN_FLAGS (0xffUL << HMM_PFN_ORDER_SHIFT)
#define HMM_RANGE_DEFAULT_TIMEOUT 1000

struct hmm_range {
	struct mmu_interval_notifier *notifier;
	unsigned long notifier_seq;
	unsigned long start;
	unsigned long end;
	unsigned long *hmm_pfns;
	unsigned long default_flags;
	unsigned long pfn_flags_mask;
	void *dev_private_owner;
};

/* Fills in hmm_pfns, one for each page.  Return: 0 or a negative errno. */
typedef int (*mmun_kcompat_hmm_t)(struct hmm_range *range);
MMUN_K_SHARED mmun_kcompat_hmm_t mmun_k_hmm;

static inline struct page *hmm_pfn_to_page(unsigned long hmm_pfn)
{
	return pfn_to_page(hmm_pfn & ~HMM_PFN_FLAGS);
}

static inline phys_addr_t hmm_pfn_to_phys(unsigned long hmm_pfn)
{
	return PFN_PHYS(hmm_pfn & ~HMM_PFN_FLAGS);
}

static inline unsigned int hmm_pfn_to_map_order(unsigned long hmm_pfn)
{
	return (hmm_pfn >> HMM_PFN_ORDER_SHIFT) & 0x1f;
}

static inline int hmm_range_fault(struct hmm_range *range)
{
	mmun_kcompat_hmm_t hmm = __atomic_load_n(&mmun_k_hmm, __ATOMIC_ACQUIRE);

	might_sleep();
	if (mmu_interval_check_retry(range->notifier, range->notifier_seq))
		return -EBUSY;
	/* What comes now, mmu_interval_read_retry() is for. */
	return hmm ? hmm(range) : -EFAULT;
}

#endif /* MMUN_KCOMPAT_LINUX_HMM_H */
