// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * aarch64 instruction bytes.
 *
 * An aligned word is written and fetched whole, so a branch fits over any
 * instruction.  The architecture promises the old or the new instruction to a
 * thread that executes it meanwhile only for branches, nop and their like
 * (Arm ARM B2.2.5).  There is no way to write others by its book in a process
 * that cannot stop its threads; implementations fetch whole words all the same.
 */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "monitor/patch.h"

#define INSN 4

#define BTI_C 0xd503245fU
#define BTI_JC 0xd50324dfU
#define PACIASP 0xd503233fU
#define AUTIASP 0xd50323bfU
#define LDR_X16_NEXT_8 0x58000050U /* ldr x16, . + 8 */
#define BR_X16 0xd61f0200U

static int refuse(const char **how, const char *why)
{
	*how = why;
	return -EOPNOTSUPP;
}

static bool read_insn(const struct mmun_patch_text *text, uintptr_t at,
		      uint32_t *insn)
{
	const uint8_t *p = mmun_patch_text_at(text, at, INSN);

	if (p) /* instructions are little-endian on any machine */
		*insn = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	return p;
}

static uint8_t *put_insn(uint8_t *out, uint32_t insn)
{
	for (int i = 0; i < INSN; i++)
		out[i] = insn >> 8 * i;
	return out + INSN;
}

/* b: 26 bits of words, +-128 MiB. */
static bool branch(uintptr_t at, uintptr_t to, uint32_t *insn)
{
	int64_t dist = (int64_t)(to - at);

	*insn = 0x14000000U | ((uint64_t)dist >> 2 & 0x3ffffff);
	return dist >= -(1L << 27) && dist < 1L << 27 && !(dist & 3);
}

static uintptr_t branch_target(uintptr_t at, uint32_t insn)
{
	return at + (intptr_t)((int32_t)(insn << 6) >> 4);
}

static bool is_br(uint32_t insn, unsigned int reg)
{
	return insn == (0xd61f0000U | reg << 5);
}

/* movz x, ...; movk x, ...; br x */
static bool decode_mov_br(const struct mmun_patch_text *text,
			  struct mmun_patch_entry *e)
{
	uint32_t insn;
	unsigned int reg;

	if (!read_insn(text, e->site, &insn) ||
	    (insn & 0xff800000U) != 0xd2800000U)
		return false;
	reg = insn & 31;
	e->target = 0;
	for (int i = 0; i < 5; i++) {
		unsigned int shift = insn >> 17 & 0x30;
		uintptr_t part = insn >> 5 & 0xffff;

		e->target &= ~((uintptr_t)0xffff << shift);
		e->target |= part << shift;
		if (!read_insn(text, e->site + INSN * (i + 1), &insn))
			return false;
		if (is_br(insn, reg))
			return true;
		if ((insn & 0xff80001fU) != (0xf2800000U | reg))
			return false;
	}
	return false;
}

/* ldr x, address; br x */
static bool decode_ldr_br(const struct mmun_patch_text *text,
			  struct mmun_patch_entry *e)
{
	uint32_t ldr, br;

	if (!read_insn(text, e->site, &ldr) ||
	    !read_insn(text, e->site + INSN, &br) ||
	    (ldr & 0xff000000U) != 0x58000000U || !is_br(br, ldr & 31))
		return false;
	e->target_at = e->site + (intptr_t)((int32_t)(ldr << 8) >> 13) * INSN;
	return true;
}

static bool decode_b(const struct mmun_patch_text *text,
		     struct mmun_patch_entry *e)
{
	uint32_t insn;

	if (!read_insn(text, e->site, &insn) ||
	    (insn & 0xfc000000U) != 0x14000000U)
		return false;
	e->target = branch_target(e->site, insn);
	return true;
}

/* Would the instruction mean something else at another address? */
static bool is_pc_relative(uint32_t insn)
{
	return (insn & 0x1f000000U) == 0x10000000U || /* adr, adrp */
	       (insn & 0x3b000000U) == 0x18000000U || /* ldr, literal */
	       (insn & 0x7c000000U) == 0x14000000U || /* b, bl */
	       (insn & 0xfe000000U) == 0x54000000U || /* b.cond */
	       (insn & 0x7c000000U) == 0x34000000U;   /* cbz, tbz */
}

/*
 * A landing pad stays where it is, since an indirect call must find it.  One
 * that signs the return address as well is undone on the way to the hook.
 */
static void skip_landing_pad(const struct mmun_patch_text *text,
			     struct mmun_patch_entry *e)
{
	uint32_t insn;

	if (!read_insn(text, e->site, &insn))
		return;
	e->signs_lr = insn == PACIASP;
	if (insn == BTI_C || insn == BTI_JC || insn == PACIASP)
		e->site += INSN;
}

static int decode(const struct mmun_patch_text *text, uintptr_t entry,
		  struct mmun_patch_entry *e, const char **how)
{
	uint32_t insn;

	memset(e, 0, sizeof(*e));
	e->site = entry;
	e->len = INSN;
	skip_landing_pad(text, e);
	if (!read_insn(text, e->site, &insn))
		return refuse(how, "the code ends at the entry");
	put_insn(e->insn, insn);
	e->foreign = decode_b(text, e) || decode_ldr_br(text, e) ||
		     decode_mov_br(text, e);
	if (e->foreign && e->signs_lr)
		return refuse(how, "a jump with a signed return address");
	if (!e->foreign && is_pc_relative(insn))
		return refuse(how, "the first instruction is PC-relative");
	return 0;
}

static int build(const struct mmun_patch_entry *e, uintptr_t hook, uintptr_t at,
		 struct mmun_patch_code *code, const char **how)
{
	uint8_t *out = code->to_hook;
	uint32_t insn;

	if (e->signs_lr)
		out = put_insn(out, AUTIASP);
	out = put_insn(out, LDR_X16_NEXT_8);
	out = put_insn(out, BR_X16);
	memcpy(out, &hook, sizeof(hook));
	if (e->foreign)
		return 0;
	out = code->to_orig;
	if (e->signs_lr)
		out = put_insn(out, PACIASP);
	memcpy(out, e->insn, INSN);
	out += INSN;
	/* Direct: an indirect branch would have to find a landing pad. */
	if (!branch(at + (out - (uint8_t *)code), e->site + INSN, &insn))
		return refuse(how, "no memory near the entry");
	put_insn(out, insn);
	return 0;
}

static int plan(const struct mmun_patch_text *text,
		const struct mmun_patch_entry *e,
		const struct mmun_patch_gap *gaps, unsigned int nr_gaps,
		uintptr_t island, struct mmun_patch_plan *plan,
		const char **how)
{
	uint32_t insn;

	(void)text, (void)gaps, (void)nr_gaps; /* one word is enough */
	memset(plan, 0, sizeof(*plan));
	plan->site = e->site;
	plan->len = INSN;
	memcpy(plan->old, e->insn, INSN);
	if (!branch(e->site, island, &insn))
		return refuse(how, "no memory near the entry");
	put_insn(plan->new, insn);
	*how = "branch over the first instruction";
	return 0;
}

const struct mmun_patch_arch mmun_patch_aarch64 = {
	.reach = (1UL << 27) - (1UL << 20),
	.decode = decode,
	.build = build,
	.plan = plan,
};

#ifdef __aarch64__
MMUN_PATCH_WRITES_CODE
int mmun_patch_store(const struct mmun_patch_plan *plan)
{
	uint32_t was, will;

	memcpy(&was, plan->old, sizeof(was));
	memcpy(&will, plan->new, sizeof(will));
	return mmun_cas((uint32_t *)plan->site, &was, will) ? 0 : -EBUSY;
}
#endif /* __aarch64__ */
