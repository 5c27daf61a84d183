// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes in, plan out: nothing here is executed. */
#include <errno.h>

#include "monitor/patch.h"
#include "tap.h"

#define AT 0x400000UL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct mmun_patch_arch *arch = &mmun_patch_x86_64;

static void fill(struct mmun_patch_text *text, const void *bytes, size_t n)
{
	text->at = AT;
	text->n = sizeof(text->bytes);
	memset(text->bytes, 0x06, sizeof(text->bytes)); /* no instruction */
	memcpy(text->bytes, bytes, n);
}

static const struct {
	const char *text;
	unsigned int len; /* 0: refused */
	unsigned int pcrel;
	uint8_t bytes[16];
} insns[] = {
	{ "mov $11,%eax", 5, 0, { 0xb8, 11 } },
	{ "movabs $1,%rax", 10, 0, { 0x48, 0xb8, 1 } },
	{ "mov $1,%ax", 0, 0, { 0x66, 0xb8, 1 } },
	{ "mov %ecx,%r10d", 3, 0, { 0x41, 0x89, 0xca } },
	{ "mov %rdi,%rax", 3, 0, { 0x48, 0x89, 0xf8 } },
	{ "mov %edi,%eax", 2, 0, { 0x89, 0xf8 } },
	{ "mov %fs:40,%rax", 9, 0, { 0x64, 0x48, 0x8b, 0x04, 0x25, 0x28 } },
	{ "mov 8(%rip),%rdx", 7, 3, { 0x48, 0x8b, 0x15, 8 } },
	{ "mov 8(%rdi),%eax", 3, 0, { 0x8b, 0x47, 8 } },
	{ "mov (%rsp),%rax", 4, 0, { 0x48, 0x8b, 0x04, 0x24 } },
	{ "mov 8(%rsp),%rax", 5, 0, { 0x48, 0x8b, 0x44, 0x24, 8 } },
	{ "mov 512(%rax),%eax", 6, 0, { 0x8b, 0x80, 0, 2 } },
	{ "mov $1,(%rdi)", 6, 0, { 0xc7, 0x07, 1 } },
	{ "lea 16(%rip),%rax", 7, 3, { 0x48, 0x8d, 0x05, 16 } },
	{ "lea 0x12345678(,%rax,8),%rax", 8, 0,
	  { 0x48, 0x8d, 0x04, 0xc5, 0x78, 0x56, 0x34, 0x12 } },
	{ "push %r12", 2, 0, { 0x41, 0x54 } },
	{ "push %rsp", 0, 0, { 0x54 } },
	{ "sub $88,%rsp", 4, 0, { 0x48, 0x83, 0xec, 88 } },
	{ "sub $512,%rsp", 7, 0, { 0x48, 0x81, 0xec, 0, 2 } },
	{ "and $-16,%rsp", 4, 0, { 0x48, 0x83, 0xe4, 0xf0 } },
	{ "xor %eax,%eax", 2, 0, { 0x31, 0xc0 } },
	{ "test %rdi,%rdi", 3, 0, { 0x48, 0x85, 0xff } },
	{ "test $4095,%r9d", 7, 0, { 0x41, 0xf7, 0xc1, 0xff, 0x0f } },
	{ "test $1,%dil", 4, 0, { 0x40, 0xf6, 0xc7, 1 } },
	{ "neg %rdi", 3, 0, { 0x48, 0xf7, 0xdf } },
	{ "not %edi", 2, 0, { 0xf7, 0xd7 } },
	{ "test $1,%eax", 5, 0, { 0xa9, 1 } },
	{ "cmp $-1,%ecx", 3, 0, { 0x83, 0xf9, 0xff } },
	{ "cmp $1,%rax", 6, 0, { 0x48, 0x3d, 1 } },
	{ "cmpb $0,33(%rip)", 7, 2, { 0x80, 0x3d, 33 } },
	{ "movzbl %dil,%eax", 4, 0, { 0x40, 0x0f, 0xb6, 0xc7 } },
	{ "movslq %edi,%rdi", 3, 0, { 0x48, 0x63, 0xff } },
	{ "nopl 0(%rax,%rax,1)", 5, 0, { 0x0f, 0x1f, 0x44 } },
	{ "xchg %ax,%ax", 2, 0, { 0x66, 0x90 } },
	{ "nop", 0, 0, { 0x90 } },
	{ "ret", 0, 0, { 0xc3 } },
	{ "int3", 0, 0, { 0xcc } },
	{ "call", 0, 0, { 0xe8, 1 } },
	{ "je rel8", 0, 0, { 0x74, 1 } },
	{ "je rel32", 0, 0, { 0x0f, 0x84, 1 } },
	{ "jmp rel8 into the function", 0, 0, { 0xeb, 2, 0x31, 0xc0, 0xc3 } },
	{ "jmp *%rax", 0, 0, { 0xff, 0xe0 } },
	{ "loop", 0, 0, { 0xe2, 1 } },
	{ "syscall", 0, 0, { 0x0f, 0x05 } },
	{ "mov %eax,(%ecx)", 0, 0, { 0x67, 0x89, 0x01 } },
	{ "vzeroupper", 0, 0, { 0xc5, 0xf8, 0x77 } },
	{ "lock xadd", 0, 0, { 0xf0, 0x0f, 0xc1, 0x07 } },
};

static void test_lengths(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(insns); i++) {
		struct mmun_patch_text text;
		struct mmun_patch_entry e;
		const char *how = NULL;
		int err;

		fill(&text, insns[i].bytes, sizeof(insns[i].bytes));
		err = arch->decode(&text, AT, &e, &how);
		if (insns[i].len)
			ok(!err && e.len == insns[i].len && !e.foreign &&
			   e.pcrel == insns[i].pcrel && e.site == AT,
			   "%s: %u bytes", insns[i].text, insns[i].len);
		else
			ok(err == -EOPNOTSUPP && how, "%s: refused: %s",
			   insns[i].text, how);
	}
}

static void test_cut_off(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(insns); i++) {
		struct mmun_patch_text text;
		struct mmun_patch_entry e;
		const char *how;
		int refused = 0;

		fill(&text, insns[i].bytes, sizeof(insns[i].bytes));
		for (text.n = 0; text.n < insns[i].len; text.n++)
			refused += arch->decode(&text, AT, &e, &how) < 0;
		if (insns[i].len)
			ok(refused == (int)insns[i].len,
			   "%s: refused where the mapping cuts it",
			   insns[i].text);
	}
}

static const struct {
	const char *text;
	uintptr_t target, target_at;
	uint8_t bytes[16];
} jumps[] = {
	{ "jmp rel32", AT + 5 + 0x1000, 0, { 0xe9, 0, 0x10 } },
	{ "jmp rel32 back", AT + 5 - 2, 0, { 0xe9, 0xfe, 0xff, 0xff, 0xff } },
	{ "movabs r11; jmp *r11", 0x1122334455667788, 0,
	  { 0x49, 0xbb, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
	    0x41, 0xff, 0xe3 } },
	{ "movabs rax; jmp *rax", 0x1122334455667788, 0,
	  { 0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
	    0xff, 0xe0 } },
	{ "jmp *16(%rip)", 0, AT + 6 + 16, { 0xff, 0x25, 16 } },
	{ "jmp rel8 to jmp rel32", AT + 8 + 5 + 7, 0,
	  { 0xeb, 6, 0, 0, 0, 0, 0, 0, 0xe9, 7 } },
	{ "endbr64; jmp rel32", AT + 9 + 7, 0,
	  { 0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 7 } },
};

static void test_foreign(void)
{
	static const uint8_t other_reg[] = { 0x49, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8,
					     0x41, 0xff, 0xe2 };
	struct mmun_patch_text text;
	struct mmun_patch_entry e;
	const char *how;

	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
		fill(&text, jumps[i].bytes, sizeof(jumps[i].bytes));
		ok(!arch->decode(&text, AT, &e, &how) && e.foreign &&
		   e.target == jumps[i].target &&
		   e.target_at == jumps[i].target_at,
		   "foreign: %s", jumps[i].text);
	}
	fill(&text, other_reg, sizeof(other_reg));
	ok(!arch->decode(&text, AT, &e, &how) && !e.foreign && e.len == 10,
	   "a jump by another register than the one loaded is not foreign");
}

/* The displaced instruction must mean the same in the island. */
static void test_relocation(void)
{
	static const uint8_t load[] = { 0x48, 0x8b, 0x05, 0, 1, 0, 0 };
	const uintptr_t island = AT - 0x10000;
	const uintptr_t orig = island + offsetof(struct mmun_patch_code,
						 to_orig);
	struct mmun_patch_code code = { 0 };
	struct mmun_patch_entry e;
	struct mmun_patch_text text;
	const char *how;
	int32_t disp, back;
	uintptr_t hook;
	int err;

	fill(&text, load, sizeof(load));
	ok(!arch->decode(&text, AT, &e, &how) &&
	   !arch->build(&e, 0x1234567812345678, island, &code, &how),
	   "a load relative to %%rip can be moved");
	memcpy(&disp, code.to_orig + 3, sizeof(disp));
	memcpy(&back, code.to_orig + 8, sizeof(back));
	memcpy(&hook, code.to_hook + 6, sizeof(hook));
	ok(orig + 7 + disp == AT + 7 + 0x100, "it loads from the same address");
	ok(code.to_orig[7] == 0xe9 && orig + 12 + back == AT + 7,
	   "and goes on at the instruction after it");
	ok(hook == 0x1234567812345678, "the hook may be anywhere");
	err = arch->build(&e, 0, AT + (3UL << 30), &code, &how);
	ok(err == -EOPNOTSUPP,
	   "refused from an island too far away: %s", how);
}

/* Which store is chosen, by where the entry lies. */
static int plan(unsigned int offset, const uint8_t *bytes, size_t n,
		const uint8_t *padding, size_t nr_padding,
		struct mmun_patch_plan *p, const char **how)
{
	const struct mmun_patch_gap gap = { AT + 64, AT + 64 + nr_padding };
	struct mmun_patch_text text;
	struct mmun_patch_entry e;
	int err;

	fill(&text, "", 0);
	memcpy(text.bytes + offset, bytes, n);
	text.bytes[63] = 0xc3;
	if (nr_padding)
		memcpy(text.bytes + 64, padding, nr_padding);
	err = arch->decode(&text, AT + offset, &e, how);
	return err ?: arch->plan(&text, &e, &gap, !!nr_padding, AT - 0x1000, p,
				 how);
}

static const uint8_t mov5[] = { 0xb8, 1, 0, 0, 0 };
static const uint8_t mov3[] = { 0x41, 0x89, 0xca };
static const uint8_t nops[] = { 0x66, 0x90, 0x0f, 0x1f, 0x40, 0, 0xcc };

static void test_plan(void)
{
	struct mmun_patch_plan p;
	const char *how;
	int err;

	err = plan(0, mov5, 5, nops, 7, &p, &how);
	ok(!err && p.len == 5 && !p.gap &&
	   p.site == AT && p.new[0] == 0xe9 && !memcmp(p.old, mov5, 5),
	   "5 bytes in a quadword: %s", how);
	err = plan(4, mov5, 5, nops, 7, &p, &how);
	ok(!err && p.len == 2 &&
	   p.gap == AT + 64 && p.gap_len == 5 && p.new[0] == 0xeb &&
	   p.new[1] == 64 - 6 && p.gap_new[0] == 0xe9,
	   "5 bytes over two quadwords: %s", how);
	err = plan(4, mov5, 5, NULL, 0, &p, &how);
	ok(!err && p.len == 5 && !p.gap,
	   "the same without padding: %s", how);
	err = plan(15 - 3, mov5, 5, nops, 7, &p, &how);
	ok(!err && p.len == 2,
	   "5 bytes over two blocks: %s", how);
	err = plan(15 - 3, mov5, 5, NULL, 0, &p, &how);
	ok(err == -EOPNOTSUPP,
	   "the same without padding: refused: %s", how);
	err = plan(15, mov5, 5, nops, 7, &p, &how);
	ok(err == -EOPNOTSUPP,
	   "the first 2 bytes over two blocks: refused: %s", how);
	err = plan(0, mov3, 3, nops, 7, &p, &how);
	ok(!err && p.len == 2,
	   "3 bytes: %s", how);
	err = plan(0, mov3, 3, NULL, 0, &p, &how);
	ok(err == -EOPNOTSUPP,
	   "the same without padding: refused: %s", how);
}

static const struct {
	const char *text;
	bool dead;
	unsigned int n;
	uint8_t bytes[16];
} paddings[] = {
	{ "15 x nop", true, 15,
	  { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
	    0x90, 0x90, 0x90, 0x90 } },
	{ "int3", true, 5, { 0xcc, 0xcc, 0xcc, 0xcc, 0xcc } },
	{ "cs nopw 0(%rax,%rax,1)", true, 10,
	  { 0x66, 0x2e, 0x0f, 0x1f, 0x84 } },
	{ "data16 cs nopw", true, 11, { 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84 } },
	{ "nopl 0(%rax)", true, 7, { 0x0f, 0x1f, 0x80 } },
	{ "nopw", true, 6, { 0x66, 0x0f, 0x1f, 0x44 } },
	{ "4 bytes of nop", false, 4, { 0x0f, 0x1f, 0x40 } },
	{ "zeroes", false, 8, { 0 } },
	{ "nops, then code", false, 6, { 0x90, 0x90, 0x90, 0x90, 0x31, 0xc0 } },
	{ "a nop that runs out", false, 5, { 0x0f, 0x1f, 0x80 } },
	{ "a jump of another patch", false, 8, { 0xe9, 1, 2, 3, 4, 0x90 } },
	{ "endbr64", false, 5, { 0xf3, 0x0f, 0x1e, 0xfa, 0x90 } },
};

static void test_padding(void)
{
	struct mmun_patch_plan p;
	const char *how;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(paddings); i++) {
		err = plan(0, mov3, 3, paddings[i].bytes, paddings[i].n, &p,
			   &how);
		ok(err == (paddings[i].dead ? 0 : -EOPNOTSUPP),
		   "padding: %s: %s", paddings[i].text,
		   paddings[i].dead ? "used" : "left alone");
	}
}

/* Padding that the function before it runs through is not dead. */
static void test_fall_through(void)
{
	const struct mmun_patch_gap gap = { AT + 32, AT + 48 };
	struct mmun_patch_text text;
	struct mmun_patch_plan p;
	struct mmun_patch_entry e;
	const char *how;
	int err;

	fill(&text, mov3, 3);
	memset(text.bytes + 32, 0x90, 16);
	arch->decode(&text, AT, &e, &how);
	ok(arch->plan(&text, &e, &gap, 1, AT, &p, &how) == -EOPNOTSUPP,
	   "padding that code runs into is left alone");
	text.bytes[31] = 0xc3;
	ok(!arch->plan(&text, &e, &gap, 1, AT, &p, &how),
	   "the same padding after a ret is used");
	err = arch->plan(&text, &e, &gap, 1, AT + (3UL << 30), &p, &how);
	ok(err == -EOPNOTSUPP, "but not to go too far: %s", how);
}

int main(void)
{
	tap_begin(20);
	test_lengths();
	test_cut_off();
	test_foreign();
	test_relocation();
	test_plan();
	test_padding();
	test_fall_through();
	return tap_end();
}
