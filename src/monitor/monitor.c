// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The address space of this process, and the sources that report its events.
 *
 * Sources start at the first registration on mm_self(), and never stop.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/export.h"
#include "base/syscall.h"
#include "core/core.h"
#include "monitor/bracket.h"
#include "monitor/fork_event.h"
#include "monitor/sources.h"
#include "monitor/watch.h"

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
	const void *forking;	/* the task that holds the lock for fork() ... */
	unsigned int forks;	/* ... so many times: a callback of that forks */
} state;

static void make_self(void)
{
	struct mmun_sigmask saved;

	mmun_lock_save(&state.lock, &saved);
	if (!state.mm_ready) {
		mmun_decode_init();
		mmun_mm_init_static(&mmun_self, &self_srcu.srcu, &self_in_flight.srcu,
				    mmun_monitor_start);
		mmun_self.interest = &mmun_watch_interest;
		/* ORDER(started): mm_self() itself; pairs with mm_self(). */
		mmun_store_release(&state.mm_ready, 1);
	}
	mmun_unlock_restore(&state.lock, &saved);
}

struct mm_struct *mm_self(void)
{
	/* ORDER(started): pairs with make_self(). */
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
static void before_fork(void)
{
	if (mmun_read(&state.forking) == &mmun_task) {
		state.forks++;
		return;
	}
	mmun_lock(&state.lock);
	mmun_write(&state.forking, &mmun_task);
	mmun_fork_event_start();
	mmun_watch_fork_prepare();
}

static void unlock_after_fork(void)
{
	mmun_watch_fork_done();
	mmun_write(&state.forking, NULL);
	mmun_unlock(&state.lock);
}

static void after_fork_in_parent(void)
{
	if (state.forks) {
		state.forks--;
		return;
	}
	mmun_fork_event_end();
	unlock_after_fork();
}

/* Sources that need more than the memory start again with the first registration. */
static void after_fork_in_child(void)
{
	state.forks = 0;
	mmun_sources_fork_child();
	state.started = 0;
	unlock_after_fork();
}

/* What the process calls when it forks and ends.  Each is asked for once. */
static int install_fork_handlers(void)
{
	if (!state.fork_handlers &&
	    pthread_atfork(before_fork, after_fork_in_parent,
			   after_fork_in_child))
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

/*
 * Before the handlers of who uses the library, as in core/fork.c; but after that
 * one, whose locks no callback can do with: handlers run in reverse.
 */
__attribute__((constructor)) static void at_load(void)
{
	struct mmun_sigmask saved;

	mmun_fork_init();
	mmun_lock_save(&state.lock, &saved);
	install_fork_handlers();
	mmun_unlock_restore(&state.lock, &saved);
}

int mmun_monitor_select(const char *sources)
{
	struct mmun_sigmask saved;
	int ret = -EBUSY;

	mmun_lock_save(&state.lock, &saved);
	if (!state.tried)
		ret = mmun_sources_select(sources);
	mmun_unlock_restore(&state.lock, &saved);
	return ret;
}
EXPORT_SYMBOL(mmun_monitor_select);

/* -- which process -- */

static const uint32_t always = 1;
static const uint32_t *here = &always;

/* On a page that a child finds zeroed, however it was forked. */
static void mark_process(void)
{
	long page = mmun_syscall(SYS_mmap, 0, mmun_page_size,
				 PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page < 0 && page > -4096)
		return;
	if (mmun_syscall(SYS_madvise, page, mmun_page_size, MADV_WIPEONFORK)) {
		mmun_syscall(SYS_munmap, page, mmun_page_size);
		return;
	}
	mmun_write((uint32_t *)page, 1);
	here = (const uint32_t *)page;
}

bool mmun_sources_are_here(void)
{
	return mmun_read(here);
}

/* -- starting -- */

static int start(void)
{
	int ret = install_handlers();

	if (!mmun_sources_are_here() || here == &always)
		mark_process();
	if (!ret)
		ret = mmun_sources_start();
	if (!ret)
		mmun_watch_started();
	return ret;
}

int mmun_monitor_start(void)
{
	struct mmun_sigmask saved;
	int ret;

	mm_self();
	/* ORDER(started): the result, and all that the start did. */
	if (mmun_load_acquire(&state.started))
		return state.result;
	mmun_pin_library();
	mmun_sources_resolve();
	mmun_lock_save(&state.lock, &saved);
	ret = state.result;
	if (!state.started) {
		ret = start();
		state.result = ret;
		/*
		 * Without memory another time may be better.
		 *
		 * ORDER(started): pairs with the look above, and with who asks.
		 */
		mmun_store_release(&state.started, ret != -ENOMEM);
		mmun_store_release(&state.tried, true);
	}
	mmun_unlock_restore(&state.lock, &saved);
	return ret;
}
EXPORT_SYMBOL(mmun_monitor_start);

bool mmun_monitors_run(void)
{
	/* ORDER(started): pairs with mmun_monitor_start(). */
	return mmun_load_acquire(&state.started) && !state.result;
}

int mmun_monitor_entry(size_t index, struct mmun_entry_info *ret_info)
{
	if (!ret_info)
		return -EINVAL;
	/* ORDER(started): pairs with mmun_monitor_start(). */
	if (!mmun_load_acquire(&state.tried))
		return -EAGAIN;
	return mmun_sources_entry(index, ret_info);
}
EXPORT_SYMBOL(mmun_monitor_entry);

/* -- settling -- */

static void settle(void)
{
	for (int i = 0; i < MMUN_NR_SOURCES; i++)
		if (mmun_load_acquire(&mmun_unsettled.sources) & (1U << i))
			mmun_sources[i].ops->settle();
}

void mmun_settle(struct mm_struct *mm)
{
	/* ORDER(settle): pairs with the sources; see monitor_ops.h. */
	if (mm == &mmun_self && mmun_unlikely(mmun_load_acquire(&mmun_unsettled.sources)) &&
	    !mmun_in_callback(mm) && mmun_sources_are_here())
		settle();
}
EXPORT_SYMBOL(mmun_settle);
