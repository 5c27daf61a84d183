/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_ROWS_H
#define COVERAGE_ROWS_H
/* The rows of the table: each operation by each way to perform it. */

#include "ops.h"

struct row {
	const struct op *op;
	bool raw;
};

/* Return: false past the last one. */
bool row_at(size_t index, struct row *ret_row);
size_t count_rows(void);

static inline const char *row_via(const struct row *row)
{
	return row->raw ? "raw" : "libc";
}

#endif /* COVERAGE_ROWS_H */
