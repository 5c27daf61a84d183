// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Perform every operation that may take a page from behind its address, each
 * under every source, each in a process of its own, and say who saw it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mmunotify/monitor.h>

#include "child.h"
#include "coverage.h"
#include "results.h"
#include "runner.h"

struct options {
	const struct observer **chosen;
	size_t nr_chosen;
	const char *only;	/* rows with this in their names */
	bool json;
	bool list;
	bool unprivileged;
	bool verbose;
};

/* -- running -- */

const char *column_error(const struct column *c)
{
	const struct report *r = c->probe;

	if (r->hung)
		return "hangs at its start";
	if (r->signal)
		return "crashes at its start";
	if (r->stage == STAGE_READY)
		return NULL;
	return *r->reason ? r->reason : "does not start";
}

struct judgement results_judge(const struct results *all, size_t row,
			       const struct column *c)
{
	struct row what;

	if (column_error(c))
		return (struct judgement){ VERDICT_NONE, false };
	row_at(row, &what);
	return judge(&what, &all->truths[row], all->alone[row], c->reports[row]);
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) {
		perror("mmunotify coverage");
		exit(3);
	}
	return p;
}

bool results_has_row(const struct results *all, size_t index)
{
	struct row row;

	row_at(index, &row);
	return !all->only || strstr(row.op->name, all->only);
}

static bool has_any_row(const struct results *all)
{
	for (size_t i = 0; i < all->nr_rows; i++)
		if (results_has_row(all, i))
			return true;
	return false;
}

/* Does each source start at all? */
static void probe(struct runner *run, struct results *all, const struct options *o)
{
	for (size_t i = 0; i < o->nr_chosen; i++) {
		struct column *c = &all->columns[i];

		c->observer = o->chosen[i];
		c->reports = allocate(all->nr_rows, sizeof(*c->reports));
		c->probe = runner_add(run, PROBE_ROW, c->observer);
	}
	runner_run(run, 0);
}

static void perform(struct runner *run, struct results *all)
{
	size_t first = run->nr_jobs;

	for (size_t row = 0; row < all->nr_rows; row++) {
		const bool skip = !results_has_row(all, row);

		/* A report of no process says that it did not run. */
		if (skip) {
			all->alone[row] = all->plain[row] =
				allocate(1, sizeof(struct report));
		} else {
			all->alone[row] = runner_add(run, row, &nobody);
			all->plain[row] = runner_add(run, row, &nobody_at_all);
		}
		for (size_t c = 0; c < all->nr_columns; c++) {
			struct column *col = &all->columns[c];

			col->reports[row] = skip || column_error(col) ?
				allocate(1, sizeof(struct report)) :
				runner_add(run, row, col->observer);
		}
	}
	runner_run(run, first);
}

static void sum_up(struct results *all)
{
	struct row row;

	for (size_t i = 0; i < all->nr_rows; i++) {
		struct truths *t = &all->truths[i];

		row_at(i, &row);
		*t = judge_truth(&row, all->alone[i], all->plain[i]);
		for (size_t c = 0; c < all->nr_columns; c++) {
			struct column *col = &all->columns[c];
			struct judgement j = results_judge(all, i, col);

			tally_add(&col->all, &j, is_death(t));
			if (is_counted_in_table(&row, t))
				tally_add(&col->table, &j, true);
		}
	}
}

/* Nothing of ours may be silent, nor in the way. */
static int exit_status(const struct results *all)
{
	for (size_t i = 0; i < all->nr_columns; i++) {
		const struct column *c = &all->columns[i];

		if (c->observer->ours && !column_error(c) &&
		    (c->all.missed || c->all.broken))
			return 1;
	}
	return 0;
}

static int run_all(const struct options *o)
{
	struct results all = {
		.unprivileged = o->unprivileged,
		.only = o->only,
		.nr_rows = count_rows(),
		.nr_columns = o->nr_chosen,
	};
	struct runner run = {
		.unprivileged = o->unprivileged,
		.verbose = o->verbose,
	};

	if (!has_any_row(&all)) {
		fprintf(stderr, "mmunotify coverage: no row has \"%s\" in its name\n",
			o->only);
		return 2;
	}
	all.truths = allocate(all.nr_rows, sizeof(*all.truths));
	all.alone = allocate(all.nr_rows, sizeof(*all.alone));
	all.plain = allocate(all.nr_rows, sizeof(*all.plain));
	all.columns = allocate(all.nr_columns, sizeof(*all.columns));
	if (runner_open(&run, all.nr_columns + all.nr_rows * (all.nr_columns + 2))) {
		perror("mmunotify coverage");
		return 3;
	}
	probe(&run, &all, o);
	perform(&run, &all);
	sum_up(&all);
	(o->json ? print_json : print_table)(stdout, &all);
	return exit_status(&all);
}

/* -- saying -- */

static void list_sources(void)
{
	struct mmun_source_info info;

	printf("\nsources (--source):\n");
	for (size_t i = 0; i < nr_observers; i++)
		printf("  %-20s %s\n", observer_at(i)->name, observer_at(i)->what);
	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		printf("\n%s\n  covers: %s\n  needs:  %s\n  costs:  %s\n", info.name,
		       info.covers ? info.covers : "-",
		       info.needs ? info.needs : "-",
		       info.costs ? info.costs : "-");
}

static int list(void)
{
	struct row row;

	printf("%-49s %-4s %s\n", "operation", "via", "memory");
	for (size_t i = 0; row_at(i, &row); i++)
		printf("%-49s %-4s %s\n", row.op->name, row_via(&row),
		       row.op->kind);
	list_sources();
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: mmunotify coverage [--source NAME]... [--row TEXT] "
		"[--json] [--unprivileged] [--verbose]\n"
		"       mmunotify coverage --list\n");
	return 2;
}

/* -- the command line -- */

static bool choose(struct options *o, const char *name)
{
	const struct observer *found = find_observer(name);

	if (!found || o->nr_chosen == nr_observers)
		return false;
	for (size_t i = 0; i < o->nr_chosen; i++)
		if (o->chosen[i] == found)
			return true;
	o->chosen[o->nr_chosen++] = found;
	return true;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "source", required_argument, NULL, 's' },
		{ "row", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "unprivileged", no_argument, NULL, 'u' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's':
			if (!choose(o, optarg))
				return false;
			break;
		case 'r':
			o->only = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'l':
			o->list = true;
			break;
		case 'u':
			o->unprivileged = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

/* What the tool asks of itself: --run ROW SOURCE FD SLOT [--unprivileged]. */
static int run_one(int argc, char **argv)
{
	struct order order;

	if (argc < 6)
		return 2;
	order = (struct order){
		.row = atoi(argv[2]),
		.observer = argv[3],
		.fd = atoi(argv[4]),
		.slot = strtoul(argv[5], NULL, 10),
		.unprivileged = argc > 6,
	};
	return child_run(&order);
}

int coverage(int argc, char **argv)
{
	struct options o = { 0 };

	page_size = sysconf(_SC_PAGESIZE);
	if (argc > 1 && !strcmp(argv[1], "--run"))
		return run_one(argc, argv);
	if (argc == 5 && !strcmp(argv[1], "--gone"))
		return child_is_gone(atoi(argv[2]), strtoul(argv[3], NULL, 10),
				     (char *)strtoul(argv[4], NULL, 10));
	o.chosen = allocate(nr_observers, sizeof(*o.chosen));
	if (!parse(argc, argv, &o))
		return usage();
	if (o.list)
		return list();
	for (size_t i = 0; !o.nr_chosen && i < nr_observers; i++)
		o.chosen[i] = observer_at(i);
	if (!o.nr_chosen)
		o.nr_chosen = nr_observers;
	return run_all(&o);
}
