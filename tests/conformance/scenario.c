// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static void *more(void *of, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return of;
	of = realloc(of, (nr ? nr * 2 : 1) * size);
	if (!of)
		abort();
	return of;
}

char *trim_line(char *line)
{
	size_t n;

	line[strcspn(line, "#\n")] = 0;
	for (n = strlen(line); n && isspace((unsigned char)line[n - 1]);)
		line[--n] = 0;
	while (isspace((unsigned char)*line))
		line++;
	return line;
}

static struct scenario *begin(struct scenarios *to, const char *name)
{
	struct scenario *sc;

	to->all = more(to->all, to->nr, sizeof(*to->all));
	sc = &to->all[to->nr++];
	*sc = (struct scenario){ .name = strdup(name) };
	return sc;
}

int scenarios_read(struct scenarios *to, const char *path)
{
	FILE *file = fopen(path, "r");
	struct scenario *sc = NULL;
	char line[LINE_MAX_LEN], *l;

	if (!file) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), file)) {
		l = trim_line(line);
		if (!*l)
			continue;
		if (!strncmp(l, "scenario ", 9)) {
			sc = begin(to, trim_line(l + 9));
		} else if (!strcmp(l, "end")) {
			sc = NULL;
		} else if (sc) {
			sc->lines = more(sc->lines, sc->nr_lines,
					 sizeof(*sc->lines));
			sc->lines[sc->nr_lines++] = strdup(l);
		}
	}
	fclose(file);
	return 0;
}

static bool begins_with(const char *line, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(line, word, n) && (!line[n] || line[n] == ' ');
}

bool scenario_has(const struct scenario *sc, const char *word)
{
	static const char *const prefixes[] = { "p: ", "bg: ", "bg2: " };

	for (size_t i = 0; i < sc->nr_lines; i++) {
		const char *l = sc->lines[i];

		for (size_t j = 0; j < 3; j++)
			if (!strncmp(l, prefixes[j], strlen(prefixes[j])))
				l += strlen(prefixes[j]);
		if (begins_with(l, word))
			return true;
	}
	return false;
}

bool scenario_parent_has(const struct scenario *sc, const char *word)
{
	for (size_t i = 0; i < sc->nr_lines; i++)
		if (!strncmp(sc->lines[i], "p: ", 3) &&
		    begins_with(sc->lines[i] + 3, word))
			return true;
	return false;
}

int split_words(char *line, char **words, int max)
{
	char *save, *word;
	int n = 0;

	for (word = strtok_r(line, " \t\n", &save); word && n < max;
	     word = strtok_r(NULL, " \t\n", &save))
		words[n++] = word;
	return n;
}

unsigned long address_of(const char *word)
{
	unsigned long n, k = 0;
	char *end;

	if (word[0] != 'r')
		return strtoul(word, NULL, 0);
	n = strtoul(word + 1, &end, 10);
	if (*end == '+')
		k = strtoul(end + 1, NULL, 0);
	return region(n) + k * PAGE;
}

void number_regions(const char *line, char *to, size_t room)
{
	char copy[LINE_MAX_LEN], *words[MAX_WORDS];
	size_t used = 0;
	int nr;

	snprintf(copy, sizeof(copy), "%s", line);
	nr = split_words(copy, words, MAX_WORDS);
	to[0] = 0;
	for (int i = 0; i < nr && used < room; i++) {
		const char *w = words[i];

		if (w[0] == 'r' && isdigit((unsigned char)w[1]))
			used += snprintf(to + used, room - used, "0x%lx ",
					 address_of(w));
		else
			used += snprintf(to + used, room - used, "%s ", w);
	}
}

void name_address(unsigned long address, char *to, size_t room)
{
	unsigned long offset = address - REGION_BASE;
	unsigned long n = offset / REGION_SIZE, byte = offset % REGION_SIZE;

	if (address >= REGION_BASE && n < NR_REGIONS && byte % PAGE)
		snprintf(to, room, "r%lu+%luB", n, byte);
	else if (address >= REGION_BASE && n < NR_REGIONS)
		snprintf(to, room, "r%lu+%lu", n, byte / PAGE);
	else if (address < PAGE)
		snprintf(to, room, "%lu", address);
	else if (address == ULONG_MAX)
		snprintf(to, room, "ULONG_MAX");
	else
		snprintf(to, room, "?%lx", address);
}
