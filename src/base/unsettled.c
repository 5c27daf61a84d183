// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/export.h"
#include "base/unsettled.h"

MMUN_PUBLIC struct mmun_unsettled mmun_unsettled;
