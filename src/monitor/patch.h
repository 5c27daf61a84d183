/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_MONITOR_PATCH_H
#define MMUN_MONITOR_PATCH_H
/*
 * Divert the entry of a function of the running process to a hook, while other
 * threads call it.  One atomic store makes it live; there is no way back,
 * since a thread may be anywhere in between.
 *
 * The flow: prepare, publish p->orig to the hook, commit; recheck when others may
 * have patched.  The caller serialises all calls to these three.  None of them
 * allocates from the heap or calls a libc function that may be among the patched
 * ones.
 *
 * Patches that belong together are prepared together, then committed: they share
 * a page of islands, and when one cannot be had, none need be.
 *
 * entry            (padding)           island
 * +------------+   +-----------+       +------------------------+
 * | jmp -------+-->| jmp ------+------>| jmp hook               |
 * | 2nd insn <-+---+-----------+-------+ 1st insn; jmp 2nd insn | <- orig
 * +------------+   +-----------+       +------------------------+
 *
 * patch.c knows about mappings, pages and symbols, patch_<arch>.c about bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/proc_maps.h"

/* The one store, and the jump in dead padding that it may need first. */
struct mmun_patch_plan {
	uintptr_t site;		/* where the store goes */
	unsigned int len;	/* bytes that change there */
	uint8_t old[8];		/* what they must be at that time */
	uint8_t new[8];
	uintptr_t gap;		/* padding to fill before, or 0 */
	unsigned int gap_len;
	uint8_t gap_old[8];
	uint8_t gap_new[8];
};

struct mmun_patch {
	void *entry;		/* in: first byte of the function */
	void *hook;		/* in: called instead, same ABI */
	void *orig;		/* out: what the entry did before */
	const char *how;	/* out: how it is done, or why not */
	bool foreign;		/* out: chained to somebody else's patch */
	void **publish;		/* in: where the hook reads orig, or NULL */
	struct mmun_mapping *text; /* in: code that was looked up, shared, or NULL */
	unsigned int rechains;	/* how often we were put in front again */
	struct mmun_patch_plan plan;
	uintptr_t island;
};

/*
 * Decode the entry, build the island.  Nothing that anybody executes changes.
 * Return: 0; -EOPNOTSUPP for an entry that cannot be patched safely; -EACCES
 * where the system forbids executable memory; -ENOMEM.
 */
int mmun_patch_prepare(struct mmun_patch *p);

/*
 * Make a prepared patch live, in every thread by the time it returns.
 * Return: 0, or with the entry untouched: -EBUSY when somebody else changed it
 * after prepare; -EACCES where the system forbids to write to code; -ENOMEM.
 */
int mmun_patch_commit(struct mmun_patch *p);

/*
 * Is a committed patch still in effect?  If somebody has written over it since,
 * chain to what he wrote and put our jump in front again; p->orig changes, and
 * what p->publish points to, before the jump does.
 *
 * Who overwrites an entry may have kept what was there, and call it: then we
 * still hear of each call, and to go in front of him would be a circle.  So
 * @reached calls the entry and says whether it came to the hook; asked only if
 * the bytes at the entry do not say so.
 *
 * When somebody writes over more bytes than the one instruction that we moved,
 * orig leads into the middle of his jump until recheck changes it.  A thread that
 * is in the hook at that moment crashes; one that is in the system call does so
 * without us too.  What we write is never longer than his first instruction, and
 * adds no such window.  (Who writes so much and then calls what he found is not
 * to be helped: he has been told of no such jump back.)
 *
 * Return: 0, in effect (again); -EAGAIN or -EBUSY while somebody is just writing:
 * ask again later; -ELOOP when others have done so too often; or the errors of
 * prepare and commit.  p->how has the reason.
 */
int mmun_patch_recheck(struct mmun_patch *p,
		       bool (*reached)(struct mmun_patch *p));

/*
 * The private interface to the architectures.  The table's functions are pure:
 * they see copies and addresses, so that each runs on any host.
 */

/* A copy of the code around an entry; more than a short jump reaches. */
struct mmun_patch_text {
	uintptr_t at;
	size_t n;
	uint8_t bytes[384];
};
#define MMUN_PATCH_TEXT_BEFORE 176

/* What an entry begins with. */
struct mmun_patch_entry {
	uintptr_t site;		/* after the landing pad, which stays */
	unsigned int len;	/* of the instruction there */
	uint8_t insn[16];	/* that instruction */
	uint8_t push[4];	/* x86: pushes of one byte, before the site */
	unsigned int nr_push;
	unsigned int pcrel;	/* x86: offset in it of a disp32 to %rip, or 0 */
	bool signs_lr;		/* aarch64: the landing pad is paciasp */
	bool foreign;		/* it is a jump out of the function ... */
	uintptr_t target;	/* ... to here, */
	uintptr_t target_at;	/* or to where the pointer here says */
};

/* Dead bytes between a known function's end and the next 16-byte boundary. */
struct mmun_patch_gap {
	uintptr_t start;
	uintptr_t end;
};

/* The code in an island. */
struct mmun_patch_code {
	uint8_t to_hook[32];	/* the entry jumps here */
	uint8_t to_orig[32];	/* p->orig, unless foreign */
};

struct mmun_patch_arch {
	uintptr_t reach;	/* of a jump from the entry to the island */
	unsigned int gap_min;	/* shortest gap of use; 0: none is */
	bool direct;		/* a hook within reach needs no island */

	/* 0, or -EOPNOTSUPP with the reason in *how. */
	int (*decode)(const struct mmun_patch_text *text, uintptr_t entry,
		      struct mmun_patch_entry *e, const char **how);
	/* Fill in @code, which will run at @at.  Same errors. */
	int (*build)(const struct mmun_patch_entry *e, uintptr_t hook,
		     uintptr_t at, struct mmun_patch_code *code,
		     const char **how);
	/* Choose the store that sends the entry to @to.  Same errors. */
	int (*plan)(const struct mmun_patch_text *text,
		    const struct mmun_patch_entry *e,
		    const struct mmun_patch_gap *gaps, unsigned int nr_gaps,
		    uintptr_t to, struct mmun_patch_plan *plan,
		    const char **how);
};

extern const struct mmun_patch_arch mmun_patch_x86_64;
extern const struct mmun_patch_arch mmun_patch_aarch64;

/*
 * Not pure, so present for the host only: put @plan->new at its site by one
 * atomic store, if @plan->old is there.  Return: 0 or -EBUSY.
 */
int mmun_patch_store(const struct mmun_patch_plan *plan);

/* ThreadSanitizer has no shadow for code. */
#define MMUN_PATCH_WRITES_CODE __attribute__((no_sanitize("thread")))

/* The @n bytes at @addr in the copy, or NULL. */
static inline const uint8_t *
mmun_patch_text_at(const struct mmun_patch_text *text, uintptr_t addr, size_t n)
{
	if (addr < text->at || addr - text->at > text->n ||
	    n > text->n - (addr - text->at))
		return NULL;
	return text->bytes + (addr - text->at);
}

#endif /* MMUN_MONITOR_PATCH_H */
