// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>

#include "base/lock.h"
#include "base/thread.h"

#define SIGNAL(n) (1ULL << ((n) - 1))
#define KERNELS_SIGRTMIN 32
/* From there to its own SIGRTMIN: glibc has two, musl three. */
#define LIBCS ((SIGNAL(SIGRTMIN) - 1) & ~(SIGNAL(KERNELS_SIGRTMIN) - 1))
#define FAULTS                                                                 \
	(SIGNAL(SIGSEGV) | SIGNAL(SIGBUS) | SIGNAL(SIGILL) | SIGNAL(SIGFPE) |  \
	 SIGNAL(SIGTRAP) | SIGNAL(SIGSYS))

int mmun_start_thread(pthread_t *ret_thread, void *(*fn)(void *arg), void *arg,
		      uint64_t open_signals)
{
	struct mmun_sigmask saved, mask = { ~(LIBCS | FAULTS | open_signals) };
	int err;

	mmun_block_signals(&saved);
	mmun_restore_signals(&mask);
	err = pthread_create(ret_thread, NULL, fn, arg);
	mmun_restore_signals(&saved);
	return err ? -ENOMEM : 0;
}
