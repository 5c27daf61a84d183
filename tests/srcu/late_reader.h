/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_SRCU_LATE_READER_H
#define TESTS_SRCU_LATE_READER_H
/*
 * A reader that loaded idx and then lost the CPU, for as long as the test
 * likes: mmun_srcu_read_lock() from there on, by the same operations.
 */
#include "base/srcu.h"

static inline __attribute__((always_inline)) void
enter_late(struct mmun_srcu *sp, unsigned int bank)
{
	if (!mmun_this_cpu_inc((uint64_t *)sp + bank,
			       offsetof(struct mmun_srcu, slots[0].lock)))
		mmun_srcu_enter_stripe(sp, bank);
}

#endif /* TESTS_SRCU_LATE_READER_H */
