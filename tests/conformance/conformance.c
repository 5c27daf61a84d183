// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * conformance: scenarios, run against this library and compared with what a kernel
 * did.  README.md has the whole story.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "driver.h"
#include "listed.h"
#include "scenario.h"

static const char usage[] =
	"usage: conformance [OPTION]... FILE...\n"
	"Run the scenarios of the files against the library.\n"
	"  --trace TRACE   compare with a kernel's trace; the last line says\n"
	"                  \"conformance: N equal, N listed, N different\"\n"
	"  --print         print our trace, too; without --trace that is all\n"
	"  --tap           a case of TAP per scenario\n"
	"  --listed FILE   which scenarios are known to differ, and how\n"
	"  --only NAME     this scenario\n"
	"  --normalisations, --differences\n"
	"                  print what is not compared, and how the two may differ\n";

static struct {
	const char *trace_path, *listed_path, *only;
	bool print, tap;
	struct text trace;
	struct version version;
	struct listed listed;
} options;

static unsigned int count[DIFFERENT + 1];
static unsigned int nr_cases, nr_absent;

/* -- a scenario -- */

static bool fits_list(const struct scenario *sc, const char *rules)
{
	const char *expected = listed_rules(&options.listed, sc->name,
					    options.version);

	if (!options.listed_path || !strcmp(expected, rules))
		return true;
	printf("# %s: listed to differ by \"%s\", differs by \"%s\"\n",
	       sc->name, expected, rules);
	return false;
}

static void print_verdict(const struct scenario *sc, enum verdict verdict,
			  const char *rules, const struct text *diff)
{
	static const char *const words[] = { "equal", "listed", "different" };

	if (diff->nr) {
		char *line = diff->at, *save;

		for (line = strtok_r(line, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			printf("%s%s\n", options.tap ? "# " : "", line);
	}
	if (options.tap)
		printf("%s %u - %s: as %u.%u does%s%s\n",
		       verdict == DIFFERENT ? "not ok" : "ok", ++nr_cases,
		       sc->name, options.version.major, options.version.minor,
		       rules[0] ? ", but for " : "", rules);
	else if (verdict != EQUAL)
		printf("%s: %s%s%s\n", words[verdict], sc->name,
		       rules[0] ? ": " : "", rules);
}

static void compare_scenario(const struct scenario *sc, int nth,
			     const char *our_trace)
{
	static struct canon kernel, ours;
	struct text diff = { NULL, 0, 0 };
	enum verdict verdict;
	char rules[128];

	canon_read(&kernel, options.trace.at, sc->name, nth, true);
	if (!kernel.found) {
		printf("# %s: not in the trace, or it breaks off there\n",
		       sc->name);
		nr_absent++;
		return;
	}
	canon_read(&ours, our_trace, sc->name, 0, false);
	canonicalise(&kernel);
	canonicalise(&ours);
	verdict = compare(&kernel, &ours, &diff, rules, sizeof(rules));
	if (kernel.corrected[0])
		printf("# %s: the kernel's trace was corrected: %s\n", sc->name,
		       kernel.corrected);
	if (verdict != DIFFERENT && !fits_list(sc, rules))
		verdict = DIFFERENT;
	count[verdict]++;
	print_verdict(sc, verdict, rules, &diff);
	free(diff.at);
}

/* Which of those of its name? */
static int nth_of(const struct scenarios *all, size_t at)
{
	int n = 0;

	for (size_t i = 0; i < at; i++)
		n += !strcmp(all->all[i].name, all->all[at].name);
	return n;
}

static void do_scenario(const struct scenarios *all, size_t at)
{
	const struct scenario *sc = &all->all[at];
	struct text trace = { NULL, 0, 0 };

	if (options.only && strcmp(options.only, sc->name))
		return;
	run_scenario(sc, options.version, &trace);
	if (options.print || !options.trace_path)
		fwrite(trace.at, 1, trace.nr, stdout);
	if (options.trace_path)
		compare_scenario(sc, nth_of(all, at), trace.at);
	fflush(stdout);
	free(trace.at);
}

/* -- options -- */

enum {
	TRACE = 1, PRINT, TAP, LIST, ONLY, NORMALISATIONS, DIFFERENCES, HELP,
};

static const struct option long_options[] = {
	{ "trace", required_argument, NULL, TRACE },
	{ "print", no_argument, NULL, PRINT },
	{ "tap", no_argument, NULL, TAP },
	{ "listed", required_argument, NULL, LIST },
	{ "only", required_argument, NULL, ONLY },
	{ "normalisations", no_argument, NULL, NORMALISATIONS },
	{ "differences", no_argument, NULL, DIFFERENCES },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static void print_tables(bool normalisations)
{
	if (normalisations) {
		print_normalisations(stdout);
		printf("\nIn a kernel's trace alone:\n\n");
		print_corrections(stdout);
	} else {
		print_differences(stdout);
	}
	exit(0);
}

static void read_option(int option)
{
	switch (option) {
	case TRACE:
		options.trace_path = optarg;
		break;
	case PRINT:
		options.print = true;
		break;
	case TAP:
		options.tap = true;
		break;
	case LIST:
		options.listed_path = optarg;
		break;
	case ONLY:
		options.only = optarg;
		break;
	case NORMALISATIONS:
	case DIFFERENCES:
		print_tables(option == NORMALISATIONS);
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		read_option(option);
	if (optind == argc) {
		fputs(usage, stderr);
		exit(2);
	}
	options.version = (struct version){ 7, 2 };
	if (options.trace_path) {
		if (text_read(&options.trace, options.trace_path))
			exit(2);
		options.version = canon_version(options.trace.at);
	}
	if (options.listed_path &&
	    listed_read(&options.listed, options.listed_path))
		exit(2);
}

static int summary(void)
{
	if (!options.trace_path)
		return 0;
	if (options.tap)
		printf("1..%u\n# ", nr_cases);
	printf("conformance: %u equal, %u listed, %u different\n", count[EQUAL],
	       count[LISTED], count[DIFFERENT]);
	if (count[EQUAL] + count[LISTED] + count[DIFFERENT] == 0) {
		fprintf(stderr, "nothing was compared\n");
		return 2;
	}
	return count[DIFFERENT] ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct scenarios all;

	if (argc > 1 && !strcmp(argv[1], "--subject"))
		return subject_from_args(argc, argv);
	read_options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	for (int i = optind; i < argc; i++)
		if (scenarios_read(&all, argv[i]))
			return 2;
	for (size_t i = 0; i < all.nr; i++)
		do_scenario(&all, i);
	return summary();
}
