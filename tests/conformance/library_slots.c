// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the module's slots are for a kernel, for the library; they print the same. */
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library_slots.h"

struct slot slots[NR_SLOTS];
struct object objects[NR_OBJECTS];
atomic_int nr_made, nr_freed;

/* -- objects -- */

struct object *object_of(struct mmu_notifier *mn)
{
	return (struct object *)((char *)mn - offsetof(struct object, mn));
}

struct object *make_object(struct slot *s)
{
	int i = atomic_fetch_add(&nr_made, 1);
	struct object *o = &objects[i];

	if (i >= NR_OBJECTS)
		return NULL;
	o->slot = s;
	o->id = ++s->nr_objects;
	o->live = true;
	return o;
}

void drop_object(struct object *o)
{
	o->live = false;
	if (o->slot->current == o)
		o->slot->current = NULL;
}

int nr_live(void)
{
	int made = atomic_load(&nr_made), n = 0;

	for (int i = 0; i < made && i < NR_OBJECTS; i++)
		n += objects[i].live;
	return n;
}

bool is_listed(struct mmu_notifier *mn)
{
	return (mmun_read(&mn_private(mn)->state) & MN_LISTED) &&
	       (mn_private(mn)->state & ~(uint64_t)MN_FLAGS) == mn_known(mn);
}

void put_object(struct object *o)
{
	if (mmun_read(&o->mn.users) == 1)
		atomic_store(&o->is_put, true);
	mmu_notifier_put(&o->mn);
	tr("= put %c%d returned", o->slot->name, o->id);
}

/* -- callbacks -- */

static void gate_at(struct object *o, unsigned int where, const char *name)
{
	struct slot *s = o->slot;

	if (!(atomic_load(&s->blocks) & where))
		return;
	tr("  %c%d.%s BLOCKED", s->name, o->id, name);
	gate_wait(&s->gate, o->mn.mm);
	tr("  %c%d.%s resumed", s->name, o->id, name);
}

static void on_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct object *o = object_of(mn);
	struct slot *s = o->slot;
	int puts = s->puts_in_release;

	tr("%c%d.release users=%u hashed=%d%s", s->name, o->id, mn->users,
	   is_listed(mn), mm_text(mm).text);
	gate_at(o, BLOCK_RELEASE, "release");
	for (int i = 0; i < puts; i++) {
		tr("  %c%d put-from-release users=%u", s->name, o->id,
		   mn->users);
		atomic_store(&o->is_put, mn->users == 1);
		mmu_notifier_put(mn);
	}
}

static int on_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *r)
{
	struct object *o = object_of(mn);
	bool blockable = mmu_notifier_range_blockable(r);
	int ret = blockable ? o->slot->start_block : o->slot->start_nonblock;

	if (!is_ours(r))
		return 0;
	tr("%c%d.start %s %s @%lx-%lx ml=- ret=%d%s", o->slot->name, o->id,
	   event_name(r->event), blockable ? "B" : "nb", r->start, r->end, ret,
	   mm_text(r->mm).text);
	if (blockable)
		gate_at(o, BLOCK_START, "start");
	return ret;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct object *o = object_of(mn);
	bool blockable = mmu_notifier_range_blockable(r);

	if (!is_ours(r))
		return;
	tr("%c%d.end   %s %s @%lx-%lx ml=-%s", o->slot->name, o->id,
	   event_name(r->event), blockable ? "B" : "nb", r->start, r->end,
	   mm_text(r->mm).text);
	if (blockable)
		gate_at(o, BLOCK_END, "end");
}

static void on_flush(struct mmu_notifier *mn, struct mm_struct *mm,
		     unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range = { .start = start, .end = end };
	struct object *o = object_of(mn);

	(void)mm;
	if (is_ours(&range))
		tr("%c%d.inv   @%lx-%lx", o->slot->name, o->id, start, end);
}

static bool on_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	struct object *o = object_of(mn);

	(void)mm;
	tr("%c%d.clear_flush_young @%lx-%lx ret=%d", o->slot->name, o->id,
	   start, end, o->slot->young);
	return o->slot->young;
}

static bool on_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	struct object *o = object_of(mn);

	(void)mm;
	tr("%c%d.clear_young @%lx-%lx ret=%d", o->slot->name, o->id, start, end,
	   o->slot->young);
	return o->slot->young;
}

static bool on_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			  unsigned long address)
{
	struct object *o = object_of(mn);

	(void)mm;
	tr("%c%d.test_young @%lx-%lx ret=%d", o->slot->name, o->id, address,
	   address + 1, o->slot->young);
	return o->slot->young;
}

static void on_change_pte(struct mmu_notifier *mn, struct mm_struct *mm,
			  unsigned long address, pte_t pte)
{
	struct object *o = object_of(mn);

	(void)mm;
	(void)pte;
	tr("%c%d.change_pte @%lx-%lx", o->slot->name, o->id, address,
	   address + PAGE);
}

/* Held for writing by somebody?  Then nobody may read. */
static char lock_state(struct mm_struct *mm)
{
	if (!mmap_read_trylock(mm))
		return 'W';
	mmap_read_unlock(mm);
	return '-';
}

static struct mmu_notifier *alloc_in(struct slot *s, struct mm_struct *mm)
{
	struct object *o;

	if (s->alloc_error) {
		tr("%c.alloc_notifier -> err %d", s->name, s->alloc_error);
		return ERR_PTR(s->alloc_error);
	}
	o = make_object(s);
	if (!o)
		return ERR_PTR(-ENOMEM);
	tr("%c%d.alloc_notifier ml=%c%s", s->name, o->id, lock_state(mm),
	   mm_text(mm).text);
	return &o->mn;
}

/* The callback is not told whose it is. */
#define ALLOC(n)                                                               \
	static struct mmu_notifier *alloc_##n(struct mm_struct *mm)            \
	{                                                                      \
		return alloc_in(&slots[n], mm);                                \
	}
ALLOC(0) ALLOC(1) ALLOC(2) ALLOC(3) ALLOC(4) ALLOC(5) ALLOC(6) ALLOC(7)
static struct mmu_notifier *(*const allocs[])(struct mm_struct *mm) = {
	alloc_0, alloc_1, alloc_2, alloc_3, alloc_4, alloc_5, alloc_6, alloc_7,
};

/* As slow as the scenario wants it. */
static void take_time(int ms)
{
	long until = now_in_ms() + ms;

	while (ms && now_in_ms() < until)
		sched_yield();
}

static void on_free(struct mmu_notifier *mn)
{
	struct object *o = object_of(mn);
	struct slot *s = o->slot;
	const char *context = task_name ? "" : "worker";

	take_time(s->free_ms);
	if (!mn->mm)
		tr("%c%d.free_notifier users=%u ctx=%s mn->mm=NULL", s->name,
		   o->id, mn->users, context);
	else
		tr("%c%d.free_notifier users=%u ctx=%s%s", s->name, o->id,
		   mn->users, context, mm_text(mn->mm).text);
	drop_object(o);
	atomic_fetch_add(&nr_freed, 1);
	atomic_store(&o->is_freed, true);
}

/* -- slots -- */

static void slot_defaults(struct slot *s, unsigned int n)
{
	memset(s, 0, sizeof(*s));
	s->name = 'A' + n;
	s->ops.release = on_release;
	s->ops.invalidate_range_start = on_start;
	s->ops.invalidate_range_end = on_end;
	s->ops.alloc_notifier = allocs[n];
	s->ops.free_notifier = on_free;
}

/* The operation for a flush that this kernel has. */
static void set_flush(struct slot *s, bool on)
{
	if (since(library_version, 6, 6))
		s->ops.arch_invalidate_secondary_tlbs = on ? on_flush : NULL;
	else
		s->ops.invalidate_range = on ? on_flush : NULL;
}

static bool set_operation(struct slot *s, const char *key, bool on)
{
	struct mmu_notifier_ops *ops = &s->ops;

	if (!strcmp(key, "start"))
		ops->invalidate_range_start = on ? on_start : NULL;
	else if (!strcmp(key, "end"))
		ops->invalidate_range_end = on ? on_end : NULL;
	else if (!strcmp(key, "release"))
		ops->release = on ? on_release : NULL;
	else if (!strcmp(key, "inv"))
		set_flush(s, on);
	else if (!strcmp(key, "cpte") && !since(library_version, 6, 10))
		ops->change_pte = on ? on_change_pte : NULL;
	else if (!strcmp(key, "cfy"))
		ops->clear_flush_young = on ? on_clear_flush_young : NULL;
	else if (!strcmp(key, "cy"))
		ops->clear_young = on ? on_clear_young : NULL;
	else if (!strcmp(key, "ty"))
		ops->test_young = on ? on_test_young : NULL;
	else
		return false;
	return true;
}

void slot_set(struct slot *s, const char *key, long value)
{
	if (set_operation(s, key, value))
		return;
	if (!strcmp(key, "retnb")) {
		s->start_nonblock = value;
	} else if (!strcmp(key, "retb")) {
		s->start_block = value;
	} else if (!strcmp(key, "putrel")) {
		s->puts_in_release = value;
	} else if (!strcmp(key, "allocerr")) {
		s->alloc_error = value;
	} else if (!strcmp(key, "young")) {
		s->young = value;
	} else if (!strcmp(key, "freedly")) {
		s->free_ms = value;
	} else if (!strcmp(key, "block")) {
		gate_close(&s->gate);
		atomic_store(&s->blocks, value);
	} else if (strcmp(key, "sleepcb") && strcmp(key, "gfp")) {
		/* Those two ask the kernel's checkers; there are none here. */
		tr("?? unknown key %s", key);
	}
}

struct slot *slot_of(const struct command *c, int i)
{
	char name = i < c->nr ? c->at[i][0] : 0;

	return name >= 'A' && name < 'A' + NR_SLOTS ? &slots[name - 'A'] : NULL;
}

/* "A": the one that was made last; "A2": that one. */
struct object *named_object(const struct command *c, int i)
{
	struct slot *s = slot_of(c, i);
	int made = atomic_load(&nr_made);

	if (!s)
		return NULL;
	if (!isdigit((unsigned char)c->at[i][1]))
		return s->current;
	for (int n = 0; n < made && n < NR_OBJECTS; n++)
		if (objects[n].live && objects[n].slot == s &&
		    objects[n].id == atoi(c->at[i] + 1))
			return &objects[n];
	return NULL;
}

void slots_reset(void)
{
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		slot_defaults(&slots[i], i);
}
