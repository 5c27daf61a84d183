// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The address space of this process, and the sources that report its events.
 *
 * Sources start at the first registration on mm_self(), and never stop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/export.h"
#include "core/core.h"
#include "monitor/bracket.h"
#include "monitor/monitor_ops.h"

static const struct mmun_monitor_ops *const monitors[] = {
	&mmun_monitor_entries,
};
#define NR_MONITORS (sizeof(monitors) / sizeof(monitors[0]))

struct mm_struct mmun_self;
static MMUN_SRCU_STATIC(self_srcu);
static MMUN_SRCU_STATIC(self_in_flight);

static struct {
	struct mmun_lock lock;
	uint32_t mm_ready;
	uint32_t started;	/* for good or not at all: result stands */
	int result;
	bool tried;
	bool fork_handlers;
	bool exit_handler;
} state;

static void make_self(void)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&state.lock, &saved);
	if (!state.mm_ready) {
		mmun_decode_init();
		mmun_mm_init_static(&mmun_self, &self_srcu.srcu, &self_in_flight.srcu,
				    mmun_monitor_start);
		mmun_store_release(&state.mm_ready, 1);
	}
	mmun_unlock_restore(&state.lock, &saved);
}

struct mm_struct *mm_self(void)
{
	if (mmun_unlikely(!mmun_load_acquire(&state.mm_ready)))
		make_self();
	return &mmun_self;
}
EXPORT_SYMBOL(mm_self);

static void exit_self(void)
{
	mmun_mm_exit(&mmun_self);
}

/* fork() waits until a start is complete: a child could not go on with it. */
static void lock_state(void)
{
	mmun_lock(&state.lock);
}

static void unlock_state(void)
{
	mmun_unlock(&state.lock);
}

/* What the process calls when it forks and ends.  Each is asked for once. */
static int install_fork_handlers(void)
{
	if (!state.fork_handlers &&
	    pthread_atfork(lock_state, unlock_state, unlock_state))
		return -ENOMEM;
	state.fork_handlers = true;
	return 0;
}

static int install_handlers(void)
{
	if (install_fork_handlers())
		return -ENOMEM;
	if (!state.exit_handler && atexit(exit_self))
		return -ENOMEM;
	state.exit_handler = true;
	return 0;
}

/* Before the handlers of who uses the library, as in core/fork.c. */
__attribute__((constructor)) static void at_load(void)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&state.lock, &saved);
	install_fork_handlers();
	mmun_unlock_restore(&state.lock, &saved);
}

/* One source is enough; what each misses is for its description to say. */
static int start_all(void)
{
	int ret = -EOPNOTSUPP;

	for (size_t i = 0; i < NR_MONITORS; i++) {
		int err = monitors[i]->start();

		if (!err || (ret && err == -ENOMEM))
			ret = err;
	}
	return ret;
}

int mmun_monitor_start(void)
{
	struct mmun_sigmask saved;
	int ret;

	mm_self();
	if (mmun_load_acquire(&state.started))
		return state.result;
	mmun_pin_library();
	for (size_t i = 0; i < NR_MONITORS; i++)
		monitors[i]->resolve();
	mmun_lock_save(&state.lock, &saved);
	ret = state.result;
	if (!state.started) {
		ret = install_handlers();
		if (!ret)
			ret = start_all();
		state.result = ret;
		/* Without memory another time may be better. */
		mmun_store_release(&state.started, ret != -ENOMEM);
		mmun_store_release(&state.tried, true);
	}
	mmun_unlock_restore(&state.lock, &saved);
	return ret;
}
EXPORT_SYMBOL(mmun_monitor_start);

int mmun_monitor_entry(size_t index, struct mmun_entry_info *ret_info)
{
	struct mmun_entry_info info;

	if (!ret_info)
		return -EINVAL;
	if (!mmun_load_acquire(&state.tried))
		return -EAGAIN;
	for (size_t i = 0; i < NR_MONITORS; i++) {
		size_t n = 0;

		while (!monitors[i]->entry(n, &info)) {
			if (!index--) {
				*ret_info = info;
				ret_info->monitor = monitors[i]->name;
				return 0;
			}
			n++;
		}
	}
	return -ENOENT;
}
EXPORT_SYMBOL(mmun_monitor_entry);
