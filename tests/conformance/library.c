// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The commands that the module has for a kernel, for the library.  What they print
 * is the module's.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/syscall.h"
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

static struct slot slots[NR_SLOTS];
/* Never used twice: a callback too late would be seen, and be harmless. */
static struct object objects[NR_OBJECTS];
static atomic_int nr_made;
static atomic_int nr_freed;
static struct gate hang_gate;
static struct mm_struct *held_mm;
struct version library_version;

/* -- words -- */

bool command_number(const struct command *c, int i, long *ret)
{
	char *end;

	if (i >= c->nr)
		return false;
	errno = 0;
	*ret = strtol(c->at[i], &end, 0);
	return !*end && !errno;
}

bool command_address(const struct command *c, int i, unsigned long *ret)
{
	char *end;

	if (i >= c->nr)
		return false;
	errno = 0;
	*ret = strtoul(c->at[i], &end, 0);
	return !*end && !errno;
}

/* -- address spaces -- */

#define NR_WATCHED 16

static struct mm_struct *watched[NR_WATCHED];
static atomic_uint nr_watched;
static atomic_int blocked_in[NR_WATCHED + 1];
struct mm_struct *bridged_mm;

void watch_mm(struct mm_struct *mm)
{
	unsigned int nr = atomic_load(&nr_watched);

	for (unsigned int i = 0; i < nr; i++)
		if (watched[i] == mm)
			return;
	if (nr == NR_WATCHED)
		return;
	watched[nr] = mm;
	atomic_store(&nr_watched, nr + 1);
}

static unsigned int mm_id(const struct mm_struct *mm)
{
	unsigned int nr = atomic_load(&nr_watched);

	for (unsigned int i = 0; i < nr; i++)
		if (watched[i] == mm)
			return i + 1;
	return 0;
}

struct mm_text mm_text(struct mm_struct *mm)
{
	struct mm_text ret;

	snprintf(ret.text, sizeof(ret.text), " mm%u mu=%u mc=%u", mm_id(mm),
		 mmun_mm_users(mm),
		 mmun_mm_count(mm) - (mm == bridged_mm ? 1 : 0));
	return ret;
}

const char *event_name(enum mmu_notifier_event event)
{
	static const char *const names[] = {
		"UNMAP", "CLEAR", "PROT_VMA", "PROT_PAGE", "SOFT_DIRTY",
		"RELEASE", "MIGRATE", "EXCLUSIVE",
	};

	return event < sizeof(names) / sizeof(*names) ? names[event] : "EV?";
}

bool is_ours(const struct mmu_notifier_range *range)
{
	const unsigned long end = REGION_BASE + NR_REGIONS * REGION_SIZE;

	/* The runner's own memory comes and goes, too. */
	return (range->start < end && range->end > REGION_BASE) ||
	       range->start >= -PAGE || range->end <= PAGE;
}

/* -- gates -- */

__thread atomic_bool *in_gate;

void gate_close(struct gate *gate)
{
	atomic_store(&gate->open, 0);
}

void gate_open(struct gate *gate)
{
	atomic_store(&gate->open, 1);
	mmun_futex_wake((uint32_t *)&gate->open);
}

void gate_wait(struct gate *gate, struct mm_struct *mm)
{
	unsigned int id = mm ? mm_id(mm) : 0;

	atomic_fetch_add(&blocked_in[id], 1);
	if (in_gate)
		atomic_store(in_gate, true);
	while (!atomic_load(&gate->open))
		mmun_futex_wait((uint32_t *)&gate->open, 0, 0);
	if (in_gate)
		atomic_store(in_gate, false);
	atomic_fetch_sub(&blocked_in[id], 1);
}

static void gate_at(struct object *o, unsigned int where, const char *name)
{
	struct slot *s = o->slot;

	if (!(atomic_load(&s->blocks) & where))
		return;
	tr("  %c%d.%s BLOCKED", s->name, o->id, name);
	gate_wait(&s->gate, o->mn.mm);
	tr("  %c%d.%s resumed", s->name, o->id, name);
}

/* -- objects -- */

static struct object *object_of(struct mmu_notifier *mn)
{
	return (struct object *)((char *)mn - offsetof(struct object, mn));
}

static struct object *make_object(struct slot *s)
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

static void drop_object(struct object *o)
{
	o->live = false;
	if (o->slot->current == o)
		o->slot->current = NULL;
}

static int nr_live(void)
{
	int made = atomic_load(&nr_made), n = 0;

	for (int i = 0; i < made && i < NR_OBJECTS; i++)
		n += objects[i].live;
	return n;
}

static bool is_listed(struct mmu_notifier *mn)
{
	return (mmun_read(&mn_private(mn)->state) & MN_LISTED) &&
	       (mn_private(mn)->state & ~(uint64_t)MN_FLAGS) == mn_known(mn);
}

/* -- callbacks -- */

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

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As slow as the scenario wants it. */
static void take_time(int ms)
{
	long until = now_ms() + ms;

	while (ms && now_ms() < until)
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

static void set_key(struct slot *s, const char *key, long value)
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

static struct slot *slot_of(const struct command *c, int i)
{
	char name = i < c->nr ? c->at[i][0] : 0;

	return name >= 'A' && name < 'A' + NR_SLOTS ? &slots[name - 'A'] : NULL;
}

/* "A": the one that was made last; "A2": that one. */
static struct object *named_object(const struct command *c, int i)
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

/* -- commands: the runner's own -- */

static long do_mark(const struct command *c)
{
	tr("mark %s", c->nr > 1 ? c->at[1] : "");
	return 0;
}

static long do_mute(const struct command *c)
{
	trace_mute(c->nr > 1 && c->at[1][0] == '1');
	return 0;
}

static long do_sizes(const struct command *c)
{
	(void)c;
	tr("= sizeof mmu_notifier=%zu ops=%zu range=%zu interval=%zu",
	   sizeof(struct mmu_notifier), sizeof(struct mmu_notifier_ops),
	   sizeof(struct mmu_notifier_range),
	   sizeof(struct mmu_interval_notifier));
	return 0;
}

static long do_reset(const struct command *c)
{
	(void)c;
	if (nr_live()) {
		tr("!! reset with %d live objects", nr_live());
		return -EBUSY;
	}
	library_reset(library_version);
	return 0;
}

static long do_cfg(const struct command *c)
{
	struct slot *s = slot_of(c, 1);

	if (!s)
		return NO_COMMAND;
	for (int i = 2; i < c->nr; i++) {
		char *value = strchr(c->at[i], '='), *end;
		long n = 1;

		if (value) {
			*value++ = 0;
			n = strtol(value, &end, 0);
			if (*end)
				return -EINVAL;
		}
		set_key(s, c->at[i], n);
	}
	return 0;
}

static long do_unblock(const struct command *c)
{
	struct slot *s = slot_of(c, 1);

	if (!s)
		return NO_COMMAND;
	atomic_store(&s->blocks, 0);
	gate_open(&s->gate);
	return 0;
}

static long do_hang(const struct command *c)
{
	(void)c;
	tr("= hang (uninterruptible)");
	gate_wait(&hang_gate, NULL);
	tr("= hang released");
	return 0;
}

static long do_unhang(const struct command *c)
{
	(void)c;
	gate_open(&hang_gate);
	return 0;
}

/* -- commands: references -- */

/*
 * getnl: the lock has been forgotten, which must be refused; then with it, so that
 * the scenario can go on.  getsig: a pending signal is nothing to the library.
 */
static struct mmu_notifier *get_as(const char *how, struct slot *s,
				   struct mm_struct *mm)
{
	struct mmu_notifier *mn;

	if (!strcmp(how, "get") || !strcmp(how, "getsig"))
		return mmu_notifier_get(&s->ops, mm);
	if (!strcmp(how, "getnl")) {
		mn = mmu_notifier_get_locked(&s->ops, mm);
		tr("= get %c without the lock -> %ld", s->name, PTR_ERR(mn));
	}
	mmap_write_lock(mm);
	mn = mmu_notifier_get_locked(&s->ops, mm);
	mmap_write_unlock(mm);
	return mn;
}

static void put_object(struct object *o)
{
	if (mmun_read(&o->mn.users) == 1)
		atomic_store(&o->is_put, true);
	mmu_notifier_put(&o->mn);
	tr("= put %c%d returned", o->slot->name, o->id);
}

static long do_get(const struct command *c)
{
	struct mm_struct *mm = current_mm();
	struct slot *s = slot_of(c, 1);
	struct mmu_notifier *mn;
	struct object *o;
	int made;

	if (!s)
		return NO_COMMAND;
	watch_mm(mm);
	made = s->nr_objects;
	mn = get_as(c->at[0], s, mm);
	if (!mn || IS_ERR(mn)) {
		tr("= get %c -> %ld%s", s->name, PTR_ERR(mn), mm_text(mm).text);
		return PTR_ERR(mn);
	}
	o = object_of(mn);
	tr("= get %c -> %c%d users=%u%s", s->name, s->name, o->id, mn->users,
	   mm_text(mm).text);
	/* The kernel would have been interrupted, and nobody there. */
	if (!strcmp(c->at[0], "getsig") && s->nr_objects > made)
		put_object(o);
	else
		s->current = o;
	return 0;
}

static long do_put(const struct command *c)
{
	struct object *o = named_object(c, 1);

	if (!o)
		return NO_COMMAND;
	put_object(o);
	return 0;
}

static long register_on(struct slot *s, struct mm_struct *mm, bool locked,
			struct object **ret_object)
{
	struct object *o = make_object(s);
	long ret;

	if (!o)
		return -ENOMEM;
	*ret_object = o;
	o->mn.ops = &s->ops;
	if (!locked)
		return mmu_notifier_register(&o->mn, mm);
	mmap_write_lock(mm);
	ret = __mmu_notifier_register(&o->mn, mm);
	mmap_write_unlock(mm);
	return ret;
}

static long do_reg(const struct command *c)
{
	struct mm_struct *mm = current_mm();
	struct slot *s = slot_of(c, 1);
	struct object *o = NULL;
	long ret;

	if (!s)
		return NO_COMMAND;
	watch_mm(mm);
	ret = register_on(s, mm, false, &o);
	if (!o)
		return ret;
	tr("= register %c%d -> %ld users=%u%s", s->name, o->id, ret,
	   o->mn.users, mm_text(mm).text);
	if (ret)
		drop_object(o);
	else
		s->current = o;
	return ret;
}

static long do_regl(const struct command *c)
{
	struct mm_struct *mm = current_mm();
	struct slot *s = slot_of(c, 1);
	struct object *o = NULL;
	long ret;

	if (!s)
		return NO_COMMAND;
	watch_mm(mm);
	ret = register_on(s, mm, true, &o);
	if (!o)
		return ret;
	tr("= __register %c%d -> %ld%s", s->name, o->id, ret,
	   mm_text(mm).text);
	s->current = o;
	return 0;
}

/* regx SLOT OBJECT: on the mm of the object, which may be gone */
static long do_regx(const struct command *c)
{
	struct object *o = named_object(c, 2), *made = NULL;
	struct slot *s = slot_of(c, 1);
	struct mm_struct *mm;
	long ret;

	if (!s || !o)
		return NO_COMMAND;
	mm = o->mn.mm;
	ret = register_on(s, mm, false, &made);
	if (made)
		tr("= register %c%d on foreign mm -> %ld%s", s->name, made->id,
		   ret, mm_text(mm).text);
	return ret;
}

static long do_unreg(const struct command *c)
{
	struct object *o = named_object(c, 1);
	struct mm_struct *mm;

	if (!o)
		return NO_COMMAND;
	mm = o->mn.mm;
	mmgrab(mm);
	mmu_notifier_unregister(&o->mn, mm);
	tr("= unregister %c%d users=%u hashed=%d (+1 mc held by tester)%s",
	   o->slot->name, o->id, o->mn.users, is_listed(&o->mn),
	   mm_text(mm).text);
	drop_object(o);
	mmdrop(mm);
	return 0;
}

static long do_sync(const struct command *c)
{
	(void)c;
	mmu_notifier_synchronize();
	tr("= synchronize returned");
	return 0;
}

/* users OBJECT N: as if that many had got it */
static long do_users(const struct command *c)
{
	struct object *o = named_object(c, 1);
	unsigned long users;

	if (!o || c->nr < 3)
		return NO_COMMAND;
	if (!command_address(c, 2, &users))
		return -EINVAL;
	mmun_write(&o->mn.users, (unsigned int)users);
	tr("= poke %c%d users=%u", o->slot->name, o->id, o->mn.users);
	return 0;
}

static long do_info(const struct command *c)
{
	struct object *o = named_object(c, 1);

	if (!o) {
		tr("= info %s -> no live object (live=%d)",
		   c->nr > 1 ? c->at[1] : "", nr_live());
		return 0;
	}
	tr("= info %c%d users=%u hashed=%d%s", o->slot->name, o->id,
	   o->mn.users, is_listed(&o->mn), mm_text(o->mn.mm).text);
	return 0;
}

static long do_mmget(const struct command *c)
{
	struct object *o = named_object(c, 1);

	if (!o)
		return NO_COMMAND;
	held_mm = mmget_not_zero(o->mn.mm) ? o->mn.mm : NULL;
	tr("= mmget_not_zero -> %d%s", held_mm != NULL,
	   mm_text(o->mn.mm).text);
	return 0;
}

static long do_mmput(const struct command *c)
{
	struct mm_struct *mm = held_mm;

	(void)c;
	if (!mm)
		return NO_COMMAND;
	held_mm = NULL;
	mmput(mm);
	tr("= mmput done");
	return 0;
}

/* -- commands: ranges -- */

static int start_range(struct mmu_notifier_range *range, bool blockable)
{
	if (!blockable)
		return mmu_notifier_invalidate_range_start_nonblock(range);
	mmu_notifier_invalidate_range_start(range);
	return 0;
}

/* inv|invnb OBJECT start end event [force|onlyend]: a range on that one's mm */
static long do_inv(const struct command *c)
{
	bool forced = c->nr > 5 && !strcmp(c->at[5], "force");
	bool only_end = c->nr > 5 && !strcmp(c->at[5], "onlyend");
	struct object *o = named_object(c, 1);
	struct mmu_notifier_range range;
	unsigned long start, end;
	long event;
	int ret;

	if (c->nr < 5)
		return NO_COMMAND;
	if (!o || !command_address(c, 2, &start) ||
	    !command_address(c, 3, &end) || !command_number(c, 4, &event))
		return -EINVAL;
	mmu_notifier_range_init(&range, event, 0, o->mn.mm, start, end);
	ret = start_range(&range, !c->at[0][3]);
	tr("= raw start -> %d", ret);
	if (ret && !forced)
		return 0;
	if (only_end && !since(library_version, 6, 6))
		mmu_notifier_invalidate_range_only_end(&range);
	else
		mmu_notifier_invalidate_range_end(&range);
	tr("= raw end done");
	return 0;
}

#define NR_RANGES 4
static struct mmu_notifier_range ranges[NR_RANGES];

/* istart K start end b|n: a range that other commands run in */
static long do_istart(const struct command *c)
{
	struct mmu_notifier_range *range;
	unsigned long start, end;
	long k;
	int ret;

	if (!command_number(c, 1, &k) || k < 0 || k >= NR_RANGES || c->nr < 5 ||
	    !command_address(c, 2, &start) || !command_address(c, 3, &end))
		return -EINVAL;
	range = &ranges[k];
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, current_mm(), start,
				end);
	ret = start_range(range, c->at[4][0] != 'n');
	tr("= range%ld start -> %d", k, ret);
	return ret;
}

static long do_iend(const struct command *c)
{
	long k;

	if (!command_number(c, 1, &k) || k < 0 || k >= NR_RANGES)
		return -EINVAL;
	mmu_notifier_invalidate_range_end(&ranges[k]);
	tr("= range%ld end done", k);
	return 0;
}

static long do_young(const struct command *c)
{
	struct object *o = named_object(c, 1);
	unsigned long start, end;
	struct mm_struct *mm;

	if (!o || c->nr < 4)
		return NO_COMMAND;
	if (!command_address(c, 2, &start) || !command_address(c, 3, &end))
		return -EINVAL;
	mm = o->mn.mm;
	tr("= clear_flush_young -> %d",
	   mmu_notifier_clear_flush_young(mm, start, end));
	tr("= clear_young -> %d", mmu_notifier_clear_young(mm, start, end));
	tr("= test_young -> %d", mmu_notifier_test_young(mm, start));
	return 0;
}

/* -- commands: synchronize, again and again -- */

static void run_on(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *synchronize_on(void *cpu)
{
	run_on((long)(intptr_t)cpu);
	mmu_notifier_synchronize();
	return NULL;
}

static bool one_round(struct slot *s, long put_cpu, long sync_cpu)
{
	struct mmu_notifier *mn;
	pthread_t thread;
	bool missed;
	int before;

	run_on(put_cpu);
	before = atomic_load(&nr_freed);
	mn = mmu_notifier_get(&s->ops, current_mm());
	if (IS_ERR(mn))
		return true;
	mmu_notifier_put(mn);
	if (put_cpu == sync_cpu) {
		mmu_notifier_synchronize();
	} else {
		pthread_create(&thread, NULL, synchronize_on,
			       (void *)(intptr_t)sync_cpu);
		pthread_join(thread, NULL);
	}
	missed = atomic_load(&nr_freed) == before;
	while (atomic_load(&nr_freed) == before)
		sched_yield();
	/* There are not so many objects. */
	atomic_fetch_sub(&nr_made, 1);
	memset(object_of(mn), 0, sizeof(struct object));
	return missed;
}

/* stress_sync N put-cpu sync-cpu: how often was it not freed afterwards? */
static long do_stress_sync(const struct command *c)
{
	long n, put_cpu, sync_cpu, missed = 0;
	cpu_set_t saved;

	if (c->nr < 4)
		return NO_COMMAND;
	if (!command_number(c, 1, &n) || !command_number(c, 2, &put_cpu) ||
	    !command_number(c, 3, &sync_cpu))
		return -EINVAL;
	sched_getaffinity(0, sizeof(saved), &saved);
	trace_mute(true);
	for (long i = 0; i < n; i++)
		missed += one_round(&slots[0], put_cpu, sync_cpu);
	trace_mute(false);
	sched_setaffinity(0, sizeof(saved), &saved);
	tr("= stress_sync n=%ld put@cpu%ld sync@cpu%ld: free not yet done after synchronize in %ld",
	   n, put_cpu, sync_cpu, missed);
	return 0;
}

/* -- all of them -- */

static long do_iinsx(const struct command *c)
{
	struct object *o = named_object(c, 2);

	if (c->nr < 5 || !o)
		return NO_COMMAND;
	return interval_insert_on(o->mn.mm, c);
}

static const struct {
	const char *name;
	long (*run)(const struct command *c);
} commands[] = {
	{ "mark", do_mark },
	{ "mute", do_mute },
	{ "reset", do_reset },
	{ "cfg", do_cfg },
	{ "get", do_get },
	{ "getl", do_get },
	{ "getnl", do_get },
	{ "getsig", do_get },
	{ "put", do_put },
	{ "reg", do_reg },
	{ "regl", do_regl },
	{ "regx", do_regx },
	{ "unreg", do_unreg },
	{ "sync", do_sync },
	{ "users", do_users },
	{ "info", do_info },
	{ "unblock", do_unblock },
	{ "hang", do_hang },
	{ "unhang", do_unhang },
	{ "mmget", do_mmget },
	{ "mmput", do_mmput },
	{ "inv", do_inv },
	{ "invnb", do_inv },
	{ "istart", do_istart },
	{ "iend", do_iend },
	{ "young", do_young },
	{ "iinsx", do_iinsx },
	{ "stress_sync", do_stress_sync },
	{ "sizes", do_sizes },
};

static long run_command(const struct command *c)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, c->at[0]))
			return commands[i].run(c);
	return interval_command(c);
}

static long library_command(const char *line)
{
	char copy[LINE_MAX_LEN * 2];
	struct command c;
	long ret;

	number_regions(line, copy, sizeof(copy));
	c.nr = split_words(copy, c.at, MAX_WORDS);
	if (!c.nr)
		return 0;
	ret = run_command(&c);
	if (ret != NO_COMMAND)
		return ret;
	tr("?? bad command %s", c.at[0]);
	return -EINVAL;
}

void library_reset(struct version version)
{
	library_version = version;
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		slot_defaults(&slots[i], i);
	interval_reset();
	gate_close(&hang_gate);
	atomic_store(&nr_watched, 0);
}

/* -- what was put is freed -- */

/* A notifier on an mm of its own: when it is freed, the worker has been round. */
static struct {
	struct mmu_notifier mn;
	atomic_bool freed;
} probe;

static struct mmu_notifier *probe_alloc(struct mm_struct *mm)
{
	(void)mm;
	return &probe.mn;
}

static void probe_free(struct mmu_notifier *mn)
{
	(void)mn;
	atomic_store(&probe.freed, true);
}

static const struct mmu_notifier_ops probe_ops = {
	.alloc_notifier = probe_alloc,
	.free_notifier = probe_free,
};

/* Ten seconds: it is lost, and the trace will say so. */
static void wait_until(atomic_bool *flag)
{
	long until = now_ms() + 10000;

	while (!atomic_load(flag) && now_ms() < until)
		poll(NULL, 0, 1);
}

static void worker_goes_round(void)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier *mn;

	if (!mm)
		return;
	atomic_store(&probe.freed, false);
	mn = mmu_notifier_get(&probe_ops, mm);
	if (!IS_ERR(mn)) {
		mmu_notifier_put(mn);
		wait_until(&probe.freed);
	}
	mmput(mm);
}

void library_settle(void)
{
	int made = atomic_load(&nr_made);

	for (int i = 0; i < made && i < NR_OBJECTS; i++) {
		struct object *o = &objects[i];

		if (atomic_load(&o->is_put) && o->live && o->mn.mm &&
		    !atomic_load(&blocked_in[mm_id(o->mn.mm)]))
			wait_until(&o->is_freed);
	}
	/* What must not be freed yet: it had the time for it. */
	worker_goes_round();
	worker_goes_round();
}

static void library_drain(void (*line)(void *arg, char *text), void *arg)
{
	trace_drain(line, arg);
}

const struct backend library_backend = {
	.name = "library",
	.in_subject = true,
	.command = library_command,
	.drain = library_drain,
};
