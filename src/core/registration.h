/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CORE_REGISTRATION_H
#define MMUN_CORE_REGISTRATION_H
/* The list of an mm: newest first, written under mm->lock, walked without. */

#include "base/mutants.h"
#include "core/core.h"

static inline bool mn_is_known(struct mmu_notifier *mn)
{
	return (mmun_read(&mn_private(mn)->state) & ~(uint64_t)MN_FLAGS) ==
	       mn_known(mn);
}

/* Is it, or its memory, still in use by a registration? */
static inline bool mn_in_use(struct mmu_notifier *mn)
{
	return mn_is_known(mn) && (mmun_read(&mn_private(mn)->state) &
				   (MN_PINNED | MN_FREEING));
}

static inline uint32_t wants_of(const struct mmu_notifier_ops *ops)
{
	uint32_t wants = 0;

	if (ops->invalidate_range_end || ops->invalidate_range)
		wants |= MM_WANTS_END;
	if (ops->arch_invalidate_secondary_tlbs)
		wants |= MM_WANTS_ARCH;
	return wants;
}

/*
 * Under mm->lock.  In this order, for a fork() that comes in between: whoever can
 * be found from mm->first is whole but for pprev.
 */
static inline void list_add(struct mm_struct *mm, struct mmu_notifier *mn)
{
	struct mn_private *priv = mn_private(mn);

	struct mmu_notifier **at = &mm->first;

	while (MMUN_BREAK(ORDER) && *at)
		at = &mn_private(*at)->next;
	priv->seq = ++mm->seq;
	priv->next = *at;
	priv->pprev = at;
	if (priv->next)
		mn_private(priv->next)->pprev = &priv->next;
	mmun_fetch_or(&priv->state, MN_LISTED);
	mmun_write(&mm->wants, mm->wants | wants_of(mn->ops));
	/*
	 * ORDER(sub-publish): release.  Pairs with for_each_notifier(): a walk
	 * that finds the notifier finds its fields.
	 */
	mmun_store_release(at, mn);
}

/* Under mm->lock.  A walk that stands on @mn goes on from its next. */
static inline void list_del(struct mmu_notifier *mn)
{
	struct mn_private *priv = mn_private(mn);

	if (!(mmun_fetch_and(&priv->state, ~(uint64_t)MN_LISTED) & MN_LISTED))
		return;
	mmun_store_release(priv->pprev, priv->next);
	if (priv->next)
		mn_private(priv->next)->pprev = priv->pprev;
}

#endif /* MMUN_CORE_REGISTRATION_H */
