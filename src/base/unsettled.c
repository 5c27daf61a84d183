// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/unsettled.h"

uint32_t mmun_unsettled;
