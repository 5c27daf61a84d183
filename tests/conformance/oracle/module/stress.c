// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does mmu_notifier_synchronize() wait for the free_notifier of a put on another
 * processor?
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "mnoracle.h"

static void synchronize_work(struct work_struct *work)
{
	mmu_notifier_synchronize();
}

static void synchronize_on(int cpu, bool here)
{
	struct work_struct work;

	if (here) {
		mmu_notifier_synchronize();
		return;
	}
	INIT_WORK_ONSTACK(&work, synchronize_work);
	schedule_work_on(cpu, &work);
	flush_work(&work);
	destroy_work_on_stack(&work);
}

/* Return: 1 if it did not wait, 0 if it did, or an error. */
static long one_round(int put_cpu, int synchronize_cpu)
{
	struct mmu_notifier *notifier;
	int before = frees_done();
	long missed;

	notifier = mmu_notifier_get(slot_ops("A"), current->mm);
	if (IS_ERR(notifier))
		return PTR_ERR(notifier);
	mmu_notifier_put(notifier);
	synchronize_on(synchronize_cpu, put_cpu == synchronize_cpu);
	missed = frees_done() == before;
	while (frees_done() == before)
		usleep_range(100, 200);
	return missed;
}

/* stress_sync ROUNDS PUT_CPU SYNCHRONIZE_CPU */
static long do_stress_sync(struct args *args)
{
	unsigned long nr, put_cpu, synchronize_cpu, i;
	long missed = 0, ret = 0;

	if (args_number(args, 1, &nr) || args_number(args, 2, &put_cpu) ||
	    args_number(args, 3, &synchronize_cpu) ||
	    put_cpu >= nr_cpu_ids || synchronize_cpu >= nr_cpu_ids)
		return -EINVAL;
	set_cpus_allowed_ptr(current, cpumask_of(put_cpu));
	tr_mute(true);
	for (i = 0; i < nr && ret >= 0; i++) {
		ret = one_round(put_cpu, synchronize_cpu);
		missed += ret > 0;
	}
	tr_mute(false);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	if (ret < 0)
		return ret;
	tr("= stress_sync n=%lu put@cpu%lu sync@cpu%lu: free not yet done after synchronize in %ld",
	   nr, put_cpu, synchronize_cpu, missed);
	return 0;
}

const struct command stress_commands[] = {
	{ "stress_sync", 3, do_stress_sync },
	{ }
};
