// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command-line tool: what the library can do on this machine.
 */
#include <stdio.h>
#include <string.h>

#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "coverage/coverage.h"

/* Exit status 0 when the process's own address space can be watched. */
static int probe(int argc, char **argv)
{
	struct mmun_entry_info info;
	int err;

	(void)argv;
	if (argc > 1)
		return 2;
	err = mmun_monitor_start();
	printf("read sections: %s\n", mmun_srcu_flavor());
	for (size_t i = 0; !mmun_monitor_entry(i, &info); i++)
		printf("%s: %-16s %-8s %s%s%s\n", info.monitor, info.name,
		       info.reports ? "reports" : "silent",
		       info.how ? info.how : "",
		       info.error ? ": " : "",
		       info.error ? strerror(-info.error) : "");
	if (err)
		printf("mm_self() cannot be watched here: %s\n", strerror(-err));
	return err ? 1 : 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "probe", probe, "start the monitors in this process and say what they see" },
	{ "coverage", coverage, "perform what takes memory away, and say who sees it" },
};

static int usage(FILE *to)
{
	fprintf(to, "usage: mmunotify COMMAND\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(to, "  %-10s %s\n", "help", "this text");
	return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help")))
		return usage(stdout);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc >= 2 && !strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return usage(stderr);
}
