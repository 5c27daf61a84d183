// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/core.h"

__thread struct mmun_task mmun_task __attribute__((tls_model("initial-exec")));

bool mmun_in_callback(const struct mm_struct *mm)
{
	for (struct mmun_walk *w = mmun_read(&mmun_task.walk); w; w = w->outer)
		if (w->mm == mm)
			return true;
	return false;
}
