// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* In place of libfabric.c, where its headers are missing. */
#include "party.h"

static bool absent(void)
{
	return false;
}

const struct party libfabric = {
	.name = "libfabric",
	.needs = "the headers of libfabric (libfabric-dev, libibverbs-dev, librdmacm-dev)",
	.present = absent,
};
