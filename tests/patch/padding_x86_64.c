// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Entries too short for a near jump: padding that the dynamic symbols of this
 * very program prove dead, and padding that they do not.
 *
 * Groups of functions are 256 bytes apart, further than a short jump reaches.
 */
#include <errno.h>

#include "helpers.h"

#define HOOKED 1000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define GROUP ".p2align 4, 0xcc\n\t.skip 256, 0xcc\n"
#define FUNC(name) \
	".globl " name "\n\t.type " name ", @function\n" name ":\n\t"
#define END(name) ".size " name ", . - " name "\n\t"
#define BODY "lea 7(%rdi), %rax\n\t"

__asm__(".text\n"
	GROUP FUNC("two_bytes") "push %r12\n\t" BODY "pop %r12\n\tret\n\t"
	END("two_bytes") ".p2align 4\n\t"
	GROUP FUNC("three_bytes") "mov %rdi, %rsi\n\t" BODY "ret\n\t"
	END("three_bytes") FUNC("nops_first") ".skip 8, 0x90\n\t" BODY "ret\n\t"
	END("nops_first") ".p2align 4\n\t"
	GROUP FUNC("four_bytes") "sub $24, %rsp\n\t" BODY
	"add $24, %rsp\n\tret\n\t" END("four_bytes") ".p2align 4\n\t"
	FUNC("four_bytes_end") "jmp foreign_hook\n\t"
	END("four_bytes_end") ".p2align 4, 0xcc\n\t"
	GROUP FUNC("foreign_short") "jmp 1f\n\t.skip 30, 0xcc\n"
	"1:\tjmp foreign_hook\n\t"
	END("foreign_short") ".p2align 4\n\t"
	GROUP FUNC("over_blocks") ".skip 13, 0x90\n\tret\n\t"
	END("over_blocks")
	FUNC("over_blocks_entry") "mov $7, %eax\n\t"
	"add %rdi, %rax\n\tret\n\t"
	END("over_blocks_entry") ".p2align 4\n\t"
	/* No way in here: */
	GROUP FUNC("no_symbol") "mov %rdi, %rsi\n\t" BODY "ret\n\t"
	".p2align 4\n\t"
	GROUP FUNC("not_dead") "mov %rdi, %rsi\n\t" BODY "ret\n\t"
	END("not_dead") ".byte 0x31, 0xc0, 0xc3, 0xc3\n\t"
	GROUP FUNC("runs_on") "mov %rdi, %rsi\n\t" BODY
	END("runs_on") ".p2align 4\n\tret\n\t"
	GROUP FUNC("too_short") "mov %rdi, %rsi\n\t" BODY ".skip 4, 0x90\n\t"
	"ret\n\t" END("too_short") ".p2align 4\n\t"
	/* One padding, two who want it: */
	GROUP FUNC("first") "mov %rdi, %rsi\n\t" BODY "ret\n\t"
	END("first") ".p2align 4\n\t"
	FUNC("second") "mov %rdi, %rsi\n\t" BODY ".skip 8, 0x90\n\tret\n\t"
	END("second") ".p2align 4\n\t"
	GROUP);

long two_bytes(long a), three_bytes(long a), nops_first(long a),
	four_bytes(long a), foreign_short(long a), over_blocks_entry(long a),
	no_symbol(long a), not_dead(long a), runs_on(long a),
	too_short(long a), first(long a), second(long a);

long foreign_hook(long a);
long foreign_hook(long a)
{
	return a + 7;
}

static struct mmun_patch patch;
static int hook_calls;

static long hook(long a)
{
	hook_calls++;
	return ((func_t)patch.orig)(a) + HOOKED;
}

static int prepare(func_t entry)
{
	patch = (struct mmun_patch){ .entry = entry, .hook = hook };
	hook_calls = 0;
	return mmun_patch_prepare(&patch);
}

static const struct {
	const char *text;
	func_t entry;
	bool foreign;
	bool refused;
} entries[] = {
	{ "push %r12", two_bytes, false, false },
	{ "mov", three_bytes, false, false },
	{ "sub $24,%rsp", four_bytes, false, false },
	{ "foreign jmp rel8", foreign_short, true, false },
	{ "mov $7,%eax over two blocks", over_blocks_entry, false, false },
	{ "padding after no symbol", no_symbol, false, true },
	{ "code after the symbol", not_dead, false, true },
	{ "padding that code runs into", runs_on, false, true },
	{ "4 bytes of padding", too_short, false, true },
};

static void test_entry(size_t i)
{
	func_t f = entries[i].entry;
	int err = prepare(f);

	if (entries[i].refused) {
		ok(err == -EOPNOTSUPP && f(5) == 12, "%s: refused: %s",
		   entries[i].text, patch.how);
		return;
	}
	/* A foreign short jump has its own padding, and a near jump there. */
	ok(!err && patch.foreign == entries[i].foreign && f(5) == 12 &&
	   patch.plan.len == (patch.foreign ? 5 : 2) &&
	   !patch.plan.gap == patch.foreign,
	   "%s: prepared: %s", entries[i].text, patch.how);
	err = mmun_patch_commit(&patch);
	ok(!err && f(5) == 12 + HOOKED && hook_calls == 1 &&
	   ((func_t)patch.orig)(5) == 12 && hook_calls == 1,
	   "%s: %s", entries[i].text, patch.how);
}

/* The padding must be reserved from prepare on, not from commit. */
static void test_shared_padding(void)
{
	struct mmun_patch mine;
	int err;

	ok(!prepare(first), "the first takes the padding");
	mine = patch;
	err = prepare(second);
	ok(err == -EOPNOTSUPP, "the second cannot: %s", patch.how);
	patch = mine;
	ok(!mmun_patch_commit(&patch) && first(5) == 12 + HOOKED &&
	   second(5) == 12, "and the first is hooked alone");
}

int main(void)
{
	tap_begin(20);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		test_entry(i);
	test_shared_padding();
	ok(nops_first(5) == 12,
	   "a function that begins with nops is no padding");
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
