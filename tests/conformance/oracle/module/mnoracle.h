/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MNORACLE_H
#define MNORACLE_H
/*
 * The real mmu_notifier, driven by text commands: what it does is the oracle that
 * this project's library is held against.
 *
 *	write(/dev/mnoracle, "get A")	runs a command on the writer's mm
 *	read(/dev/mnoracle)		takes the trace since the last read
 *
 * Slots "A" to "H" are a struct mmu_notifier_ops each; their objects are A1, A2
 * and so on.  Slots 0 to 7 are interval notifiers, "I0" to "I7" in the trace.
 *
 * The module uses symbols that are for GPL modules, and so is one itself.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/types.h>

/* -- trace.c: what is said, in order -- */

int tr_init(void);
void tr_exit(void);
__printf(1, 2) void tr(const char *fmt, ...);
void tr_mute(bool mute);
void tr_restart(void);		/* number the lines from 0 again */
ssize_t tr_read(char __user *to, size_t room);

const char *event_name(int event);
char lock_state(struct mm_struct *mm);	/* of mmap_lock: W, R or - */

/* The address spaces that a scenario is about are mm1, mm2 and so on. */
void watch_mm(struct mm_struct *mm);
int mm_id(struct mm_struct *mm);	/* 0: not one of them */
void forget_mms(void);

#define MM_FORMAT " mm%d mu=%d mc=%d"
#define MM_ARGS(mm) mm_id(mm), atomic_read(&(mm)->mm_users), \
	atomic_read(&(mm)->mm_count)

/* -- args.c: a command, and its words -- */

#define MAX_WORDS 12

struct args {
	char *at[MAX_WORDS];
	int nr;
};

struct command {
	const char *name;
	int nr_args;			/* that it needs */
	long (*run)(struct args *args);
};

/* Split in place. */
void args_split(struct args *args, char *line);
/* Return: 0 or -EINVAL. */
int args_number(struct args *args, int i, unsigned long *ret_number);
/* "key=value" or "key", which means 1. */
int args_setting(struct args *args, int i, char **ret_key, long *ret_value);
bool args_is(struct args *args, int i, const char *word);

/* A command about what is not there: say so.  Return: -EINVAL. */
long args_bad(struct args *args);

/* -- the commands, an array per file that ends with a NULL name -- */

extern const struct command slot_commands[], interval_commands[],
	range_commands[], quiet_commands[], probe_commands[], stress_commands[];

/* -- ranges.c: invalidations that no system call makes -- */

void ranges_init(void);
bool ranges_found(bool end);		/* could the kernel's calls be had? */
bool ranges_open(void);			/* is there one between start and end? */

/* -- slots.c: classic notifiers -- */

struct object;

int slots_reset(void);
struct mmu_notifier_ops *slot_ops(const char *name);
/* "A1", or the slot's latest for "A"; NULL: there is none. */
struct object *object_named(const char *name);
struct mm_struct *object_mm(struct object *object);
/* free_notifier calls that are still to come, and all that have been. */
bool frees_pending(void);
int frees_done(void);

/* -- intervals.c -- */

void intervals_reset(void);
void intervals_init(void);

/* -- quiet.c: who is blocked -- */

/* A callback is about to wait for the scenario, or done with it. */
void gate_enter(void);
void gate_leave(void);
void hang_reset(void);

/* -- probes.c -- */

void probes_init(void);
void probes_exit(void);
void probes_reset(void);

#endif /* MNORACLE_H */
