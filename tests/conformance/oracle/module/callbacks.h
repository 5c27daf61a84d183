/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MNORACLE_CALLBACKS_H
#define MNORACLE_CALLBACKS_H
/* Slots: what the callbacks of a struct mmu_notifier_ops say, return and do. */
#include <linux/completion.h>
#include <linux/mmu_notifier.h>

#define NR_SLOTS 8

/* Callbacks that can be blocked, as a scenario has them: "cfg A block=5". */
enum { AT_START = 1, AT_END = 2, AT_RELEASE = 4 };

struct slot {
	struct mmu_notifier_ops ops;
	char name;
	int nr_objects;			/* ever */
	struct object *current_object;	/* the one that "put A" means */

	int start_nonblock_ret, start_ret;
	int nr_puts;			/* from ->release */
	int alloc_error;
	int young;
	int free_ms;			/* free_notifier takes so long */
	bool sleeps, allocates;		/* ->start does */
	unsigned int block;		/* AT_*: wait for "unblock" there */
	struct completion gate;
};

struct object {
	struct mmu_notifier notifier;
	struct slot *slot;
	int id;
};

static inline struct object *object_of(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct object, notifier);
}

void slot_defaults(struct slot *slot, int nr);
/* Return: is there such a key? */
bool slot_set(struct slot *slot, const char *key, long value);

/* slots.c: NULL where there is no memory */
struct object *object_new(struct slot *slot);
void object_freed(struct object *object);

#endif /* MNORACLE_CALLBACKS_H */
