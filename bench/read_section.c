// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What does an empty read section cost? */
#include "bench.h"
#include "reader.h"

static const struct reader *const readers[] = {
	&reader_mmunotify, &reader_urcu_memb, &reader_urcu_bp,
	&reader_urcu_qsbr, &reader_rwlock,
};

enum { COUNT = sizeof(readers) / sizeof(readers[0]) };

int main(int argc, char **argv)
{
	struct bench_case cases[COUNT] = {};

	bench_begin("read_section", argc, argv);
	for (int i = 0; i < COUNT; i++) {
		readers[i]->attach();
		cases[i].name = readers[i]->name;
		cases[i].run = readers[i]->section;
	}
	bench_measure(cases, COUNT);
	for (int i = 1; i < COUNT; i++)
		bench_ratio("read_section", &cases[0], &cases[i], NULL);
	bench_release(cases, COUNT);
	return 0;
}
