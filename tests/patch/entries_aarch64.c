// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions with every kind of entry, written as words, patched and called. */
#include <errno.h>

#include "helpers.h"

#define HOOKED 1000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MOV 0xd28000e1 /* mov x1, #7 */
#define ADD 0x8b010000 /* add x0, x0, x1 */
#define RET 0xd65f03c0
#define BTI_C 0xd503245f
#define PACIASP 0xd503233f
#define AUTIASP 0xd50323bf

static struct mmun_patch patch;
static int hook_calls;

static long hook(long a)
{
	hook_calls++;
	return ((func_t)patch.orig)(a) + HOOKED;
}

/* Somebody else's hook. */
static long foreign_hook(long a)
{
	return a + 7;
}

static int prepare(void *entry)
{
	patch = (struct mmun_patch){ .entry = entry, .hook = hook };
	hook_calls = 0;
	return mmun_patch_prepare(&patch);
}

static bool works(func_t f)
{
	return f(5) == 12 + HOOKED && f(-7) == HOOKED && hook_calls == 2 &&
	       ((func_t)patch.orig)(5) == 12 && hook_calls == 2;
}

static const struct {
	const char *text;
	bool refused;
	uint32_t words[8];
} shapes[] = {
	{ "mov", false, { MOV, ADD, RET } },
	{ "bti c; mov", false, { BTI_C, MOV, ADD, RET } },
	{ "paciasp; mov", false, { PACIASP, MOV, ADD, AUTIASP, RET } },
	{ "stp with write-back", false, /* ldp x29, x30, [sp], #16 */
	  { 0xa9bf7bfd, MOV, ADD, 0xa8c17bfd, RET } },
	{ "adr", true, { 0x10000001, MOV, ADD, RET } },
	{ "adrp", true, { 0x90000001, MOV, ADD, RET } },
	{ "ldr literal", true, { 0x58000081, ADD, RET, RET, 7, 0 } },
	{ "cbz", true, { 0xb4000020, MOV, ADD, RET } },
	{ "tbz", true, { 0x36000020, MOV, ADD, RET } },
	{ "b.eq", true, { 0x54000020, MOV, ADD, RET } },
};

static void test_shapes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const size_t n = sizeof(shapes[i].words);
		uint8_t *code = code_pages(1);
		int err;

		overwrite(code, shapes[i].words, n);
		err = prepare(code);
		if (shapes[i].refused) {
			ok(err == -EOPNOTSUPP && ((func_t)code)(5) == 12,
			   "%s: refused: %s", shapes[i].text, patch.how);
			continue;
		}
		ok(!err && !memcmp(code, shapes[i].words, n),
		   "%s: prepare changes nothing", shapes[i].text);
		err = mmun_patch_commit(&patch);
		ok(!err && works((func_t)code), "%s: %s", shapes[i].text,
		   patch.how);
	}
}

/* Over a mov: "b" goes by a hop beside, for its reach is short. */
static const struct {
	const char *text;
	unsigned int n;
	uint32_t words[12];
} jumps[] = {
	{ "b", 8, { 0x14000004, 0, 0, 0, 0x58000050, 0xd61f0200 } },
	{ "ldr; br", 4, { 0x58000050, 0xd61f0200 } },
	{ "mov; movk; movk; movk; br", 5,
	  { 0xd280000f, 0xf2a0000f, 0xf2c0000f, 0xf2e0000f, 0xd61f01e0 } },
};

static void make_foreign(size_t i, uint8_t *code)
{
	uintptr_t target = (uintptr_t)foreign_hook;
	uint32_t words[12];

	memcpy(words, jumps[i].words, sizeof(words));
	if (i < 2)
		memcpy(words + jumps[i].n - 2, &target, sizeof(target));
	else
		for (int part = 0; part < 4; part++)
			words[part] |= (target >> 16 * part & 0xffff) << 5;
	overwrite(code, words, jumps[i].n * 4);
}

static void test_foreign(size_t i)
{
	static const uint32_t mov[12] = { MOV, ADD, RET };
	uint8_t *code = code_pages(1);
	int err;

	make_foreign(i, code);
	err = prepare(code) ?: mmun_patch_commit(&patch);
	ok(!err && patch.foreign, "foreign %s: %s", jumps[i].text, patch.how);
	ok(works((func_t)code), "foreign %s: chained to", jumps[i].text);
	/* The owner puts back the words he overwrote, not his hop. */
	overwrite(code, mov, i ? jumps[i].n * 4 : 12);
	ok(((func_t)code)(5) == 12 && ((func_t)patch.orig)(5) == 12,
	   "foreign %s: orig works after the owner restored the entry",
	   jumps[i].text);
}

static bool reached(struct mmun_patch *p)
{
	int before = hook_calls;

	((func_t)p->entry)(0);
	return hook_calls > before;
}

/* He comes after us, and takes back what he found. */
static void test_after_us(size_t i)
{
	static const uint32_t mov[12] = { MOV, ADD, RET };
	uint8_t *code = code_pages(1);
	uint32_t found[12];
	void *first;
	bool good;

	overwrite(code, mov, sizeof(mov));
	if (prepare(code) || mmun_patch_commit(&patch))
		bail("%s", patch.how);
	first = patch.orig;
	memcpy(found, code, sizeof(found));
	make_foreign(i, code);
	good = !mmun_patch_recheck(&patch, reached) && patch.foreign;
	hook_calls = 0;
	ok(good && works((func_t)code), "foreign %s after us: chained to",
	   jumps[i].text);
	overwrite(code, found, i ? jumps[i].n * 4 : 12);
	good = !mmun_patch_recheck(&patch, reached) && !patch.foreign;
	hook_calls = 0;
	ok(good && patch.orig == first && works((func_t)code),
	   "foreign %s after us, and gone: as before him", jumps[i].text);
}

static void test_busy(void)
{
	static const uint32_t mov[] = { MOV, ADD, RET };
	uint8_t *code = code_pages(1);
	int err;

	overwrite(code, mov, sizeof(mov));
	ok(!prepare(code), "prepare before somebody else");
	make_foreign(1, code);
	err = mmun_patch_commit(&patch);
	ok(err == -EBUSY && ((func_t)code)(5) == 12,
	   "commit after him is refused: %s", patch.how);
	ok(!prepare(code) && patch.foreign && !mmun_patch_commit(&patch) &&
	   works((func_t)code), "prepare again chains to him");
}

int main(void)
{
	tap_begin(20);
	test_shapes();
	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++)
		test_foreign(i);
	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++)
		test_after_us(i);
	test_busy();
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
