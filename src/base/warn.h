/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_WARN_H
#define MMUN_BASE_WARN_H
/*
 * Reports of misuse: one line each, the first time it happens.  No stdio, no
 * allocation, errno preserved.  Context: any.
 */

#include <stdint.h>

#include "base/atomic.h"

void mmun_warn(const char *line);

#define mmun_warn_once(line)                                                   \
	do {                                                                   \
		static uint32_t warned;                                        \
		if (!mmun_xchg(&warned, 1))                                    \
			mmun_warn(line);                                       \
	} while (0)

#endif /* MMUN_BASE_WARN_H */
