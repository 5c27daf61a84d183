// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>

#include "monitor/monitor_ops.h"

static int start(const char **state)
{
	*state = "not built";
	return -EOPNOTSUPP;
}

const struct mmun_monitor_ops mmun_monitor_bpf = {
	.name = "bpf",
	.start = start,
};
