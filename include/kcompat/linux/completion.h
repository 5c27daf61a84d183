/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_COMPLETION_H
#define MMUN_KCOMPAT_LINUX_COMPLETION_H
/* Something that is done once, or counted. */
#include <linux/wait.h>

struct completion {
	unsigned int done;
	struct wait_queue_head wait;
};

#define COMPLETION_INITIALIZER(name) \
	{ .done = 0, .wait = __WAIT_QUEUE_HEAD_INITIALIZER((name).wait) }
#define DECLARE_COMPLETION(name) \
	struct completion name = COMPLETION_INITIALIZER(name)
#define DECLARE_COMPLETION_ONSTACK(name) DECLARE_COMPLETION(name)

static inline void init_completion(struct completion *x)
{
	x->done = 0;
	init_waitqueue_head(&x->wait);
}

static inline void reinit_completion(struct completion *x)
{
	x->done = 0;
}

static inline void complete(struct completion *x)
{
	spin_lock(&x->wait.lock);
	if (x->done != UINT_MAX)
		x->done++;
	mmun_k_wake_locked(&x->wait, 1, NULL);
	spin_unlock(&x->wait.lock);
}

static inline void complete_all(struct completion *x)
{
	spin_lock(&x->wait.lock);
	x->done = UINT_MAX;
	mmun_k_wake_locked(&x->wait, 0, NULL);
	spin_unlock(&x->wait.lock);
}

static inline bool try_wait_for_completion(struct completion *x)
{
	bool done;

	spin_lock(&x->wait.lock);
	done = x->done;
	if (done && x->done != UINT_MAX)
		x->done--;
	spin_unlock(&x->wait.lock);
	return done;
}

static inline bool completion_done(struct completion *x)
{
	bool done;

	spin_lock(&x->wait.lock);
	done = x->done;
	spin_unlock(&x->wait.lock);
	return done;
}

static inline unsigned long wait_for_completion_timeout(struct completion *x,
							unsigned long timeout)
{
	bool got = false;
	long left;

	might_sleep();
	left = MMUN_K_WAIT(x->wait, (got = try_wait_for_completion(x)), true,
			   timeout, , );
	return got ? left : 0;
}

static inline void wait_for_completion(struct completion *x)
{
	(void)wait_for_completion_timeout(x, MAX_SCHEDULE_TIMEOUT);
}

static inline int __must_check
wait_for_completion_interruptible(struct completion *x)
{
	wait_for_completion(x);
	return 0;
}

#define wait_for_completion_io(x) wait_for_completion(x)
#define wait_for_completion_killable(x) wait_for_completion_interruptible(x)
#define wait_for_completion_interruptible_timeout(x, timeout) \
	((long)wait_for_completion_timeout(x, timeout))
#define wait_for_completion_killable_timeout(x, timeout) \
	((long)wait_for_completion_timeout(x, timeout))

#endif /* MMUN_KCOMPAT_LINUX_COMPLETION_H */
