// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sys/utsname.h>

#include "results.h"

static void put_string(FILE *to, const char *text)
{
	if (!text) {
		fputs("null", to);
		return;
	}
	putc('"', to);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(to, "\\u%04x", c);
		else
			putc(c, to);
	}
	putc('"', to);
}

static void put_name(FILE *to, const char *name)
{
	put_string(to, name);
	fputs(": ", to);
}

static void put_text(FILE *to, const char *name, const char *text)
{
	put_name(to, name);
	put_string(to, text);
	fputs(", ", to);
}

static void put_bool(FILE *to, const char *name, bool value)
{
	put_name(to, name);
	fprintf(to, "%s, ", value ? "true" : "false");
}

static void put_tally(FILE *to, const struct tally *t)
{
	fprintf(to, "\"seen\": %u, \"before\": %u, \"after\": %u, "
		"\"declared\": %u, \"missed\": %u, \"refused\": %u, \"broken\": %u, "
		"\"total\": %u",
		t->seen, t->before, t->after, t->declared, t->missed, t->refused,
		t->broken, t->total);
}

static void put_source(FILE *to, const struct column *c)
{
	put_name(to, c->observer->name);
	fputs("{", to);
	put_text(to, "error", column_error(c));
	put_text(to, "what", c->observer->what);
	put_text(to, "state", *c->probe->state ? c->probe->state : NULL);
	put_bool(to, "ours", c->observer->ours);
	put_tally(to, &c->all);
	fputs(", \"table\": {", to);
	put_tally(to, &c->table);
	fputs("}}", to);
}

/* What a run without events says of the truth; null if that cannot be known. */
static const char *truth_text(enum truth t)
{
	return t == TRUTH_UNKNOWN ? NULL : truth_name(t);
}

static const char *held_text(const struct truths *t)
{
	return t->pin == PIN_LONGTERM ? truth_text(t->pinned) : "nopin";
}

static void put_judgement(FILE *to, const struct results *all, size_t row,
			  const struct column *c)
{
	const struct report *r = c->reports[row];
	struct judgement j = results_judge(all, row, c);

	put_name(to, c->observer->name);
	fputs("{", to);
	put_text(to, "verdict", verdict_name(j.verdict));
	put_bool(to, "breaks", j.breaks);
	put_text(to, "reason", *r->reason ? r->reason : NULL);
	fprintf(to, "\"blind\": %d, \"events\": %u, \"unflagged\": %u, "
		"\"released\": %u, \"result\": %lld, \"errno\": %d}",
		r->blind, r->before + r->after, r->unflagged, r->released,
		(long long)r->result, r->error);
}

static void put_row(FILE *to, const struct results *all, size_t index)
{
	const struct truths *t = &all->truths[index];
	struct row row;

	row_at(index, &row);
	fputs("{", to);
	put_text(to, "name", row.op->name);
	put_text(to, "via", row_via(&row));
	put_text(to, "kind", row.op->kind);
	put_bool(to, "table", row.op->flags & OP_TABLE);
	put_text(to, "error", t->reason);
	put_text(to, "truth", t->reason ? NULL : truth_text(t->plain));
	put_text(to, "truth_pinned", t->reason ? NULL : held_text(t));
	put_text(to, "truth_held", t->reason ? NULL : truth_text(t->pinned));
	put_bool(to, "dies", is_death(t));
	fprintf(to, "\"result\": %lld, \"errno\": %d, ",
		(long long)all->alone[index]->result, all->alone[index]->error);
	fputs("\"by\": {", to);
	for (size_t c = 0; c < all->nr_columns; c++) {
		fputs(c ? ", " : "", to);
		put_judgement(to, all, index, &all->columns[c]);
	}
	fputs("}}", to);
}

void print_json(FILE *to, const struct results *all)
{
	const char *comma = "\n";
	struct utsname system;

	uname(&system);
	fputs("{", to);
	put_text(to, "kernel", system.release);
	put_text(to, "machine", system.machine);
	put_bool(to, "unprivileged", all->unprivileged);
	fputs("\"sources\": {", to);
	for (size_t c = 0; c < all->nr_columns; c++) {
		fputs(c ? ",\n" : "\n", to);
		put_source(to, &all->columns[c]);
	}
	fputs("},\n\"rows\": [", to);
	for (size_t row = 0; row < all->nr_rows; row++) {
		if (!results_has_row(all, row))
			continue;
		fputs(comma, to);
		put_row(to, all, row);
		comma = ",\n";
	}
	fputs("]}\n", to);
}
