// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which rule of the library is broken (base/mutants.h): the one that the environment
 * names, so that the subject, too, which is executed, breaks it.
 */
#ifdef MMUN_MUTANT_BY_NAME
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutants.h"

int mmun_broken_rule;

static __attribute__((constructor)) void break_rule(void)
{
#define MMUN_RULE(name) #name,
	static const char *const names[] = { MMUN_RULES(MMUN_RULE) };
#undef MMUN_RULE
	const char *name = getenv("CONFORMANCE_BREAK");

	if (!name)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			mmun_broken_rule = i + 1;
	if (!mmun_broken_rule) {
		fprintf(stderr, "there is no rule %s\n", name);
		exit(2);
	}
}
#endif
