// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter: by the number of a call, by the look of one argument, and by where
 * it is made.
 *
 * For each call that may change mappings there is a block, in which the call is
 * allowed when its argument says that it changes nothing, or when the instruction
 * lies in a function whose hook has told of it.  What is left stops.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "monitor/decode.h"
#include "monitor/seccomp.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* -- which calls -- */

enum look {
	ANY,		/* may change something, whatever its arguments */
	BITS,		/* if the argument has one of these bits */
	ADVICE,		/* if the argument is advice that takes pages away */
};

static const struct rule {
	int nr;
	enum look look;
	int arg;
	uint32_t bits;
} rules[] = {
	{ SYS_munmap, ANY, 0, 0 },
	{ SYS_mmap, BITS, 3, MAP_FIXED },
	{ SYS_mremap, ANY, 0, 0 },
	{ SYS_madvise, ADVICE, 2, 0 },
	{ SYS_process_madvise, ADVICE, 3, 0 },
	{ SYS_brk, ANY, 0, 0 },
	{ SYS_mprotect, ANY, 0, 0 },
	{ SYS_pkey_mprotect, ANY, 0, 0 },
	{ SYS_shmdt, ANY, 0, 0 },
	{ SYS_shmat, BITS, 2, SHM_REMAP },
	{ SYS_remap_file_pages, ANY, 0, 0 },
	{ SYS_ftruncate, ANY, 0, 0 },
	{ SYS_truncate, ANY, 0, 0 },
	{ SYS_fallocate, BITS, 1, ~(uint32_t)FALLOC_FL_KEEP_SIZE },
	{ SYS_openat, BITS, 2, O_TRUNC },
	{ SYS_openat2, ANY, 0, 0 },
#ifdef SYS_open
	{ SYS_open, BITS, 1, O_TRUNC },
	{ SYS_creat, ANY, 0, 0 },
#endif
	{ SYS_execve, ANY, 0, 0 },
	{ SYS_execveat, ANY, 0, 0 },
	{ SYS_exit_group, ANY, 0, 0 },
};

/* -- writing -- */

struct writer {
	struct sock_filter *at;
	size_t n;	/* goes on where there is no room */
};

static void put(struct writer *w, uint16_t code, uint32_t k, uint8_t yes,
		uint8_t no)
{
	if (w->n < MMUN_FILTER_MAX)
		w->at[w->n] = (struct sock_filter){ code, yes, no, k };
	w->n++;
}

static void load(struct writer *w, size_t offset)
{
	put(w, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* Skip so many instructions, depending on what was loaded. */
static void skip(struct writer *w, uint16_t test, uint32_t k, uint8_t yes,
		 uint8_t no)
{
	put(w, BPF_JMP | test | BPF_K, k, yes, no);
}

static void end(struct writer *w, uint32_t verdict)
{
	put(w, BPF_RET | BPF_K, verdict, 0, 0);
}

/* -- a block -- */

#define LOW(word) offsetof(struct seccomp_data, word)
#define HIGH(word) (LOW(word) + 4)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "LOW comes first");

static void allow_unless_advice(struct writer *w, int arg)
{
	load(w, LOW(args) + 8 * arg);
	for (int advice = 0; advice < 256; advice++) {
		if (!mmun_advice_takes(advice))
			continue;
		/* Over the next test, if there is one, to what follows the last. */
		skip(w, BPF_JEQ, advice, 0, 1);
		put(w, BPF_JMP | BPF_JA, 0, 0, 0);
	}
	end(w, SECCOMP_RET_ALLOW);
}

/* The jumps that were left open above, from @from on, lead here. */
static void land(struct writer *w, size_t from)
{
	for (size_t i = from; i < w->n && i < MMUN_FILTER_MAX; i++)
		if (w->at[i].code == (BPF_JMP | BPF_JA))
			w->at[i].k = w->n - i - 1;
}

static void allow_what_changes_nothing(struct writer *w, const struct rule *rule)
{
	size_t start = w->n;

	switch (rule->look) {
	case ANY:
		break;
	case BITS:
		load(w, LOW(args) + 8 * rule->arg);
		skip(w, BPF_JSET, rule->bits, 1, 0);
		end(w, SECCOMP_RET_ALLOW);
		break;
	case ADVICE:
		allow_unless_advice(w, rule->arg);
		land(w, start);
		break;
	}
}

/* Both in the same 4 GiB. */
static void allow_from_to(struct writer *w, uint64_t first, uint64_t last)
{
	load(w, HIGH(instruction_pointer));
	skip(w, BPF_JEQ, first >> 32, 0, 4);
	load(w, LOW(instruction_pointer));
	skip(w, BPF_JGE, (uint32_t)first, 0, 2);
	skip(w, BPF_JGT, (uint32_t)last, 1, 0);
	end(w, SECCOMP_RET_ALLOW);
}

/* What the kernel reports is the next instruction. */
static void allow_in_text(struct writer *w, const struct mmun_text *text)
{
	uint64_t first = text->start + 1, last = text->end;
	uint64_t border = last >> 32 << 32;

	if (first < border) {
		allow_from_to(w, first, border - 1);
		first = border;
	}
	allow_from_to(w, first, last);
}

static void write_block(struct writer *w, const struct rule *rule,
			const struct mmun_text *texts, size_t nr_texts)
{
	allow_what_changes_nothing(w, rule);
	for (size_t i = 0; i < nr_texts; i++)
		if (texts[i].nr == rule->nr || texts[i].nr == -1)
			allow_in_text(w, &texts[i]);
	end(w, SECCOMP_RET_USER_NOTIF);
}

/*
 * A test of the number goes before each block.  Its conditional jump does not
 * reach over a long block, an unconditional one does.
 */
size_t mmun_seccomp_filter(struct sock_filter filter[MMUN_FILTER_MAX],
			   const struct mmun_text *texts, size_t nr_texts)
{
	struct writer w = { filter, 0 };

	load(&w, offsetof(struct seccomp_data, arch));
	skip(&w, BPF_JEQ, NATIVE, 1, 0);
	end(&w, SECCOMP_RET_ALLOW);
	load(&w, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		size_t jump;

		skip(&w, BPF_JEQ, rules[i].nr, 1, 0);
		jump = w.n;
		put(&w, BPF_JMP | BPF_JA, 0, 0, 0);
		write_block(&w, &rules[i], texts, nr_texts);
		if (jump < MMUN_FILTER_MAX)
			filter[jump].k = w.n - jump - 1;
	}
	end(&w, SECCOMP_RET_ALLOW);
	return w.n <= MMUN_FILTER_MAX ? w.n : 0;
}
