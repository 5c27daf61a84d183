// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the core of the kernel comes by: lines "[core] NAME" for the address
 * spaces that a scenario is about.
 */
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#include "mnoracle.h"

static struct task_struct *in_exit_mmap;

/* Functions whose first argument is the mm. */
static int on_mm(struct kprobe *probe, struct pt_regs *regs)
{
	struct mm_struct *mm = (void *)regs_get_kernel_argument(regs, 0);

	if (!mm_id(mm))
		return 0;
	if (!strcmp(probe->symbol_name, "exit_mmap"))
		in_exit_mmap = current;
	tr("[core] %s" MM_FORMAT, probe->symbol_name, MM_ARGS(mm));
	return 0;
}

static int on_unmap(struct kprobe *probe, struct pt_regs *regs)
{
	if (in_exit_mmap == current)
		tr("[core] %s (inside exit_mmap)", probe->symbol_name);
	return 0;
}

static struct probe {
	struct kprobe probe;
	bool placed;
} probes[] = {
#define ON_MM(function) \
	{ { .symbol_name = function, .pre_handler = on_mm } }
#define ON_UNMAP(function) \
	{ { .symbol_name = function, .pre_handler = on_unmap } }
	ON_MM("exit_mmap"),
	ON_MM("__mmu_notifier_release"),
	ON_MM("__mmu_notifier_subscriptions_destroy"),
	ON_MM("__mmdrop"),
	ON_MM("mm_take_all_locks"),
	ON_MM("mm_drop_all_locks"),
	ON_UNMAP("unmap_vmas"),
	ON_UNMAP("free_pgtables"),
};

void probes_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		probes[i].placed = !register_kprobe(&probes[i].probe);
}

void probes_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].placed)
			unregister_kprobe(&probes[i].probe);
}

void probes_reset(void)
{
	in_exit_mmap = NULL;
}

/* "sizes": what the structures measure, and what could be reached */
static long do_sizes(struct args *args)
{
	int i;

	tr("= sizeof mmu_notifier=%zu ops=%zu range=%zu interval=%zu",
	   sizeof(struct mmu_notifier), sizeof(struct mmu_notifier_ops),
	   sizeof(struct mmu_notifier_range),
	   sizeof(struct mmu_interval_notifier));
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		tr("= kprobe %s %s", probes[i].probe.symbol_name,
		   probes[i].placed ? "ok" : "unavailable");
	tr("= raw_start=%d raw_end=%d", ranges_found(false), ranges_found(true));
	return 0;
}

const struct command probe_commands[] = {
	{ "sizes", 0, do_sizes },
	{ }
};
