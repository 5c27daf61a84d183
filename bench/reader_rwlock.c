// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void attach(void)
{
}

static void detach(void)
{
}

static inline unsigned int enter(void)
{
	pthread_rwlock_rdlock(&lock);
	return 0;
}

static inline void leave(unsigned int token)
{
	(void)token;
	pthread_rwlock_unlock(&lock);
}

static void wait_for_readers(void)
{
	pthread_rwlock_wrlock(&lock);
	pthread_rwlock_unlock(&lock);
}

#include "reader_loops.h"

const struct reader reader_rwlock = READER("rwlock");
