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
	uint32_t started;
	int result;
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

/* One source is enough; what each misses is for its description to say. */
static int start_all(void)
{
	int ret = -EOPNOTSUPP;

	for (size_t i = 0; i < NR_MONITORS; i++)
		if (!monitors[i]->start())
			ret = 0;
	if (!ret && atexit(exit_self))
		ret = -ENOMEM;
	return ret;
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

int mmun_monitor_start(void)
{
	static uint32_t once;

	mm_self();
	if (mmun_load_acquire(&state.started))
		return state.result;
	if (!mmun_xchg(&once, 1) &&
	    pthread_atfork(lock_state, unlock_state, unlock_state))
		return -ENOMEM;
	mmun_pin_library();
	mmun_lock(&state.lock);
	if (!state.started) {
		state.result = start_all();
		mmun_store_release(&state.started, 1);
	}
	mmun_unlock(&state.lock);
	return state.result;
}
EXPORT_SYMBOL(mmun_monitor_start);

int mmun_monitor_entry(size_t index, struct mmun_entry_info *ret_info)
{
	struct mmun_entry_info info;

	if (!ret_info)
		return -EINVAL;
	if (!mmun_load_acquire(&state.started))
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
