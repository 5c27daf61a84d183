/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef YOUNG_H
#define YOUNG_H
/* The members of the library's struct mmu_notifier_ops, by young_plain.c. */
#include <stddef.h>

#define YOUNG_MEMBERS(what)						\
	what(release) what(clear_flush_young) what(clear_young)		\
	what(test_young) what(change_pte) what(invalidate_range_start)	\
	what(invalidate_range_end) what(invalidate_range)		\
	what(arch_invalidate_secondary_tlbs) what(alloc_notifier)	\
	what(free_notifier)
#define YOUNG_OFFSET(member) offsetof(struct mmu_notifier_ops, member),

extern const size_t young_plain[];
extern const size_t young_plain_size;

#endif /* YOUNG_H */
