// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Functions with every kind of entry, written as bytes, patched and called.
 * Each computes 7 + its argument.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "helpers.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define PAGE 4096
#define HOOKED 1000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

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

#define MOV5 0xb8, 7, 0, 0, 0 /* mov $7,%eax */
#define ADD_RET 0x48, 0x01, 0xf8, 0xc3 /* add %rdi,%rax; ret */
#define QUAD_7 7, 0, 0, 0, 0, 0, 0, 0

static const struct {
	const char *text;
	unsigned int offset; /* in two pages */
	unsigned int n;
	bool refused;
	uint8_t bytes[32];
} shapes[] = {
	{ "mov", 0, 9, false, { MOV5, ADD_RET } },
	{ "mov in the second half of a block", 8, 9, false,
	  { MOV5, ADD_RET } },
	{ "mov over two quadwords", 5, 9, false, { MOV5, ADD_RET } },
	{ "mov over two quadwords, to the end of a block", 11, 9, false,
	  { MOV5, ADD_RET } },
	{ "mov over two blocks", 12, 9, true, { MOV5, ADD_RET } },
	{ "mov over two pages", PAGE - 2, 9, true, { MOV5, ADD_RET } },
	{ "endbr64; mov", 0, 13, false,
	  { 0xf3, 0x0f, 0x1e, 0xfa, MOV5, ADD_RET } },
	{ "endbr64 before a page, mov after it", PAGE - 4, 13, false,
	  { 0xf3, 0x0f, 0x1e, 0xfa, MOV5, ADD_RET } },
	{ "endbr64 over two pages", PAGE - 2, 13, false,
	  { 0xf3, 0x0f, 0x1e, 0xfa, MOV5, ADD_RET } },
	{ "load relative to %rip", 0, 24, false,
	  { 0x48, 0x8b, 0x05, 9, 0, 0, 0, ADD_RET, 0x90, 0x90, 0x90, 0x90,
	    0x90, QUAD_7 } },
	{ "cmpb relative to %rip", 0, 28, false, /* sete, movzbl, imul $7 */
	  { 0x80, 0x3d, 13, 0, 0, 0, 7, 0x0f, 0x94, 0xc0, 0x0f, 0xb6, 0xc0,
	    0x6b, 0xc0, 7, ADD_RET, QUAD_7 } },
	{ "sub $imm32,%rsp", 0, 23, false,
	  { 0x48, 0x81, 0xec, 0, 1, 0, 0, MOV5, 0x48, 0x81, 0xc4, 0, 1, 0, 0,
	    ADD_RET } },
	{ "push %rbx", 0, 11, false, { 0x53, MOV5, 0x5b, ADD_RET } },
	{ "push %rbp; push %rbx", 0, 13, false,
	  { 0x55, 0x53, MOV5, 0x5b, 0x5d, ADD_RET } },
	{ "push %rsp", 0, 11, true, { 0x54, MOV5, 0x59, ADD_RET } },
	{ "mov %edi,%edi without padding", 0, 11, true,
	  { 0x89, 0xff, MOV5, ADD_RET } },
	{ "call", 0, 15, true, { 0xe8, 0, 0, 0, 0, 0x58, MOV5, ADD_RET } },
	{ "jcc", 0, 15, true,
	  { 0x0f, 0x84, 0, 0, 0, 0, MOV5, ADD_RET } },
};

static void test_shapes(void)
{
	uint8_t was[2 * PAGE], *code, *entry;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		int err;

		code = code_pages(2);
		entry = code + shapes[i].offset;
		overwrite(entry, shapes[i].bytes, shapes[i].n);
		memcpy(was, code, sizeof(was));
		err = prepare(entry);
		if (shapes[i].refused) {
			ok(err == -EOPNOTSUPP && !memcmp(was, code, sizeof(was))
			   && ((func_t)entry)(5) == 12,
			   "%s: refused: %s", shapes[i].text, patch.how);
			continue;
		}
		ok(!err && !memcmp(was, code, sizeof(was)) && !patch.foreign,
		   "%s: prepare changes nothing", shapes[i].text);
		err = mmun_patch_commit(&patch);
		ok(!err && works((func_t)entry), "%s: %s", shapes[i].text,
		   patch.how);
	}
}

/* The jumps of other patchers, in place of the mov. */
enum jump { JMP_REL32, MOVABS_R11, MOVABS_RAX, JMP_MEM, JMP_REL8 };

static const char *const jump_names[] = {
	"jmp rel32", "movabs r11; jmp *r11", "movabs rax; jmp *rax",
	"jmp *(%rip)", "jmp rel8 to jmp rel32",
};

static size_t write_jump(enum jump jump, uint8_t *out, uint8_t *at)
{
	static const uint8_t movabs_r11[] = { 0x49, 0xbb, QUAD_7, 0x41, 0xff,
					      0xe3 };
	static const uint8_t movabs_rax[] = { 0x48, 0xb8, QUAD_7, 0xff, 0xe0 };
	static const uint8_t jmp_mem[] = { 0xff, 0x25, 0, 0, 0, 0 };
	void *target = foreign_hook;
	int32_t rel;

	switch (jump) {
	case JMP_REL32: /* within reach only of what lies beside */
		rel = 64 - 5;
		*out = 0xe9;
		memcpy(out + 1, &rel, 4);
		write_jump(MOVABS_RAX, out + 64, at + 64);
		return 64 + 12;
	case MOVABS_R11:
		memcpy(out, movabs_r11, 13);
		memcpy(out + 2, &target, 8);
		return 13;
	case MOVABS_RAX:
		memcpy(out, movabs_rax, 12);
		memcpy(out + 2, &target, 8);
		return 12;
	case JMP_MEM:
		memcpy(out, jmp_mem, 6);
		memcpy(out + 6, &target, 8);
		return 14;
	case JMP_REL8:
		out[0] = 0xeb;
		out[1] = 30;
		return 32 + write_jump(JMP_REL32, out + 32, at + 32);
	}
	return 0;
}

/* A function, over which another library has written its jump. */
static void make_foreign(enum jump jump, uint8_t *code)
{
	static const uint8_t mov[] = { MOV5, ADD_RET };
	uint8_t bytes[128];
	size_t n;

	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes, mov, sizeof(mov));
	n = write_jump(jump, bytes, code);
	overwrite(code, bytes, n);
}

static void test_foreign(enum jump jump)
{
	static const uint8_t mov[16] = { MOV5, ADD_RET };
	uint8_t *code = code_pages(1);
	int err;

	make_foreign(jump, code);
	err = prepare(code) ?: mmun_patch_commit(&patch);
	ok(!err && patch.foreign,
	   "foreign %s: %s", jump_names[jump], patch.how);
	ok(works((func_t)code), "foreign %s: chained to", jump_names[jump]);
	overwrite(code, mov, sizeof(mov));
	ok(((func_t)code)(5) == 12 && ((func_t)patch.orig)(5) == 12,
	   "foreign %s: orig works after the owner restored the entry",
	   jump_names[jump]);
}

/* A short jump leads to the near one that is patched. */
static void test_foreign_short(void)
{
	uint8_t *code = code_pages(1);
	int err;

	make_foreign(JMP_REL8, code);
	err = prepare(code) ?: mmun_patch_commit(&patch);
	ok(!err && patch.foreign && works((func_t)code),
	   "foreign %s: its near jump is replaced", jump_names[JMP_REL8]);
}

/* Two of us, as when two plugins each contain the library. */
static long second_hook(long a)
{
	return a * 2;
}

static void test_twice(void)
{
	static const uint8_t mov[] = { MOV5, ADD_RET };
	struct mmun_patch second;
	uint8_t *code = code_pages(1);
	int err;

	overwrite(code, mov, sizeof(mov));
	ok(!prepare(code) && !mmun_patch_commit(&patch), "a first patch");
	second = patch;
	err = mmun_patch_prepare(&second);
	ok(err == -EALREADY,
	   "the same hook again: %s", second.how);
	second.hook = second_hook;
	ok(!mmun_patch_prepare(&second) && second.foreign &&
	   !mmun_patch_commit(&second) && ((func_t)code)(5) == 10 &&
	   ((func_t)second.orig)(5) == 12 + HOOKED,
	   "another hook: in front of the first one");
}

static void test_busy(void)
{
	static const uint8_t mov[] = { MOV5, ADD_RET };
	uint8_t was[16], *code = code_pages(1);
	int err;

	overwrite(code, mov, sizeof(mov));
	ok(!prepare(code), "prepare before somebody else");
	make_foreign(MOVABS_R11, code);
	memcpy(was, code, sizeof(was));
	err = mmun_patch_commit(&patch);
	ok(err == -EBUSY &&
	   !memcmp(was, code, sizeof(was)) && ((func_t)code)(5) == 12,
	   "commit after him is refused: %s", patch.how);
	ok(!prepare(code) && patch.foreign && !mmun_patch_commit(&patch) &&
	   works((func_t)code), "prepare again chains to him");
}

static uint8_t *mov_page(void)
{
	static const uint8_t mov[] = { MOV5, ADD_RET };
	uint8_t *code = code_pages(1);

	overwrite(code, mov, sizeof(mov));
	return code;
}

static void test_mappings(void)
{
	uint8_t *code = mov_page();
	int err;

	mprotect(code, PAGE, PROT_READ);
	err = prepare(code);
	ok(err == -EOPNOTSUPP, "data: refused: %s", patch.how);
	munmap(code, PAGE);
	err = prepare(code);
	ok(err == -EOPNOTSUPP, "nothing there: refused: %s", patch.how);
}

/* Nothing free within reach; then a hole above the entry, then one below. */
static void test_crowded(void)
{
	static const uint8_t mov[] = { MOV5, ADD_RET };
	const size_t half = 3UL << 30;
	uint8_t *all = mmap(NULL, 2 * half, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *code = all + half, *high = code + (1UL << 30),
		*low = code - (1UL << 30), *to;
	int err;

	if (all == MAP_FAILED)
		bail("no room for 6 GiB of addresses: %m");
	overwrite(code, mov, sizeof(mov));
	err = prepare(code);
	ok(err == -ENOMEM && ((func_t)code)(5) == 12, "crowded: %s", patch.how);
	munmap(high, PAGE);
	err = prepare(code);
	to = patch.orig;
	ok(!err && to >= high && to < high + PAGE, "the hole above is found");
	err = prepare(code);
	to = patch.orig;
	ok(!err && to > high && to < high + PAGE,
	   "what is prepared next shares the page");
	ok(!mmun_patch_commit(&patch), "until one is committed");
	overwrite(code, mov, sizeof(mov));
	munmap(low, 2 * PAGE);
	err = prepare(code);
	to = patch.orig;
	ok(!err && to >= low + PAGE && to < low + 2 * PAGE,
	   "then the hole below, at its end");
	ok(!mmun_patch_commit(&patch) && works((func_t)code),
	   "a patch over 1 GiB works");
}

/* In a child, for there is no way back: 0, 1, or 2 for a kernel without it. */
static int in_child(int (*test)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(test());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static int mdwe_child(void)
{
	uint8_t *code = mov_page();

	if (prctl(PR_SET_MDWE, 1, 0, 0, 0))
		return 2;
	return prepare(code) || mmun_patch_commit(&patch) != -EACCES ||
	       ((func_t)code)(5) != 12;
}

static int mseal_child(void)
{
	uint8_t *code = mov_page();

	if (syscall(SYS_mseal, code, PAGE, 0))
		return 2;
	return prepare(code) || mmun_patch_commit(&patch) != -EACCES ||
	       ((func_t)code)(5) != 12;
}

static void test_forbidden(int (*child)(void), const char *claim,
			   const char *needs)
{
	int result = in_child(child);

	if (result == 2)
		skip(claim, needs);
	else
		ok(!result, "%s", claim);
}

int main(void)
{
	tap_begin(20);
	test_shapes();
	for (enum jump jump = JMP_REL32; jump < JMP_REL8; jump++)
		test_foreign(jump);
	test_foreign_short();
	test_twice();
	test_busy();
	test_mappings();
	test_crowded();
	test_forbidden(mdwe_child, "no new executable memory: -EACCES",
		       "PR_SET_MDWE (Linux 6.3)");
	test_forbidden(mseal_child, "sealed code: -EACCES",
		       "mseal (Linux 6.10)");
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
