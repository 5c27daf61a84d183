/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARTY_H
#define PARTY_H
/*
 * Who patches libc in this process.  The others are the real libraries, loaded
 * when they arrive, and judged by what they tell their users.
 */
#include <stdbool.h>
#include <stddef.h>

struct party {
	const char *name;
	const char *needs;	/* what to install */
	bool (*present)(void);	/* is it installed?  Loads nothing. */
	bool (*arrive)(void);	/* load it, and make it patch libc */
	void (*watch)(void *block, size_t len);
	bool (*saw)(void);	/* that the block of watch() went away */
	bool (*verify)(void);	/* after another one's arrival; may be NULL */
};

extern const struct party ours, ucm, openmpi, libfabric;

/* Is there such a library?  Asked in a child, which it may patch. */
bool can_load(const char *const *names);

#endif /* PARTY_H */
