/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_MMUN_EVENT_H
#define MMUN_KCOMPAT_MMUN_EVENT_H
/*
 * Something that is waited for.  Who waits reads the number, looks whether what
 * he waits for has come, and sleeps unless the number has changed; who changes
 * something does so, and tells.
 */
#include <sys/syscall.h>
#include <time.h>

#include <mmun/shared.h>

struct mmun_k_event {
	uint32_t number;
};

#define MMUN_K_FOREVER INT64_MAX

static inline int64_t mmun_k_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline uint32_t mmun_k_event_read(const struct mmun_k_event *event)
{
	return __atomic_load_n(&event->number, __ATOMIC_SEQ_CST);
}

/* Until it is told, or the clock shows @until, or for no reason. */
static inline void mmun_k_event_wait(const struct mmun_k_event *event,
				     uint32_t seen, int64_t until)
{
	struct timespec left = { 0, 0 };
	int64_t ns = 0;

	if (until != MMUN_K_FOREVER) {
		ns = until - mmun_k_now();
		if (ns <= 0)
			return;
		left.tv_sec = ns / 1000000000;
		left.tv_nsec = ns % 1000000000;
	}
	/* FUTEX_WAIT_PRIVATE */
	mmun_k_syscall(SYS_futex, &event->number, 128, seen,
		       ns ? &left : NULL, NULL, 0);
}

static inline void mmun_k_event_tell(struct mmun_k_event *event)
{
	__atomic_fetch_add(&event->number, 1, __ATOMIC_SEQ_CST);
	/* FUTEX_WAKE_PRIVATE */
	mmun_k_syscall(SYS_futex, &event->number, 129, INT32_MAX, NULL, NULL,
		       0);
}

#endif /* MMUN_KCOMPAT_MMUN_EVENT_H */
