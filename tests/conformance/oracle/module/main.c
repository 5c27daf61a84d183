// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "mnoracle.h"

/* "reset": as after loading, so that a scenario finds nothing of another's. */
static long do_reset(struct args *args)
{
	int ret = slots_reset();

	if (ret)
		return ret;
	intervals_reset();
	forget_mms();
	probes_reset();
	hang_reset();
	tr_restart();
	return 0;
}

/* "mark TEXT": a line in the trace, to show what has happened by then. */
static long do_mark(struct args *args)
{
	tr("mark %s", args->nr > 1 ? args->at[1] : "");
	return 0;
}

/* "mute 1", "mute 0" */
static long do_mute(struct args *args)
{
	tr_mute(args_is(args, 1, "1"));
	return 0;
}

static const struct command main_commands[] = {
	{ "reset", 0, do_reset },
	{ "mark", 0, do_mark },
	{ "mute", 0, do_mute },
	{ }
};

static const struct command * const commands[] = {
	main_commands, slot_commands, interval_commands, range_commands,
	quiet_commands, probe_commands, stress_commands
};

static const struct command *find(const char *name)
{
	const struct command *each;
	int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		for (each = commands[i]; each->name; each++)
			if (!strcmp(each->name, name))
				return each;
	return NULL;
}

static long run(char *line)
{
	const struct command *command;
	struct args args;

	args_split(&args, line);
	if (!args.nr)
		return 0;
	command = find(args.at[0]);
	if (!command || args.nr <= command->nr_args)
		return args_bad(&args);
	return command->run(&args);
}

static ssize_t device_write(struct file *file, const char __user *from,
			    size_t n, loff_t *pos)
{
	char line[256];
	long ret;

	if (n >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, n))
		return -EFAULT;
	line[n] = 0;
	ret = run(line);
	return ret < 0 ? ret : n;
}

static ssize_t device_read(struct file *file, char __user *to, size_t room,
			   loff_t *pos)
{
	return tr_read(to, room);
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.write = device_write,
	.read = device_read
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mnoracle",
	.fops = &operations,
	.mode = 0666
};

static int __init oracle_init(void)
{
	int ret = tr_init();

	if (ret)
		return ret;
	ranges_init();
	probes_init();
	intervals_init();
	ret = slots_reset();
	intervals_reset();
	if (!ret)
		ret = misc_register(&device);
	if (ret) {
		probes_exit();
		tr_exit();
	}
	return ret;
}

/* free_notifier is code of this module: none may be to come. */
static void __exit oracle_exit(void)
{
	misc_deregister(&device);
	probes_exit();
	mmu_notifier_synchronize();
	tr_exit();
}

module_init(oracle_init);
module_exit(oracle_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("the mmu_notifier of this kernel, driven by text");
