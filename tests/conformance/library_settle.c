// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Frees: waiting until what was put is freed, and whether synchronize does. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "library_slots.h"

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
	long until = now_in_ms() + 10000;

	while (!atomic_load(flag) && now_in_ms() < until)
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
		    !gate_holds(o->mn.mm))
			wait_until(&o->is_freed);
	}
	/* What must not be freed yet: it had the time for it. */
	worker_goes_round();
	worker_goes_round();
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
long do_stress_sync(const struct command *c)
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
