// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "mnoracle.h"

void args_split(struct args *args, char *line)
{
	char *word;

	memset(args, 0, sizeof(*args));
	while (args->nr < MAX_WORDS && (word = strsep(&line, " \t\n")))
		if (*word)
			args->at[args->nr++] = word;
}

int args_number(struct args *args, int i, unsigned long *ret_number)
{
	if (i >= args->nr || kstrtoul(args->at[i], 0, ret_number))
		return -EINVAL;
	return 0;
}

int args_setting(struct args *args, int i, char **ret_key, long *ret_value)
{
	char *value = strchr(args->at[i], '=');

	*ret_key = args->at[i];
	*ret_value = 1;
	if (!value)
		return 0;
	*value = 0;
	return kstrtol(value + 1, 0, ret_value) ? -EINVAL : 0;
}

long args_bad(struct args *args)
{
	tr("?? bad command %s", args->at[0]);
	return -EINVAL;
}

bool args_is(struct args *args, int i, const char *word)
{
	return i < args->nr && !strcmp(args->at[i], word);
}
