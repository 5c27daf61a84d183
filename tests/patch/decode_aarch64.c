// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words in, plan out: nothing here is executed, so any host will do. */
#include <assert.h>
#include <errno.h>

#include "monitor/patch.h"
#include "tap.h"

#define AT 0x400000UL
#define BTI_C 0xd503245f
#define PACIASP 0xd503233f
#define AUTIASP 0xd50323bf
#define MOV_X8_215 0xd2801ae8
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct mmun_patch_arch *arch = &mmun_patch_aarch64;

/* The tests write words as the host has them; so do the hosts we know. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "host byte order");

static void fill(struct mmun_patch_text *text, const uint32_t *insns, size_t n)
{
	text->at = AT;
	text->n = n * sizeof(*insns);
	memcpy(text->bytes, insns, text->n);
}

static const struct {
	const char *text;
	uint32_t insn;
	bool movable;
} insns[] = {
	{ "mov x8, #215", MOV_X8_215, true },
	{ "mov w8, #215", 0x52801ae8, true },
	{ "stp x29, x30, [sp, #-48]!", 0xa9bd7bfd, true },
	{ "sub sp, sp, #224", 0xd10383ff, true },
	{ "mov x6, x5", 0xaa0503e6, true },
	{ "tst x5, #0xfff", 0xf2402cbf, true },
	{ "ldr x0, [x0]", 0xf9400000, true },
	{ "svc #0", 0xd4000001, true },
	{ "nop", 0xd503201f, true },
	{ "ret", 0xd65f03c0, true },
	{ "adr x0, .", 0x10000000, false },
	{ "adrp x16, .", 0x90000010, false },
	{ "ldr x0, literal, no br", 0x58000040, false },
	{ "ldr w0, literal", 0x18000040, false },
	{ "ldr q0, literal", 0x9c000040, false },
	{ "prfm literal", 0xd8000040, false },
	{ "bl", 0x94000001, false },
	{ "b.ne", 0x54000041, false },
	{ "cbz x0", 0xb4000040, false },
	{ "cbnz w0", 0x35000040, false },
	{ "tbz x0, #40", 0xb6400040, false },
	{ "tbnz w0, #0", 0x37000040, false },
};

static void test_insns(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(insns); i++) {
		const uint32_t code[] = { insns[i].insn, 0xd503201f };
		struct mmun_patch_text text;
		struct mmun_patch_entry e;
		const char *how = NULL;
		int err;

		fill(&text, code, 2);
		err = arch->decode(&text, AT, &e, &how);
		if (insns[i].movable)
			ok(!err && !e.foreign && e.len == 4 && e.site == AT,
			   "%s: movable", insns[i].text);
		else
			ok(err == -EOPNOTSUPP && how, "%s: refused: %s",
			   insns[i].text, how);
	}
}

static const struct {
	const char *text;
	uintptr_t target, target_at;
	uint32_t insns[6];
} jumps[] = {
	{ "b", AT + 8, 0, { 0x14000002 } },
	{ "b back", AT - 4, 0, { 0x17ffffff } },
	{ "bti c; b", AT + 12, 0, { BTI_C, 0x14000002 } },
	{ "ldr x16, .+8; br x16", 0, AT + 8, { 0x58000050, 0xd61f0200 } },
	{ "ldr x17, .-4; br x17", 0, AT - 4, { 0x58fffff1, 0xd61f0220 } },
	{ "mov, movk, movk, movk, br x15", 0x1122334455667788, 0,
	  { 0xd28ef10f, 0xf2aaaccf, 0xf2c6688f, 0xf2e2244f, 0xd61f01e0 } },
	{ "movz lsl 32, movk lsl 48, br x15", 0x1122334400000000, 0,
	  { 0xd2c6688f, 0xf2e2244f, 0xd61f01e0 } },
};

static void test_foreign(void)
{
	static const uint32_t other_reg[] = { 0xd28ef10f, 0xd61f0200 };
	struct mmun_patch_text text;
	struct mmun_patch_entry e;
	const char *how;

	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
		fill(&text, jumps[i].insns, 6);
		ok(!arch->decode(&text, AT, &e, &how) && e.foreign &&
		   e.target == jumps[i].target &&
		   e.target_at == jumps[i].target_at,
		   "foreign: %s", jumps[i].text);
	}
	fill(&text, other_reg, 2);
	ok(!arch->decode(&text, AT, &e, &how) && !e.foreign,
	   "a branch by another register than the one loaded is not foreign");
}

static uint32_t word(const uint8_t *at, int i)
{
	uint32_t w;

	memcpy(&w, at + 4 * i, sizeof(w));
	return w;
}

/* Where a b at @at leads, told in another way than the library's. */
static uintptr_t b_target(uint32_t insn, uintptr_t at)
{
	long words = insn & 0x3ffffff;

	if (words & 0x2000000)
		words -= 0x4000000;
	return insn >> 26 == 5 ? at + words * 4 : 0;
}

static void test_island(uint32_t pad, const char *name)
{
	const uint32_t plain[] = { MOV_X8_215 }, padded[] = { pad, MOV_X8_215 };
	const uintptr_t island = AT - 0x10000;
	const uintptr_t orig = island + offsetof(struct mmun_patch_code,
						 to_orig);
	const bool pac = pad == PACIASP;
	const uintptr_t site = pad ? AT + 4 : AT;
	struct mmun_patch_code code = { 0 };
	struct mmun_patch_plan plan;
	struct mmun_patch_entry e;
	struct mmun_patch_text text;
	uintptr_t hook;
	const char *how;

	fill(&text, pad ? padded : plain, pad ? 2 : 1);
	ok(!arch->decode(&text, AT, &e, &how) && e.site == site &&
	   !arch->build(&e, 0x1234567812345678, island, &code, &how) &&
	   !arch->plan(&text, &e, NULL, 0, island, &plan, &how),
	   "%s: planned", name);
	ok(plan.site == site && plan.len == 4 && !plan.gap &&
	   word(plan.old, 0) == MOV_X8_215 &&
	   b_target(word(plan.new, 0), site) == island,
	   "%s: one branch to the island, after the landing pad", name);
	memcpy(&hook, code.to_hook + 8 + 4 * pac, sizeof(hook));
	ok((!pac || word(code.to_hook, 0) == AUTIASP) &&
	   word(code.to_hook, pac) == 0x58000050 &&
	   word(code.to_hook, pac + 1) == 0xd61f0200 &&
	   hook == 0x1234567812345678,
	   "%s: the hook is called with a plain return address", name);
	ok((!pac || word(code.to_orig, 0) == PACIASP) &&
	   word(code.to_orig, pac) == MOV_X8_215 &&
	   b_target(word(code.to_orig, pac + 1), orig + 4 * pac + 4) ==
	   site + 4, "%s: and the rest as if by the entry", name);
}

static void test_reach(void)
{
	const uint32_t code[] = { MOV_X8_215 };
	const uintptr_t far = 1UL << 27;
	struct mmun_patch_text text;
	struct mmun_patch_plan plan;
	struct mmun_patch_entry e;
	struct mmun_patch_code out;
	const char *how;
	int err;

	fill(&text, code, 1);
	arch->decode(&text, AT, &e, &how);
	ok(!arch->plan(&text, &e, NULL, 0, AT + far - 4, &plan, &how) &&
	   b_target(word(plan.new, 0), AT) == AT + far - 4,
	   "an island 128 MiB - 4 above");
	ok(!arch->plan(&text, &e, NULL, 0, AT - far, &plan, &how) &&
	   b_target(word(plan.new, 0), AT) == AT - far,
	   "an island 128 MiB below");
	err = arch->plan(&text, &e, NULL, 0, AT + far, &plan, &how);
	ok(err == -EOPNOTSUPP, "128 MiB above: refused: %s", how);
	err = arch->build(&e, 0, AT + far, &out, &how);
	ok(err == -EOPNOTSUPP, "no way back from there: refused: %s", how);
	text.n = 3;
	err = arch->decode(&text, AT, &e, &how);
	ok(err == -EOPNOTSUPP, "a word cut off: refused: %s", how);
}

int main(void)
{
	tap_begin(20);
	test_insns();
	test_foreign();
	test_island(0, "no landing pad");
	test_island(BTI_C, "bti c");
	test_island(PACIASP, "paciasp");
	test_reach();
	return tap_end();
}
