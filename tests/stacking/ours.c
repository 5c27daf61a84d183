// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* We: patches of the entries, re-verified after each arrival. */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "monitor/patch.h"
#include "party.h"
#include "tap.h"

typedef long (*call_t)(long, long, long, long, long, long);

#define ENTRIES(X)                                                             \
	X(munmap, a, b)                                                        \
	X(mmap, d & MAP_FIXED ? a : 0, b)                                      \
	X(mremap, a, b)                                                        \
	X(madvise, a, b)                                                       \
	X(brk, a, SIZE_MAX / 2)                                                \
	X(sbrk, a < 0 ? a + top : 0, SIZE_MAX / 2)                             \
	X(shmdt, a, 1UL << 20)

enum entry {
#define X(name, start, len) entry_##name,
	ENTRIES(X)
#undef X
	NR_ENTRIES
};

static struct mmun_patch patches[NR_ENTRIES];
static void *orig[NR_ENTRIES];
static uintptr_t watched, top;
/* Volatile: libc is declared not to call back. */
static volatile bool seen, probing, probed;

static void note(uintptr_t start, uintptr_t len)
{
	if (start && watched - start < len)
		seen = true;
}

#define X(name, start, len)                                                    \
	static long hook_##name(long a, long b, long c, long d, long e, long f)\
	{                                                                      \
		if (probing) {                                                 \
			probed = true;                                         \
			return -1;                                             \
		}                                                              \
		note(start, len);                                              \
		return ((call_t)orig[entry_##name])(a, b, c, d, e, f);         \
	}
ENTRIES(X)
#undef X

static bool reached(struct mmun_patch *p)
{
	int saved = errno;

	probing = true;
	probed = false;
	((call_t)p->entry)(0, 0, 0, 0, 0, 0);
	probing = false;
	errno = saved;
	return probed;
}

static bool patch(enum entry i, void *entry, void *hook, const char *name)
{
	struct mmun_patch *p = &patches[i];
	int err;

	*p = (struct mmun_patch){ .entry = entry, .hook = hook,
				  .publish = &orig[i] };
	err = mmun_patch_prepare(p);
	orig[i] = p->orig;
	if (!err)
		err = mmun_patch_commit(p);
	if (err)
		diag("%s: %s (%d)", name, p->how, err);
	return !err && reached(p);
}

static bool present(void)
{
	return true;
}

static bool arrive(void)
{
#define X(name, start, len)                                                    \
	if (!patch(entry_##name, (void *)name, (void *)hook_##name, #name))    \
		return false;
	ENTRIES(X)
#undef X
	return true;
}

static bool verify(void)
{
	for (int i = 0; i < NR_ENTRIES; i++) {
		int err = mmun_patch_recheck(&patches[i], reached);

		if (err || !reached(&patches[i])) {
			diag("entry %d: %s (%d)", i, patches[i].how, err);
			return false;
		}
	}
	return true;
}

static void watch(void *block, size_t len)
{
	watched = (uintptr_t)block + len / 2;
	top = (uintptr_t)sbrk(0);
	seen = false;
}

static bool saw(void)
{
	return seen;
}

const struct party ours = {
	.name = "us",
	.present = present,
	.arrive = arrive,
	.watch = watch,
	.saw = saw,
	.verify = verify,
};
