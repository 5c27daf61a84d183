/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_LIBRARY_SLOTS_H
#define CONFORMANCE_LIBRARY_SLOTS_H
/* Slots, what was made of them, and their callbacks. */
#include "library.h"

enum {
	BLOCK_START = 1,
	BLOCK_END = 2,
	BLOCK_RELEASE = 4,
};

struct object;

struct slot {
	struct mmu_notifier_ops ops;
	char name;
	int nr_objects;
	struct object *current;		/* whom "put A" means */
	int start_nonblock, start_block; /* what start returns */
	int puts_in_release;
	int alloc_error;
	int young;
	int free_ms;			/* how long a free takes */
	atomic_uint blocks;
	struct gate gate;
};

struct object {
	struct mmu_notifier mn;
	struct slot *slot;
	int id;
	bool live;			/* made, and neither freed nor unregistered */
	atomic_bool is_put, is_freed;
};

#define NR_SLOTS 8
#define NR_OBJECTS 256

extern struct slot slots[NR_SLOTS];
/* Never used twice: a callback too late would be seen, and be harmless. */
extern struct object objects[NR_OBJECTS];
extern atomic_int nr_made, nr_freed;

struct object *object_of(struct mmu_notifier *mn);
struct object *make_object(struct slot *s);
void drop_object(struct object *o);
int nr_live(void);
bool is_listed(struct mmu_notifier *mn);
/* By the last put, if this is it. */
void put_object(struct object *o);

void slots_reset(void);
/* "cfg A KEY=VALUE" */
void slot_set(struct slot *s, const char *key, long value);

/* The slot, or the object, that a word names, or NULL. */
struct slot *slot_of(const struct command *c, int i);
struct object *named_object(const struct command *c, int i);

/* library_ranges.c */
long do_inv(const struct command *c);
long do_istart(const struct command *c);
long do_iend(const struct command *c);
long do_young(const struct command *c);
/* library_settle.c */
long do_stress_sync(const struct command *c);

#endif /* CONFORMANCE_LIBRARY_SLOTS_H */
