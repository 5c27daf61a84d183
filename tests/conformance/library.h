/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_LIBRARY_H
#define CONFORMANCE_LIBRARY_H
/*
 * The back end "library": slots A to H, each the ops of a subscriber, and what was
 * made of them; interval slots 0 to 7.  The subject drives it (subject.c).
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "core/core.h"

#include "scenario.h"
#include "trace.h"
#include "version.h"

/* A command to the module, its words split. */
struct command {
	char *at[MAX_WORDS];
	int nr;
};

/* It is none, or not with these words. */
#define NO_COMMAND 1L

bool command_number(const struct command *c, int i, long *ret);
bool command_address(const struct command *c, int i, unsigned long *ret);

/* The address space of the calling thread: S's, or the parent's. */
struct mm_struct *current_mm(void);

/* -- address spaces -- */

/* It is mentioned from now on, as mm1, mm2, ... */
void watch_mm(struct mm_struct *mm);
/* What is said of it: " mm1 mu=1 mc=2". */
struct mm_text {
	char text[48];
};
struct mm_text mm_text(struct mm_struct *mm);
/* The bridge is registered on it, which is none of the scenario's. */
extern struct mm_struct *bridged_mm;

const char *event_name(enum mmu_notifier_event event);
/* Is it about a region, or about everything? */
bool is_ours(const struct mmu_notifier_range *range);

/* -- gates: callbacks that wait until they are let go -- */

struct gate {
	atomic_uint open;
};

void gate_close(struct gate *gate);
void gate_open(struct gate *gate);
/* Of an address space, or of none. */
void gate_wait(struct gate *gate, struct mm_struct *mm);
/* Set while the thread waits in one; NULL: it is not told. */
extern __thread atomic_bool *in_gate;
/* Is a callback of it waiting in one? */
bool gate_holds(const struct mm_struct *mm);

/* -- the library's side of the subject -- */

/* A command that the module has for a kernel.  Return: 0 or a negative errno. */
long library_command(const char *line);

void mms_reset(void);
void library_reset(struct version version);
extern struct version library_version;
long now_in_ms(void);
/* Nothing can be freed any more that was put, unless a callback holds it up. */
void library_settle(void);

/* library_interval.c.  Return: NO_COMMAND, or the result. */
long interval_command(const struct command *c);
void interval_reset(void);
/* "iinsx": on somebody's mm. */
long interval_insert_on(struct mm_struct *mm, const struct command *c);

#endif /* CONFORMANCE_LIBRARY_H */
