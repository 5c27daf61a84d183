// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table on a terminal: 105 columns. */
#include "results.h"

static const char *cell(const struct judgement *j)
{
	static const char *const cells[] = {
		[VERDICT_NONE] = "-",
		[VERDICT_NA] = "n/a",
		[VERDICT_QUIET] = ".",
		[VERDICT_BEFORE] = "pre",
		[VERDICT_AFTER] = "post",
		[VERDICT_SEEN] = "seen",
		[VERDICT_DECLARED] = "decl",
		[VERDICT_MISSED] = "MISS",
		[VERDICT_HANG] = "HANG",
		[VERDICT_CRASH] = "DIES",
	};

	return cells[j->verdict];
}

static void print_head(FILE *to, const struct results *all)
{
	fprintf(to, "%-48s %-4s %-6s", "operation", "via", "truth");
	for (size_t c = 0; c < all->nr_columns; c++)
		fprintf(to, " %-4s", all->columns[c].observer->column);
	fputs("\n", to);
}

/* A call that does something else than alone is marked. */
static void print_row(FILE *to, const struct results *all, size_t index)
{
	const struct truths *t = &all->truths[index];
	struct row row;

	row_at(index, &row);
	fprintf(to, "%-48.48s %-4s %-5s%c", row.op->name, row_via(&row),
		t->reason ? "n/a" : truth_name(t->pinned),
		t->pin == PIN_REFERENCE && !t->reason ? '*' : ' ');
	for (size_t c = 0; c < all->nr_columns && !t->reason; c++) {
		struct judgement j = results_judge(all, index, &all->columns[c]);

		fprintf(to, "%c%-4s", j.breaks ? '!' : ' ', cell(&j));
	}
	if (t->reason)
		fprintf(to, " %s", t->reason);
	fputs("\n", to);
}

static void print_legend(FILE *to, const struct results *all)
{
	fprintf(to, "\ntruth: is the page that was held before still behind its "
		"address?\n"
		"  LOST: nothing is; MOVED: another is; *: held by a plain "
		"reference, the kernel refuses a pin\n"
		"pre: seen while the old page was there; post: later; seen: told, "
		"when is not known;\n"
		"decl: not seen, as mmun_coverage() had said; MISS: in silence; "
		".: nothing died; n/a: not here;\n"
		"!: the operation does something else than alone\n");
	for (size_t c = 0; c < all->nr_columns; c++) {
		const struct column *col = &all->columns[c];
		const char *error = column_error(col);

		fprintf(to, "  %-4s %s (%s)%s%s\n", col->observer->column,
			col->observer->name, col->observer->what,
			error ? ": not here: " : "", error ? error : "");
	}
	fprintf(to, "\n");
}

static void print_sum(FILE *to, const struct column *c)
{
	const struct tally *sum = &c->all;

	if (column_error(c))
		return;
	fprintf(to, "%s: seen %u (before %u, after %u), declared %u, missed %u "
		"of %u", c->observer->name, sum->seen, sum->before, sum->after,
		sum->declared, sum->missed, sum->total);
	if (sum->refused)
		fprintf(to, "; cannot watch %u", sum->refused);
	if (sum->broken)
		fprintf(to, "; breaks %u calls", sum->broken);
	fprintf(to, "; of the %u that peers are measured by: seen %u\n",
		c->table.total, c->table.seen);
}

void print_table(FILE *to, const struct results *all)
{
	print_head(to, all);
	for (size_t row = 0; row < all->nr_rows; row++)
		if (results_has_row(all, row))
			print_row(to, all, row);
	print_legend(to, all);
	for (size_t c = 0; c < all->nr_columns; c++)
		print_sum(to, &all->columns[c]);
}
