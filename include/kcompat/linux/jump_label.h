/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_JUMP_LABEL_H
#define MMUN_KCOMPAT_LINUX_JUMP_LABEL_H
/* Branches that are switched by code patching; here, by a variable. */
#include <linux/atomic.h>

struct static_key_true {
	atomic_t enabled;
};

struct static_key_false {
	atomic_t enabled;
};

#define DEFINE_STATIC_KEY_TRUE(name) \
	struct static_key_true name = { ATOMIC_INIT(1) }
#define DEFINE_STATIC_KEY_FALSE(name) \
	struct static_key_false name = { ATOMIC_INIT(0) }
#define DECLARE_STATIC_KEY_TRUE(name) extern struct static_key_true name
#define DECLARE_STATIC_KEY_FALSE(name) extern struct static_key_false name
#define static_branch_likely(key) (atomic_read(&(key)->enabled) > 0)
#define static_branch_unlikely(key) static_branch_likely(key)
#define static_key_enabled(key) static_branch_likely(key)
#define static_branch_inc(key) atomic_inc(&(key)->enabled)
#define static_branch_dec(key) atomic_dec(&(key)->enabled)
#define static_branch_enable(key) atomic_set(&(key)->enabled, 1)
#define static_branch_disable(key) atomic_set(&(key)->enabled, 0)

#endif /* MMUN_KCOMPAT_LINUX_JUMP_LABEL_H */
