// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The commands that the module has for a kernel, for the library.  What they print
 * is the module's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "library_slots.h"

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
		slot_set(s, c->at[i], n);
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

long library_command(const char *line)
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
	slots_reset();
	interval_reset();
	gate_close(&hang_gate);
	mms_reset();
}
