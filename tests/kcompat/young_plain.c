// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What young.c compares with: the library's header by itself. */
#include <mmunotify/mmu_notifier.h>

#include "young.h"

const size_t young_plain[] = { YOUNG_MEMBERS(YOUNG_OFFSET) };
const size_t young_plain_size = sizeof(struct mmu_notifier_ops);
