// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SRCU and RCU: who waits for whom. */
#include <mmun_kcompat.h>
#include <linux/hashtable.h>
#include <linux/rculist.h>
#include <linux/srcu.h>

#include "waits.h"

DEFINE_STATIC_SRCU(static_srcu);
static struct srcu_struct srcu;

static void synchronize(void *ssp)
{
	synchronize_srcu(ssp);
}

static void test_wait(struct srcu_struct *ssp, const char *kind)
{
	int outer, inner, late;
	struct job job;

	outer = srcu_read_lock(ssp);
	inner = srcu_read_lock(ssp);
	start_job(&job, synchronize, ssp);
	ok(job_waits(&job), "%s: a grace period waits for a reader", kind);
	late = srcu_read_lock(ssp);
	srcu_read_unlock(ssp, inner);
	ok(job_waits(&job), "%s: for the outermost section", kind);
	srcu_read_unlock(ssp, outer);
	finish_job(&job);
	ok(true, "%s: and not for who has come since", kind);
	srcu_read_unlock(ssp, late);
}

static void test_other_domain(void)
{
	struct srcu_struct other;
	int index;

	init_srcu_struct(&other);
	index = srcu_read_lock(&srcu);
	synchronize_srcu(&other);
	synchronize_rcu();
	srcu_read_unlock(&srcu, index);
	cleanup_srcu_struct(&other);
	ok(true, "readers of other domains are not waited for");
}

/* -- callbacks -- */

static int order[8], called;

struct counted {
	struct rcu_head head;
	int number;
};

static void note(struct rcu_head *head)
{
	struct counted *c = container_of(head, struct counted, head);

	order[called] = c->number;
	__atomic_store_n(&called, called + 1, __ATOMIC_RELEASE);
}

static void barrier_of(void *ssp)
{
	srcu_barrier(ssp);
}

static void test_callbacks(void)
{
	struct counted c[3] = {
		{ .number = 1 }, { .number = 2 }, { .number = 3 },
	};
	int index = srcu_read_lock(&srcu);
	struct job job;

	for (int i = 0; i < 3; i++)
		call_srcu(&srcu, &c[i].head, note);
	start_job(&job, barrier_of, &srcu);
	ok(job_waits(&job) && !__atomic_load_n(&called, __ATOMIC_ACQUIRE),
	   "callbacks wait for a reader, and a barrier for them");
	srcu_read_unlock(&srcu, index);
	finish_job(&job);
	ok(called == 3 && order[0] == 1 && order[1] == 2 && order[2] == 3,
	   "then they are called, in order");
}

/* -- grace periods that are polled -- */

static void test_state(void)
{
	int index = srcu_read_lock(&srcu);
	unsigned long state;
	struct job job;

	start_job(&job, synchronize, &srcu);
	ok(job_waits(&job), "a grace period has begun");
	state = get_state_synchronize_srcu(&srcu);
	srcu_read_unlock(&srcu, index);
	finish_job(&job);
	ok(!poll_state_synchronize_srcu(&srcu, state),
	   "which is not enough for who asks later");
	synchronize_srcu(&srcu);
	ok(poll_state_synchronize_srcu(&srcu, state), "the next one is");
}

static void test_poll(void)
{
	int index = srcu_read_lock(&srcu);
	unsigned long state = start_poll_synchronize_srcu(&srcu);
	struct job job;

	start_job(&job, synchronize, &srcu);
	ok(job_waits(&job) && !poll_state_synchronize_srcu(&srcu, state),
	   "one that is polled waits for a reader");
	srcu_read_unlock(&srcu, index);
	finish_job(&job);
	while (!poll_state_synchronize_srcu(&srcu, state))
		sched_yield();
	ok(true, "and is over when nobody waits for it");
	state = start_poll_synchronize_rcu();
	cond_synchronize_rcu(state);
	ok(poll_state_synchronize_rcu(state), "the same of RCU");
}

/* -- a list with readers -- */

struct item {
	struct list_head entry;
	struct hlist_node hashed;
	int key;
	int twice;
	struct rcu_head rcu;
};

#define KEYS 8

static LIST_HEAD(items);
static DEFINE_HASHTABLE(table, 2);
static DEFINE_SPINLOCK(items_lock);
static int wrong, writing;

static struct item *new_item(int key)
{
	struct item *item = kzalloc(sizeof(*item), GFP_ATOMIC);

	item->key = key;
	item->twice = 2 * key;
	return item;
}

static void *reader(void *arg)
{
	struct item *item;

	while (READ_ONCE(writing)) {
		int seen = 0;

		rcu_read_lock();
		list_for_each_entry_rcu(item, &items, entry) {
			seen++;
			if (item->twice != 2 * item->key)
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		}
		hash_for_each_possible_rcu(table, item, hashed, 3) {
			if (item->twice != 2 * item->key)
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		}
		rcu_read_unlock();
		if (seen < KEYS - 1)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

static void replace(struct item *old)
{
	struct item *new = new_item(old->key);

	spin_lock(&items_lock);
	list_replace_rcu(&old->entry, &new->entry);
	hash_del_rcu(&old->hashed);
	hash_add_rcu(table, &new->hashed, new->key);
	spin_unlock(&items_lock);
	kfree_rcu(old, rcu);
}

static void test_list(void)
{
	pthread_t thread[2];
	struct item *item, *next;

	for (int i = 0; i < KEYS; i++) {
		item = new_item(i);
		list_add_tail_rcu(&item->entry, &items);
		hash_add_rcu(table, &item->hashed, i);
	}
	WRITE_ONCE(writing, 1);
	for (int i = 0; i < 2; i++)
		spawn(&thread[i], reader, NULL);
	for (int i = 0; i < 2000; i++) {
		replace(list_first_entry(&items, struct item, entry));
		spin_lock(&items_lock);
		item = list_first_entry(&items, struct item, entry);
		list_del_rcu(&item->entry);
		spin_unlock(&items_lock);
		synchronize_rcu();
		spin_lock(&items_lock);
		list_add_tail_rcu(&item->entry, &items);
		spin_unlock(&items_lock);
	}
	WRITE_ONCE(writing, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	rcu_barrier();
	list_for_each_entry_safe(item, next, &items, entry)
		kfree(item);
	ok(!wrong, "readers see whole items, and all of them");
}

/* -- pointers -- */

static int *published;
static int publishing;

static void *follower(void *arg)
{
	while (READ_ONCE(publishing)) {
		int *p;

		rcu_read_lock();
		p = rcu_dereference(published);
		if (p && *p != 42)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		rcu_read_unlock();
	}
	return arg;
}

static void test_pointer(void)
{
	pthread_t thread;
	int *old, *new;

	WRITE_ONCE(publishing, 1);
	spawn(&thread, follower, NULL);
	for (int i = 0; i < 2000; i++) {
		new = kmalloc(sizeof(*new), GFP_KERNEL);
		*new = 42;
		old = rcu_replace_pointer(published, new, true);
		synchronize_rcu();
		if (old)
			*old = 0;
		kfree(old);
	}
	WRITE_ONCE(publishing, 0);
	pthread_join(thread, NULL);
	kfree(published);
	ok(!wrong, "what is published is whole, and stays so for its readers");
}

static void test_sections(void)
{
	rcu_read_lock();
	rcu_read_lock();
	rcu_read_unlock();
	ok(rcu_read_lock_held() && in_atomic(), "sections of RCU nest");
	rcu_read_unlock();
	ok(!rcu_read_lock_held() && !in_atomic(), "and end");
	(void)rcu_dereference(published);
	ok(mmun_kcompat_warnings() == 1, "who is in none is told");
	{
		guard(rcu)();
		(void)rcu_dereference(published);
	}
	scoped_guard(srcu, &srcu)
		(void)srcu_dereference(published, &srcu);
	ok(!mmun_kcompat_warnings(), "a guard makes one");
}

int main(void)
{
	tap_begin(100);
	init_srcu_struct(&srcu);
	test_wait(&srcu, "made");
	test_wait(&static_srcu, "static");
	test_other_domain();
	test_callbacks();
	test_state();
	test_poll();
	test_sections();
	test_pointer();
	test_list();
	cleanup_srcu_struct(&srcu);
	ok(!mmun_kcompat_warnings(), "no warning that was not expected");
	return tap_end();
}
