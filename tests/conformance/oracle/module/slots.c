// SPDX-License-Identifier: GPL-2.0-only
/* Classic notifiers: the slots, their objects, and the commands for them. */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "callbacks.h"
#include "mnoracle.h"

#define NR_OBJECTS 256

static struct slot slots[NR_SLOTS];

/* Those that live, to be looked up. */
static struct object *objects[NR_OBJECTS];
static DEFINE_SPINLOCK(objects_lock);
static atomic_t nr_live = ATOMIC_INIT(0);
static atomic_t nr_freed = ATOMIC_INIT(0);

/* What "mmget" holds. */
static struct mm_struct *held_mm;

/* -- objects -- */

static void object_add(struct object *object)
{
	int i;

	spin_lock_bh(&objects_lock);
	for (i = 0; i < NR_OBJECTS && objects[i]; i++)
		;
	if (i < NR_OBJECTS)
		objects[i] = object;
	spin_unlock_bh(&objects_lock);
	atomic_inc(&nr_live);
}

static void object_remove(struct object *object)
{
	int i;

	spin_lock_bh(&objects_lock);
	for (i = 0; i < NR_OBJECTS; i++)
		if (objects[i] == object)
			objects[i] = NULL;
	if (object->slot->current_object == object)
		object->slot->current_object = NULL;
	spin_unlock_bh(&objects_lock);
	atomic_dec(&nr_live);
}

struct object *object_new(struct slot *slot)
{
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL);

	if (!object)
		return NULL;
	object->slot = slot;
	object->id = ++slot->nr_objects;
	object->notifier.ops = &slot->ops;
	object_add(object);
	return object;
}

static void object_delete(struct object *object)
{
	object_remove(object);
	kfree(object);
}

/* From free_notifier. */
void object_freed(struct object *object)
{
	object_delete(object);
	atomic_inc(&nr_freed);
}

int frees_done(void)
{
	return atomic_read(&nr_freed);
}

bool frees_pending(void)
{
	bool pending = false;
	int i;

	spin_lock_bh(&objects_lock);
	for (i = 0; i < NR_OBJECTS; i++)
		pending |= objects[i] && !READ_ONCE(objects[i]->notifier.users);
	spin_unlock_bh(&objects_lock);
	return pending;
}

static struct slot *slot_named(const char *name)
{
	if (name[0] < 'A' || name[0] >= 'A' + NR_SLOTS)
		return NULL;
	return &slots[name[0] - 'A'];
}

struct mmu_notifier_ops *slot_ops(const char *name)
{
	return &slot_named(name)->ops;
}

struct object *object_named(const char *name)
{
	struct slot *slot = slot_named(name);
	struct object *found = NULL;
	int i, id;

	if (!slot)
		return NULL;
	if (!isdigit(name[1]))
		return slot->current_object;
	if (kstrtoint(name + 1, 10, &id))
		return NULL;
	spin_lock_bh(&objects_lock);
	for (i = 0; i < NR_OBJECTS; i++)
		if (objects[i] && objects[i]->slot == slot &&
		    objects[i]->id == id)
			found = objects[i];
	spin_unlock_bh(&objects_lock);
	return found;
}

struct mm_struct *object_mm(struct object *object)
{
	return object->notifier.mm;
}

static bool is_linked(struct object *object)
{
	return !hlist_unhashed(&object->notifier.hlist);
}

/* Those that a scenario has left; whoever has been put is about to be freed. */
static void unregister_all(void)
{
	struct object *object;
	int i;

	for (i = 0; i < NR_OBJECTS; i++) {
		object = objects[i];
		if (!object || !READ_ONCE(object->notifier.users))
			continue;
		mmu_notifier_unregister(&object->notifier, object->notifier.mm);
		object_delete(object);
	}
}

int slots_reset(void)
{
	int i;

	if (atomic_read(&nr_live)) {
		tr("!! reset with %d live objects", atomic_read(&nr_live));
		unregister_all();
	}
	if (held_mm)
		mmput(held_mm);
	held_mm = NULL;
	if (atomic_read(&nr_live))
		return -EBUSY;
	for (i = 0; i < NR_SLOTS; i++)
		slot_defaults(&slots[i], i);
	return 0;
}

/* -- get and put -- */

static long got(struct slot *slot, struct mmu_notifier *notifier)
{
	struct object *object;

	if (IS_ERR_OR_NULL(notifier)) {
		tr("= get %c -> %ld" MM_FORMAT, slot->name, PTR_ERR(notifier),
		   MM_ARGS(current->mm));
		return PTR_ERR(notifier);
	}
	object = object_of(notifier);
	slot->current_object = object;
	tr("= get %c -> %c%d users=%u" MM_FORMAT, slot->name, slot->name,
	   object->id, notifier->users, MM_ARGS(current->mm));
	return 0;
}

static long do_get(struct args *args)
{
	struct slot *slot = slot_named(args->at[1]);

	if (!slot)
		return args_bad(args);
	watch_mm(current->mm);
	return got(slot, mmu_notifier_get(&slot->ops, current->mm));
}

static long do_getl(struct args *args)
{
	struct slot *slot = slot_named(args->at[1]);
	struct mmu_notifier *notifier;

	if (!slot)
		return args_bad(args);
	watch_mm(current->mm);
	mmap_write_lock(current->mm);
	notifier = mmu_notifier_get_locked(&slot->ops, current->mm);
	mmap_write_unlock(current->mm);
	return got(slot, notifier);
}

/* getnl: without the lock that it needs */
static long do_getnl(struct args *args)
{
	struct slot *slot = slot_named(args->at[1]);

	if (!slot)
		return args_bad(args);
	watch_mm(current->mm);
	return got(slot, mmu_notifier_get_locked(&slot->ops, current->mm));
}

/* getsig: with a signal pending, where mm_take_all_locks() gives up */
static long do_getsig(struct args *args)
{
	struct slot *slot = slot_named(args->at[1]);
	struct mmu_notifier *notifier;

	if (!slot)
		return args_bad(args);
	watch_mm(current->mm);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	notifier = mmu_notifier_get(&slot->ops, current->mm);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	return got(slot, notifier);
}

static long do_put(struct args *args)
{
	struct object *object = object_named(args->at[1]);
	char name;
	int id;

	if (!object)
		return args_bad(args);
	name = object->slot->name;
	id = object->id;
	mmu_notifier_put(&object->notifier);
	tr("= put %c%d returned", name, id);
	return 0;
}

static long do_sync(struct args *args)
{
	mmu_notifier_synchronize();
	tr("= synchronize returned");
	return 0;
}

/* -- register and unregister -- */

static long registered(struct object *object, const char *how, int ret)
{
	struct slot *slot = object->slot;

	tr("= %s %c%d -> %d users=%u" MM_FORMAT, how, slot->name, object->id,
	   ret, object->notifier.users, MM_ARGS(current->mm));
	if (ret)
		object_delete(object);
	else
		slot->current_object = object;
	return ret;
}

static struct object *new_in(const char *name)
{
	struct slot *slot = slot_named(name);

	watch_mm(current->mm);
	return slot ? object_new(slot) : NULL;
}

static long do_reg(struct args *args)
{
	struct object *object = new_in(args->at[1]);

	if (!object)
		return args_bad(args);
	return registered(object, "register",
			  mmu_notifier_register(&object->notifier, current->mm));
}

static long do_regl(struct args *args)
{
	struct object *object = new_in(args->at[1]);
	int ret;

	if (!object)
		return args_bad(args);
	mmap_write_lock(current->mm);
	ret = __mmu_notifier_register(&object->notifier, current->mm);
	mmap_write_unlock(current->mm);
	tr("= __register %c%d -> %d" MM_FORMAT, object->slot->name, object->id,
	   ret, MM_ARGS(current->mm));
	if (ret)
		object_delete(object);
	else
		object->slot->current_object = object;
	return ret;
}

/* regx SLOT OBJECT: on the object's mm, which may be dead */
static long do_regx(struct args *args)
{
	struct object *other = object_named(args->at[2]), *object;
	struct slot *slot = slot_named(args->at[1]);
	struct mm_struct *mm;
	int ret;

	if (!other || !slot)
		return args_bad(args);
	mm = object_mm(other);
	object = object_new(slot);
	if (!object)
		return -ENOMEM;
	ret = mmu_notifier_register(&object->notifier, mm);
	tr("= register %c%d on foreign mm -> %d" MM_FORMAT, slot->name,
	   object->id, ret, MM_ARGS(mm));
	if (ret)
		object_delete(object);
	return ret;
}

static long do_unreg(struct args *args)
{
	struct object *object = object_named(args->at[1]);
	struct mm_struct *mm;

	if (!object)
		return args_bad(args);
	/* It may drop the last reference. */
	mm = object_mm(object);
	mmgrab(mm);
	mmu_notifier_unregister(&object->notifier, mm);
	tr("= unregister %c%d users=%u hashed=%d (+1 mc held by tester)"
	   MM_FORMAT, object->slot->name, object->id, object->notifier.users,
	   is_linked(object), MM_ARGS(mm));
	object_delete(object);
	mmdrop(mm);
	return 0;
}

/* -- looking -- */

static long do_info(struct args *args)
{
	struct object *object = object_named(args->at[1]);

	if (!object) {
		tr("= info %s -> no live object (live=%d)", args->at[1],
		   atomic_read(&nr_live));
		return 0;
	}
	tr("= info %c%d users=%u hashed=%d" MM_FORMAT, object->slot->name,
	   object->id, object->notifier.users, is_linked(object),
	   MM_ARGS(object_mm(object)));
	return 0;
}

/* users OBJECT N: a count that no call has made */
static long do_users(struct args *args)
{
	struct object *object = object_named(args->at[1]);
	unsigned long users;

	if (!object || args_number(args, 2, &users))
		return args_bad(args);
	object->notifier.users = users;
	tr("= poke %c%d users=%lu", object->slot->name, object->id, users);
	return 0;
}

/* -- what the callbacks do -- */

/* cfg SLOT KEY=VALUE... */
static long do_cfg(struct args *args)
{
	struct slot *slot = slot_named(args->at[1]);
	long value;
	char *key;
	int i;

	if (!slot)
		return args_bad(args);
	for (i = 2; i < args->nr; i++) {
		if (args_setting(args, i, &key, &value))
			return -EINVAL;
		if (!slot_set(slot, key, value))
			tr("?? unknown key %s", key);
	}
	return 0;
}

static long do_unblock(struct args *args)
{
	struct slot *slot = slot_named(args->at[1]);

	if (!slot)
		return args_bad(args);
	WRITE_ONCE(slot->block, 0);
	complete_all(&slot->gate);
	return 0;
}

/* mmget OBJECT, mmput: a user of the mm who is no task */
static long do_mmget(struct args *args)
{
	struct object *object = object_named(args->at[1]);
	struct mm_struct *mm;

	if (!object)
		return args_bad(args);
	mm = object_mm(object);
	held_mm = mmget_not_zero(mm) ? mm : NULL;
	tr("= mmget_not_zero -> %d" MM_FORMAT, !!held_mm, MM_ARGS(mm));
	return 0;
}

static long do_mmput(struct args *args)
{
	struct mm_struct *mm = held_mm;

	if (!mm)
		return args_bad(args);
	held_mm = NULL;
	mmput(mm);
	tr("= mmput done");
	return 0;
}

const struct command slot_commands[] = {
	{ "get", 1, do_get },
	{ "getl", 1, do_getl },
	{ "getnl", 1, do_getnl },
	{ "getsig", 1, do_getsig },
	{ "put", 1, do_put },
	{ "sync", 0, do_sync },
	{ "reg", 1, do_reg },
	{ "regl", 1, do_regl },
	{ "regx", 2, do_regx },
	{ "unreg", 1, do_unreg },
	{ "info", 1, do_info },
	{ "users", 2, do_users },
	{ "cfg", 1, do_cfg },
	{ "unblock", 1, do_unblock },
	{ "mmget", 1, do_mmget },
	{ "mmput", 0, do_mmput },
	{ }
};
