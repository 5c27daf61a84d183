/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_CANON_H
#define CONFORMANCE_CANON_H
/*
 * A trace of one scenario in a form in which two can be compared: what neither
 * promises is taken out, by the table in canon_rules.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "version.h"

#define MAX_EVENTS 4096
#define MAX_BLOCKS 512
#define MAX_TEXT 200

/* A line that somebody has printed. */
struct event {
	char task[12];		/* "S", "S.bg", "exit", "kworker"; "": the runner */
	char text[MAX_TEXT];
	int block;		/* the command that it comes under */
	int mm;			/* mm1, mm2; 0: no address space is named */
	int mc;			/* mm_count; -1: none is named */
	int loose;		/* so many may have been dropped by frees, or not */
	bool dropped;
};

/* A command, and what came of it. */
struct block {
	char task[12];		/* whose it is */
	char command[MAX_TEXT];	/* "bg: munmap r1 0 4" */
	char verb[24];		/* "munmap" */
	char result[64];	/* "-12 (...)", "new image"; "" for 0 */
	bool failed;
};

struct canon {
	char name[64];
	bool is_kernel;		/* a trace of a kernel */
	bool found;
	struct block blocks[MAX_BLOCKS];
	int nr_blocks;
	struct event events[MAX_EVENTS];
	int nr_events;
	/* Which corrections were needed, by name. */
	char corrected[64];
};

/*
 * From "== NAME" on, the @nth of that name.  canon->found is false if it is not
 * there, or breaks off: the kernel has died in it.
 */
void canon_read(struct canon *canon, const char *trace, const char *name,
		int nth, bool is_kernel);
/* The version in a trace's first line, or the newest. */
struct version canon_version(const char *trace);

/* canon_rules.c: bring it into canonical form. */
void canonicalise(struct canon *canon);
void print_normalisations(FILE *to);

/* canon_kernel.c: what the library decides otherwise, in a trace of a kernel. */
void correct_kernel(struct canon *canon);
void print_corrections(FILE *to);

/* canon_races.c: those of its corrections that are about who is first. */
bool get_does_not_wait(struct canon *canon);
bool silent_after_release(struct canon *canon);
bool drop_second_release(struct canon *canon);

/* -- helpers -- */

bool begins(const char *text, const char *with);
bool contains(const char *text, const char *what);
/* "A1", of "A1.free_notifier" or "  A1.release BLOCKED" */
void subject_of(const struct event *event, char *who, size_t room);
void move_event(struct canon *canon, int from, int to);
/* In which command was the thread in the background told to do what it says here? */
int told_in(const struct canon *canon, const struct event *event);
/* "A1.start CLEAR B [r1+0,r1+4)": is it about a range, and which? */
struct range_event {
	char who[8];		/* "A1", "I0" */
	char what[12];		/* "start", "end", "invalidate" */
	char range[120];	/* "CLEAR B [r1+0,r1+4)" */
	bool failed;		/* the callback refused */
};
bool parse_range(const struct event *event, struct range_event *ret);
/* canon_sequences.c */
/* An invalidation less has hit: sequences from there on are lower. */
void shift_sequences(struct canon *canon, int after, long above, int by);
/* The sequence of an interval's invalidation, or 0. */
unsigned long sequence_of(const struct event *event);
/* The interval was not told this line: who reads finds what it was told before. */
void untell(struct canon *canon, int line);

/* Sort by command, and within by task. */
void sort_events(struct canon *canon);

#endif /* CONFORMANCE_CANON_H */
