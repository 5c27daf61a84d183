/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_SCENARIO_H
#define CONFORMANCE_SCENARIO_H
/*
 * The scenario language, a command per line, # begins a comment:
 *
 *	scenario NAME
 *	[p:|bg:|bg2:] COMMAND
 *	end
 *
 * Without a prefix a command runs in the subject S, a fresh process; with bg: or
 * bg2: in a helper thread of it, which "join" and "join2" wait for; with p: in the
 * parent, which outlives S.  README.md lists the commands.
 */
#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_LEN 256
#define MAX_WORDS 12

struct scenario {
	char *name;
	char **lines;
	size_t nr_lines;
};

struct scenarios {
	struct scenario *all;
	size_t nr;
};

/* Add those of a file.  Return: 0, or -1 with a message written. */
int scenarios_read(struct scenarios *to, const char *path);
/* Is there a command, with whatever prefix, that begins with this word? */
bool scenario_has(const struct scenario *sc, const char *word);
/* Is there a command of the parent that begins with this word? */
bool scenario_parent_has(const struct scenario *sc, const char *word);

/* -- words -- */

/* Without the comment and the space around it, in place. */
char *trim_line(char *line);
/* Split in place.  Return: how many. */
int split_words(char *line, char **words, int max);

/* Regions: rN+K is page K of region N. */
#define REGION_BASE 0x200000000000UL
#define REGION_SIZE (1UL << 30)
#define NR_REGIONS 32
#define PAGE 4096UL

static inline unsigned long region(unsigned long n)
{
	return REGION_BASE + n * REGION_SIZE;
}

/* "r1+2", or a number. */
unsigned long address_of(const char *word);
/* The line with its rN+K written as numbers. */
void number_regions(const char *line, char *to, size_t room);
/* An address as rN+K, or as what else it is. */
void name_address(unsigned long address, char *to, size_t room);

#endif /* CONFORMANCE_SCENARIO_H */
