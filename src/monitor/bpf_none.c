// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The source "bpf", of a build that had no compiler for it. */
#include <errno.h>

#include "monitor/monitor_ops.h"

static int start(const char **state)
{
	*state = "built without clang or libbpf's headers";
	return -EOPNOTSUPP;
}

const struct mmun_monitor_ops mmun_monitor_bpf = {
	.name = "bpf",
	.covers = "nothing in this build",
	.needs = "clang with the target bpf and libbpf's headers, when it is built",
	.costs = "nothing",
	.start = start,
};
