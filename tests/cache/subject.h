/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SUBJECT_H
#define SUBJECT_H
/* One cache on one software mm, for one subject. */
#include "registrar.h"

#define PAGE 4096UL
#define MIB (1UL << 20)
#define GIB (1UL << 30)

enum { READ = 1, WRITE = 2 };

static struct mm_struct *mm;
static struct mmun_regcache *cache;

static inline void begin(const struct mmun_regcache_attr *attr)
{
	in_reg = NULL;
	atomic_store(&nr_reg, 0);
	atomic_store(&nr_dereg, 0);
	atomic_store(&nr_calls, 0);
	atomic_store(&nr_refused, 0);
	mm = new_mm();
	cache = new_cache(mm, attr);
}

static inline void end(const char *subject)
{
	mmun_regcache_destroy(cache);
	ok(!registered_now() && !nr_wrong,
	   "%s: each registration was undone once", subject);
	mmput(mm);
}

#endif /* SUBJECT_H */
