// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A static program: there are no dynamic symbols, so those of its file say where
 * functions end; and a stripped one, where only entries that need no padding can
 * be patched.
 *
 *	static symbols|stripped
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "helpers.h"
#include "monitor/ldso.h"
#include "monitor/patch_symbols.h"

typedef long (*libc_t)(long, long, long, long, long, long, long);

/* Of munmap, for one, any libc makes a function that needs no padding. */
#define ENTRIES(X)                                                             \
	X(munmap, true) X(mmap, false) X(mremap, false) X(madvise, true)       \
	X(mprotect, true) X(brk, false) X(shmdt, true)

enum entry {
#define X(name, easy) entry_##name,
	ENTRIES(X)
#undef X
	NR_ENTRIES
};

static struct mmun_patch patches[NR_ENTRIES];
/* Volatile: libc is declared not to call back. */
static volatile long counts[NR_ENTRIES];

#define X(name, easy)                                                          \
	static long hook_##name(long a, long b, long c, long d, long e,        \
				long f, long g)                                \
	{                                                                      \
		counts[entry_##name]++;                                        \
		return ((libc_t)patches[entry_##name].orig)(a, b, c, d, e, f,  \
							    g);                \
	}
ENTRIES(X)
#undef X

static void patch(struct mmun_patch *p, void *entry, void *hook,
		  const char *name, bool must)
{
	uint8_t was[16];
	int err;

	memcpy(was, entry, sizeof(was));
	*p = (struct mmun_patch){ .entry = entry, .hook = hook };
	err = mmun_patch_prepare(p) ?: mmun_patch_commit(p);
	if (!err || must)
		ok(!err, "%s: patched: %s", name, p->how);
	else
		ok(err == -EOPNOTSUPP && !memcmp(was, entry, sizeof(was)),
		   "%s: refused, and untouched: %s", name, p->how);
	if (err)
		p->entry = NULL;
}

static bool counted(enum entry i, long nr)
{
	return !patches[i].entry || counts[i] >= nr;
}

static void check_calls(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *brk_was = sbrk(0);

	p[0] = 42;
	p = mremap(p, 4 * page, 8 * page, MREMAP_MAYMOVE);
	ok(p != MAP_FAILED && p[0] == 42 && counted(entry_mmap, 1) &&
	   counted(entry_mremap, 1), "mmap and mremap work");
	ok(!madvise(p, page, MADV_DONTNEED) && !p[0] &&
	   !mprotect(p, page, PROT_READ) && counted(entry_madvise, 1) &&
	   counted(entry_mprotect, 1), "madvise and mprotect work");
	errno = 0;
	ok(!munmap(p, 8 * page) && munmap(p + 1, page) == -1 &&
	   errno == EINVAL && counted(entry_munmap, 2), "munmap works");
	errno = 0;
	ok(shmdt(p) == -1 && errno == EINVAL && counted(entry_shmdt, 1),
	   "shmdt works");
	ok(sbrk(page) == brk_was && !brk(brk_was) && sbrk(0) == brk_was &&
	   counted(entry_brk, 2),
	   "brk and sbrk work");
}

static void check_free(void)
{
	long before = counts[entry_munmap];
	char *p = malloc(64 << 20);

	*(volatile char *)p = 1;
	free(p);
	ok(counts[entry_munmap] > before, "what free() unmaps is seen");
}

int main(int argc, char **argv)
{
	bool symbols = argc > 1 && !strcmp(argv[1], "symbols");
	size_t size;

	tap_begin(20);
	size = mmun_patch_function_size((uintptr_t)munmap);
	ok(symbols ? size > 8 && size < 256 : !size,
	   "munmap has %zu bytes, says %s", size,
	   symbols ? "the file" : "nobody");
	ok(mmun_patch_function_size((uintptr_t)munmap + 4) ==
		   (symbols ? size - 4 : 0), "and so from its middle");
	ok(!mmun_ldso_function(SYS_munmap), "no dynamic linker");
#define X(name, easy)                                                          \
	patch(&patches[entry_##name], (void *)name, (void *)hook_##name,       \
	      #name, symbols || easy);
	ENTRIES(X)
#undef X
	check_calls();
	check_free();
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
