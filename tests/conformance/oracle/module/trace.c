// SPDX-License-Identifier: GPL-2.0-only
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "mnoracle.h"

#define ROOM (1 << 20)
#define LINE_ROOM 512

static char *text;
static size_t length;
static unsigned int nr_lines;
static bool muted;

/* Probes take it too, where lockdep would see what is not there. */
static arch_spinlock_t lock = __ARCH_SPIN_LOCK_UNLOCKED;

static struct mm_struct *watched[16];
static int nr_watched;

int tr_init(void)
{
	text = vmalloc(ROOM);
	return text ? 0 : -ENOMEM;
}

void tr_exit(void)
{
	vfree(text);
}

static unsigned long trace_lock(void)
{
	unsigned long flags;

	local_irq_save(flags);
	arch_spin_lock(&lock);
	return flags;
}

static void trace_unlock(unsigned long flags)
{
	arch_spin_unlock(&lock);
	local_irq_restore(flags);
}

/* Which worker it was says nothing. */
static const char *who(void)
{
	bool worker = current->flags & PF_KTHREAD &&
		      !strncmp(current->comm, "kworker", 7);

	return worker ? "kworker" : current->comm;
}

void tr(const char *fmt, ...)
{
	unsigned long flags;
	va_list args;

	if (muted)
		return;
	flags = trace_lock();
	if (length + LINE_ROOM < ROOM) {
		length += scnprintf(text + length, ROOM - length, "%04u %-8s ",
				    nr_lines++, who());
		va_start(args, fmt);
		length += vscnprintf(text + length, ROOM - length, fmt, args);
		va_end(args);
		text[length++] = '\n';
	}
	trace_unlock(flags);
}

void tr_mute(bool mute)
{
	muted = mute;
}

void tr_restart(void)
{
	nr_lines = 0;
}

/* So much of the text that no line is cut in two. */
static size_t whole_lines(size_t n)
{
	while (n && text[n - 1] != '\n')
		n--;
	return n;
}

ssize_t tr_read(char __user *to, size_t room)
{
	unsigned long flags;
	char *copy;
	size_t n;

	room = min_t(size_t, room, 1 << 16);
	if (!READ_ONCE(length))
		return 0;
	copy = kmalloc(room, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	flags = trace_lock();
	n = whole_lines(min(room, length));
	memcpy(copy, text, n);
	memmove(text, text + n, length - n);
	length -= n;
	trace_unlock(flags);
	if (copy_to_user(to, copy, n))
		n = -EFAULT;
	kfree(copy);
	return n;
}

const char *event_name(int event)
{
	static const char * const names[] = {
		"UNMAP", "CLEAR", "PROT_VMA", "PROT_PAGE", "SOFT_DIRTY",
		"RELEASE", "MIGRATE", "EXCLUSIVE"
	};

	return event >= 0 && event < ARRAY_SIZE(names) ? names[event] : "EV?";
}

/* The lowest bit of the count is a writer. */
char lock_state(struct mm_struct *mm)
{
	if (!rwsem_is_locked(&mm->mmap_lock))
		return '-';
	return atomic_long_read(&mm->mmap_lock.count) & 1 ? 'W' : 'R';
}

int mm_id(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < nr_watched; i++)
		if (watched[i] == mm)
			return i + 1;
	return 0;
}

void watch_mm(struct mm_struct *mm)
{
	if (!mm_id(mm) && nr_watched < ARRAY_SIZE(watched))
		watched[nr_watched++] = mm;
}

void forget_mms(void)
{
	nr_watched = 0;
}
