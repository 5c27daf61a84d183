// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>

#include "base/export.h"
#include "monitor/sources.h"
#include "monitor/watch.h"

bool mmun_is_watched(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
	return false;
}

void mmun_watch_started(void)
{
}

void mmun_watch_fork_prepare(void)
{
}

void mmun_watch_fork_done(void)
{
}

int mmun_watch(struct mmun_watch *watch, struct mm_struct *mm,
	       unsigned long start, unsigned long end)
{
	(void)watch;
	(void)mm;
	(void)start;
	(void)end;
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mmun_watch);

void mmun_unwatch(struct mmun_watch *watch)
{
	(void)watch;
}
EXPORT_SYMBOL(mmun_unwatch);
