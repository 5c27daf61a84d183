/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_MMUN_THREAD_H
#define MMUN_KCOMPAT_MMUN_THREAD_H
/* What a thread carries for the checks, and for read sections of RCU. */
#include <mmun/shared.h>

struct task_struct;

struct mmun_k_thread {
	int atomic;		/* spinlocks and read sections it is in */
	int rcu_depth;
	int rcu_index;
	struct task_struct *task;
};

MMUN_K_SHARED __thread struct mmun_k_thread mmun_k_thread;

#endif /* MMUN_KCOMPAT_MMUN_THREAD_H */
