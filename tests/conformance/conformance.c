// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "driver.h"
int main(int argc, char **argv)
{
	struct scenarios all = { 0 };
	struct text t = { 0 };
	if (argc > 1 && !strcmp(argv[1], "--subject"))
		return subject_from_args(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i++)
		scenarios_read(&all, argv[i]);
	for (size_t i = 0; i < all.nr; i++) {
		run_scenario(&all.all[i], &library_backend, (struct version){7, 2}, &t);
		fwrite(t.at, 1, t.nr, stdout);
		t.nr = 0;
	}
}
