// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "listed.h"

int listed_read(struct listed *listed, const char *path)
{
	return text_read(&listed->text, path);
}

static bool reaches(struct version version, const char *from, bool otherwise)
{
	unsigned int major, minor;

	if (sscanf(from, "%u.%u", &major, &minor) != 2)
		return otherwise;
	return since(version, major, minor);
}

const char *listed_rules(const struct listed *listed, const char *name,
			 struct version version)
{
	static char rules[64];
	char of[64], from[16], before[16];
	const char *line = listed->text.at;

	for (; line && *line; line = strchr(line, '\n'), line += !!line) {
		from[0] = before[0] = 0;
		if (*line == '#' ||
		    sscanf(line, "%63s %63s%*[ ]%15[0-9.-]%*[ ]%15[0-9.]", of,
			   rules, from, before) < 2 ||
		    strcmp(of, name))
			continue;
		if (reaches(version, from, true) &&
		    !reaches(version, before, false))
			return rules;
	}
	return "";
}
