// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rows.h"

static const struct op *const tables[] = {
	ops_map, ops_advice, ops_heap, ops_thread, ops_loader, ops_sysv,
	ops_file, ops_uring, ops_process,
};

/* Count down through the ways of one operation. */
static bool way_at(const struct op *op, size_t *index, struct row *ret_row)
{
	for (unsigned int via = VIA_LIBC; via <= VIA_RAW; via <<= 1) {
		if (!(op->via & via) || (*index)--)
			continue;
		*ret_row = (struct row){ op, via == VIA_RAW };
		return true;
	}
	return false;
}

bool row_at(size_t index, struct row *ret_row)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct op *op = tables[t]; op->name; op++)
			if (way_at(op, &index, ret_row))
				return true;
	return false;
}

size_t count_rows(void)
{
	struct row row;
	size_t n = 0;

	while (row_at(n, &row))
		n++;
	return n;
}
