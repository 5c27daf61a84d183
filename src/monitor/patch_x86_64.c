// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * x86-64 instruction bytes.
 *
 * A thread may be stopped before any instruction of the function, so only the
 * first one may change, and by one store that an instruction fetch sees whole
 * or not at all.  AMD promises that for a store inside an aligned quadword
 * (APM volume 2, 7.6.1), Intel's fetch works on aligned 16-byte blocks.  Hence
 * the order of preference in plan(): a near jump inside a quadword, a short
 * jump inside a quadword, and only then one inside a 16-byte block.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "monitor/patch.h"

#define NEAR_LEN 5 /* e9 rel32 */
#define SHORT_LEN 2 /* eb rel8 */

static int refuse(const char **how, const char *why)
{
	*how = why;
	return -EOPNOTSUPP;
}

/* @to as seen from the end of an instruction at @end, if 32 bits can say it. */
static bool rel32(uintptr_t end, uintptr_t to, uint8_t *out)
{
	int64_t dist = (int64_t)(to - end);
	int32_t rel = (int32_t)dist;

	memcpy(out, &rel, sizeof(rel));
	return rel == dist;
}

static uintptr_t read_rel32(const uint8_t *p, uintptr_t end)
{
	int32_t rel;

	memcpy(&rel, p, sizeof(rel));
	return end + (uintptr_t)(intptr_t)rel;
}

static bool near_jump(uint8_t *out, uintptr_t at, uintptr_t to)
{
	out[0] = 0xe9;
	return rel32(at + NEAR_LEN, to, out + 1);
}

/*
 * Length of the ModRM byte at p[0] and what it announces; 0 when cut off.
 * *pcrel tells whether that is a displacement to %rip.
 */
static unsigned int modrm_len(const uint8_t *p, size_t n, bool *pcrel)
{
	unsigned int mod, rm, len = 1;

	*pcrel = false;
	if (!n)
		return 0;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3)
		return 1;
	if (rm == 4) {
		if (n < 2)
			return 0;
		rm = p[1] & 7; /* the base; 5 without mod: disp32 */
		len = 2;
	} else {
		*pcrel = !mod && rm == 5;
	}
	if (mod == 1)
		len += 1;
	else if (mod == 2 || rm == 5)
		len += 4;
	return len <= n ? len : 0;
}

enum operands {
	NONE = 0,
	MODRM = 1,
	IMM8 = 2,
	IMM32 = 4,
	UNKNOWN = 8,
};

/* The two-byte opcodes: nop, movzx, movsx. */
static unsigned int operands_0f(uint8_t op)
{
	switch (op) {
	case 0x1f:
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:
		return MODRM;
	}
	return UNKNOWN;
}

/* What follows an opcode; only what a compiler starts a function with. */
static unsigned int operands(uint8_t op, uint8_t modrm)
{
	if (op < 0x40) { /* add or adc sbb and sub xor cmp */
		static const uint8_t alu[8] = { MODRM, MODRM, MODRM, MODRM,
						IMM8, IMM32, UNKNOWN, UNKNOWN };
		return alu[op & 7];
	}
	if (op >= 0x50 && op <= 0x5f) /* push, pop */
		return NONE;
	if (op >= 0xb8 && op <= 0xbf) /* mov */
		return IMM32;
	switch (op) {
	case 0x90: /* nop */
		return NONE;
	case 0x63: /* movslq */
	case 0x84: case 0x85: /* test */
	case 0x88: case 0x89: case 0x8a: case 0x8b: case 0x8d: /* mov, lea */
		return MODRM;
	case 0x80: case 0x83: /* add to cmp */
	case 0xc0: case 0xc1: /* shifts */
	case 0xc6: /* mov */
		return MODRM | IMM8;
	case 0x81:
	case 0xc7:
		return MODRM | IMM32;
	case 0xa8: /* test */
		return IMM8;
	case 0xa9:
		return IMM32;
	case 0xf6: /* test; not, neg, mul have no immediate */
		return MODRM | ((modrm & 0x30) || (modrm & 8) ? 0 : IMM8);
	case 0xf7:
		return MODRM | ((modrm & 0x30) || (modrm & 8) ? 0 : IMM32);
	}
	return UNKNOWN;
}

/*
 * Length of the instruction at @p that may be executed elsewhere; 0 for any
 * other.  *pcrel: the offset of its displacement to %rip, or 0.
 */
static unsigned int insn_len(const uint8_t *p, size_t n, unsigned int *pcrel)
{
	bool opsize = false, wide = false, rip = false;
	unsigned int ops, len, i = 0;
	uint8_t op;

	*pcrel = 0;
	for (; i < n && (p[i] == 0x66 || p[i] == 0x64); i++)
		opsize |= p[i] == 0x66;
	if (i < n && (p[i] & 0xf0) == 0x40)
		wide = p[i++] & 8;
	if (i + 1 >= n)
		return i < n && (p[i] & 0xf0) == 0x50 ? i + 1 : 0;
	op = p[i++];
	if (op == 0x0f)
		ops = operands_0f(p[i++]);
	else
		ops = operands(op, p[i]);
	if (ops == UNKNOWN || (opsize && (ops & IMM32)))
		return 0;
	if (ops & MODRM) {
		len = modrm_len(p + i, n - i, &rip);
		if (!len)
			return 0;
		if (rip)
			*pcrel = i + 1;
		i += len;
	}
	if (ops & IMM8)
		i += 1;
	if (ops & IMM32) /* the one instruction with 8 bytes is mov to register */
		i += (op & 0xf8) == 0xb8 && wide ? 8 : 4;
	return i <= n ? i : 0;
}

/*
 * A jump out of the function, as patchers write it.  Their owner may take it
 * away at any time, so we never come back to its bytes: we need its target.
 */
static bool decode_jump(const struct mmun_patch_text *text, uintptr_t at,
			struct mmun_patch_entry *e)
{
	const uint8_t *p;

	e->foreign = true;
	p = mmun_patch_text_at(text, at, NEAR_LEN);
	if (p && p[0] == 0xe9) {
		e->len = NEAR_LEN;
		e->target = read_rel32(p + 1, at + NEAR_LEN);
		return true;
	}
	p = mmun_patch_text_at(text, at, 6);
	if (p && p[0] == 0xff && p[1] == 0x25) { /* jmp *disp32(%rip) */
		e->len = 6;
		e->target_at = read_rel32(p + 2, at + 6);
		return true;
	}
	p = mmun_patch_text_at(text, at, 13); /* movabs $imm64, r; jmp *r */
	if (!p)
		p = mmun_patch_text_at(text, at, 12);
	if (p && (p[0] & 0xfe) == 0x48 && (p[1] & 0xf8) == 0xb8) {
		const uint8_t *jmp = p + 10;
		bool high = p[0] & 1;

		if (high && !mmun_patch_text_at(text, at, 13))
			goto none;
		if (high && *jmp++ != 0x41)
			goto none;
		if (jmp[0] == 0xff && jmp[1] == (0xe0 | (p[1] & 7))) {
			e->len = 10;
			memcpy(&e->target, p + 2, 8);
			return true;
		}
	}
none:
	e->foreign = false;
	return false;
}

/* One of the above, or a short jump to one: then that is what is patched. */
static bool decode_foreign(const struct mmun_patch_text *text,
			   struct mmun_patch_entry *e)
{
	const uint8_t *p = mmun_patch_text_at(text, e->site, SHORT_LEN);
	uintptr_t to;

	if (decode_jump(text, e->site, e))
		return true;
	if (!p || p[0] != 0xeb)
		return false;
	to = e->site + SHORT_LEN + (intptr_t)(int8_t)p[1];
	if (!decode_jump(text, to, e))
		return false;
	e->site = to;
	return true;
}

/* Of a register, but %rsp. */
static bool is_push(uint8_t op)
{
	return (op & 0xf8) == 0x50 && op != 0x54;
}

static int decode(const struct mmun_patch_text *text, uintptr_t entry,
		  struct mmun_patch_entry *e, const char **how)
{
	static const uint8_t endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *p = mmun_patch_text_at(text, entry, sizeof(endbr64));
	size_t n;

	memset(e, 0, sizeof(*e));
	e->site = entry;
	if (p && !memcmp(p, endbr64, sizeof(endbr64)))
		e->site += sizeof(endbr64);
	p = mmun_patch_text_at(text, e->site, 1);
	if (!p)
		return refuse(how, "the code ends at the entry");
	n = text->n - (size_t)(p - text->bytes);
	if (decode_foreign(text, e))
		p = mmun_patch_text_at(text, e->site, e->len);
	else
		e->len = insn_len(p, n < 15 ? n : 15, &e->pcrel);
	/* A push of one byte has no room: the jump comes after it, and undoes it. */
	for (; e->len == 1 && is_push(*p) && e->nr_push < sizeof(e->push); n--) {
		e->push[e->nr_push++] = *p++;
		e->site++;
		e->len = n > 1 ? insn_len(p, n < 16 ? n - 1 : 15, &e->pcrel) : 0;
	}
	if (!e->len)
		return refuse(how, "the first instruction is of no known form");
	if (e->len < SHORT_LEN)
		return refuse(how, "the first instruction has only one byte");
	memcpy(e->insn, p, e->len);
	return 0;
}

static int build(const struct mmun_patch_entry *e, uintptr_t hook, uintptr_t at,
		 struct mmun_patch_code *code, const char **how)
{
	static const uint8_t jmp_next_quad[6] = { 0xff, 0x25 };
	uintptr_t orig = at + offsetof(struct mmun_patch_code, to_orig);
	uint8_t *out = code->to_hook;

	for (unsigned int i = e->nr_push; i--;)
		*out++ = e->push[i] | 8; /* the pop of it */
	memcpy(out, jmp_next_quad, sizeof(jmp_next_quad));
	memcpy(out + sizeof(jmp_next_quad), &hook, sizeof(hook));
	if (e->foreign)
		return 0;
	memcpy(code->to_orig, e->push, e->nr_push);
	out = code->to_orig + e->nr_push;
	orig += e->nr_push;
	memcpy(out, e->insn, e->len);
	if (e->pcrel && !rel32(orig + e->len,
			       read_rel32(out + e->pcrel, e->site + e->len),
			       out + e->pcrel))
		return refuse(how, "no memory near what the entry refers to");
	if (!near_jump(out + e->len, orig + e->len, e->site + e->len))
		return refuse(how, "no memory near the entry");
	return 0;
}

static bool inside(uintptr_t at, unsigned int len, unsigned int block)
{
	return at / block == (at + len - 1) / block;
}

/* Length of one instruction of padding, or 0. */
static unsigned int nop_len(const uint8_t *p, size_t n)
{
	unsigned int len, i = 0;
	bool pcrel;

	if (n && p[0] == 0xcc)
		return 1;
	while (i < n && p[i] == 0x66)
		i++;
	if (i < n && p[i] == 0x90)
		return i + 1;
	if (i && i < n && p[i] == 0x2e)
		i++;
	if (n - i < 3 || p[i] != 0x0f || p[i + 1] != 0x1f)
		return 0;
	len = modrm_len(p + i + 2, n - i - 2, &pcrel);
	return len ? i + 2 + len : 0;
}

/*
 * Does the code before @gap end where the gap begins?  Hand-written functions
 * may run on into the next one, through the padding.
 */
static bool code_ends(const struct mmun_patch_text *text, uintptr_t gap)
{
	const uint8_t *p = mmun_patch_text_at(text, gap - NEAR_LEN, NEAR_LEN);

	return p && (p[4] == 0xc3 || p[3] == 0xeb || p[0] == 0xe9 ||
		     p[0] == 0xe8); /* a call that does not return */
}

static bool gap_is_dead(const struct mmun_patch_text *text,
			const struct mmun_patch_gap *gap)
{
	size_t n = gap->end - gap->start;
	const uint8_t *p = mmun_patch_text_at(text, gap->start, n);
	unsigned int len;

	if (!p || n < NEAR_LEN || !code_ends(text, gap->start))
		return false;
	for (; n; n -= len, p += len) {
		len = nop_len(p, n);
		if (!len)
			return false;
	}
	return true;
}

/* A near jump over the first instruction. */
static bool plan_near(const struct mmun_patch_entry *e, uintptr_t island,
		      unsigned int block, struct mmun_patch_plan *plan)
{
	if (e->len < NEAR_LEN || !inside(e->site, NEAR_LEN, block))
		return false;
	plan->len = NEAR_LEN;
	return near_jump(plan->new, e->site, island);
}

/* Where a short jump from @end must lead to reach @gap, if it can. */
static bool rel8(uintptr_t end, const struct mmun_patch_gap *gap, int8_t *rel)
{
	intptr_t dist = (intptr_t)(gap->start - end);

	*rel = (int8_t)dist;
	return *rel == dist;
}

/* The nearest usable gap, so as to leave others to their own neighbours. */
static const struct mmun_patch_gap *
choose_gap(const struct mmun_patch_text *text,
	   const struct mmun_patch_entry *e, const struct mmun_patch_gap *gaps,
	   unsigned int nr_gaps)
{
	const struct mmun_patch_gap *best = NULL;
	int8_t rel, best_rel = 0;

	for (unsigned int i = 0; i < nr_gaps; i++) {
		if (!rel8(e->site + SHORT_LEN, &gaps[i], &rel) ||
		    (best && abs(rel) >= abs(best_rel)) ||
		    !gap_is_dead(text, &gaps[i]))
			continue;
		best = &gaps[i];
		best_rel = rel;
	}
	return best;
}

/* A short jump over the start of it, to a near one in padding. */
static bool plan_short(const struct mmun_patch_text *text,
		       const struct mmun_patch_entry *e,
		       const struct mmun_patch_gap *gap, uintptr_t island,
		       unsigned int block, struct mmun_patch_plan *plan)
{
	int8_t rel;

	if (!gap || !inside(e->site, SHORT_LEN, block) ||
	    !near_jump(plan->gap_new, gap->start, island))
		return false;
	plan->gap = gap->start;
	plan->gap_len = NEAR_LEN;
	memcpy(plan->gap_old, mmun_patch_text_at(text, gap->start, NEAR_LEN),
	       NEAR_LEN);
	rel8(e->site + SHORT_LEN, gap, &rel);
	plan->len = SHORT_LEN;
	plan->new[0] = 0xeb;
	plan->new[1] = (uint8_t)rel;
	return true;
}

static int plan(const struct mmun_patch_text *text,
		const struct mmun_patch_entry *e,
		const struct mmun_patch_gap *gaps, unsigned int nr_gaps,
		uintptr_t island, struct mmun_patch_plan *plan,
		const char **how)
{
	const struct mmun_patch_gap *gap = choose_gap(text, e, gaps, nr_gaps);

	memset(plan, 0, sizeof(*plan));
	plan->site = e->site;
	memcpy(plan->old, e->insn, sizeof(plan->old));
	for (unsigned int block = 8; block <= 16; block *= 2) {
		*how = "near jump over the first instruction";
		if (plan_near(e, island, block, plan))
			return 0;
		*how = "short jump to a near one in padding";
		if (plan_short(text, e, gap, island, block, plan))
			return 0;
	}
	if (!inside(e->site, SHORT_LEN, 16))
		return refuse(how, "the first instruction crosses 16 bytes");
	if (gap)
		return refuse(how, "no memory near the entry");
	if (e->len < NEAR_LEN)
		return refuse(how, "short first instruction, no padding near");
	return refuse(how, "no store fits the first instruction");
}

const struct mmun_patch_arch mmun_patch_x86_64 = {
	.reach = (1UL << 31) - (1UL << 20),
	.gap_min = NEAR_LEN,
	.direct = true,
	.decode = decode,
	.build = build,
	.plan = plan,
};

#ifdef __x86_64__
MMUN_PATCH_WRITES_CODE
static bool swap8(uint64_t *at, const void *old, const void *new)
{
	uint64_t was, will;

	memcpy(&was, old, sizeof(was));
	memcpy(&will, new, sizeof(will));
	return mmun_cas(at, &was, will);
}

/* By hand: the compiler would call libatomic, which may use a lock. */
static bool swap16(void *at, const void *old, const void *new)
{
	uint64_t was[2], will[2];
	bool done;

	memcpy(was, old, sizeof(was));
	memcpy(will, new, sizeof(will));
	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(done), "+m"(*(unsigned char (*)[16])at),
			   "+a"(was[0]), "+d"(was[1])
			 : "b"(will[0]), "c"(will[1])
			 : "memory");
	return done;
}

MMUN_PATCH_WRITES_CODE
int mmun_patch_store(const struct mmun_patch_plan *plan)
{
	unsigned int size = inside(plan->site, plan->len, 8) ? 8 : 16;
	unsigned int off = plan->site % size;
	void *at = (void *)(plan->site - off);
	uint8_t was[16], will[16];

	/* The bytes beside ours may change, and then we try again. */
	do {
		memcpy(was, at, size);
		if (memcmp(was + off, plan->old, plan->len))
			return -EBUSY;
		memcpy(will, was, size);
		memcpy(will + off, plan->new, plan->len);
	} while (!(size == 8 ? swap8(at, was, will) : swap16(at, was, will)));
	return 0;
}
#endif /* __x86_64__ */
