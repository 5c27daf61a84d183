// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Somebody else patches libc, too.  When he came after us he may have kept our
 * jump as what was there before, and call it.  Then the rest of the entry is his
 * bytes now, and if we call him in turn it is a circle: both end here, by the
 * system call itself.
 */
#include <errno.h>

#include "base/syscall.h"
#include "monitor/entries_table.h"

/* The innermost visit of this thread, if it still is what it was. */
static __thread struct {
	struct mmun_visit *visit;
	uint64_t number;
	uint64_t last;
} visiting __attribute__((tls_model("initial-exec")));

/* What was left by a jump lies below us by now, or has been written over. */
static bool is_outer(const struct mmun_visit *outer, uint64_t number,
		     const struct mmun_visit *self)
{
	return outer > self && mmun_read(&outer->number) == number;
}

bool mmun_visit_enter(struct mmun_visit *self, enum entry_id id)
{
	const struct mmun_visit *outer = visiting.visit, *inner = self;
	uint64_t number = visiting.number;

	for (; outer && is_outer(outer, number, inner); outer = outer->outer) {
		if (outer->id == id)
			return false;
		number = outer->outer_number;
		inner = outer;
	}
	self->id = id;
	self->outer = visiting.visit;
	self->outer_number = visiting.number;
	mmun_write(&self->number, ++visiting.last);
	visiting.number = self->number;
	mmun_write(&visiting.visit, self);
	return true;
}

void mmun_visit_leave(struct mmun_visit *self)
{
	mmun_write(&visiting.visit, self->outer);
	visiting.number = self->outer_number;
	mmun_write(&self->number, 0);
}

/* libc's word for the end of the data segment; what moves that must set it. */
extern void *__curbrk __attribute__((weak));

static long move_brk(unsigned long to)
{
	unsigned long now = mmun_syscall(SYS_brk, to);

	if (&__curbrk)
		__curbrk = (void *)now;
	return now < to ? -ENOMEM : 0;
}

static long direct(enum entry_id id, const struct mmun_raw_event *ev,
		   const struct mmun_call *call)
{
	const unsigned long *arg = ev->arg;
	unsigned long now;
	long err;

	switch (id) {
	case BRK:
		return move_brk(arg[0]);
	case SBRK:
		now = mmun_current_brk();
		err = call->arg[0] ? move_brk(now + call->arg[0]) : 0;
		return err ?: (long)now;
	default:
		return mmun_syscall6(ev->nr, arg[0], arg[1], arg[2], arg[3],
				     arg[4], arg[5]);
	}
}

long mmun_direct_call(enum entry_id id, const struct mmun_raw_event *ev,
			   const struct mmun_call *call)
{
	long ret = direct(id, ev, call);

	if (ret >= 0 || ret < -4095)
		return ret;
	errno = -ret;
	return -1;
}

long mmun_foreign_call(enum entry_id id, const struct mmun_raw_event *ev,
		       const struct mmun_call *call)
{
	struct mmun_visit visit;
	long ret;

	if (!mmun_visit_enter(&visit, id))
		return mmun_direct_call(id, ev, call);
	ret = mmun_bracket(ev, call);
	mmun_visit_leave(&visit);
	return ret;
}
