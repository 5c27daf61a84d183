// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The dynamic linker's own functions: found by their bytes, and patched.  And
 * the copy of libc that another namespace has.
 *
 *	ldso MODULE
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "helpers.h"
#include "monitor/ldso.h"

#define BLOCK __attribute__((aligned(16))) static const uint8_t

/* -- bytes of both architectures, on any host -- */

#define MOV_11 0xb8, 0x0b, 0, 0, 0
#define SYSCALL 0x0f, 0x05
#define CMP_JAE 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff, 0x73, 0x01
#define CMP_JA 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0x77, 0x01
#define CMP_JAE_FAR 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff, 0x0f, 0x83, 9, 0, 0, 0

BLOCK plain[32] = { MOV_11, SYSCALL, CMP_JAE, 0xc3 };
BLOCK compiled[32] = { MOV_11, SYSCALL, CMP_JA, 0xc3 };
BLOCK far_error[32] = { MOV_11, SYSCALL, CMP_JAE_FAR, 0xc3 };
BLOCK padded[32] = { 0xf3, 0x0f, 0x1e, 0xfa, MOV_11, SYSCALL, CMP_JAE, 0xc3 };
BLOCK second[32] = { [16] = MOV_11, SYSCALL, CMP_JAE, 0xc3 };
BLOCK two[48] = { MOV_11, SYSCALL, CMP_JAE, 0xc3,
		  [32] = MOV_11, SYSCALL, CMP_JAE, 0xc3 };
BLOCK askew[48] = { 0x90, MOV_11, SYSCALL, CMP_JAE, 0xc3 };
BLOCK no_return[32] = { MOV_11, SYSCALL, CMP_JAE, 0x90 };
BLOCK no_check[32] = { MOV_11, SYSCALL, 0xc3 };
BLOCK other_cmp[32] = { MOV_11, SYSCALL, 0x48, 0x3d, 1, 0xf0, 0xff, 0x7f,
			0x73, 0x01, 0xc3 };
BLOCK cut[15] = { MOV_11, SYSCALL, CMP_JAE };
BLOCK call_4[32] = { 0x49, 0x89, 0xca, MOV_11, SYSCALL, CMP_JAE, 0xc3 };

static const struct {
	const char *text;
	const uint8_t *code;
	size_t n;
	long nr;
	int found;	/* where, or -1 */
} x86[] = {
	{ "as libc writes it", plain, 32, 11, 0 },
	{ "as a compiler does", compiled, 32, 11, 0 },
	{ "with its error path far off", far_error, 32, 11, 0 },
	{ "behind endbr64", padded, 32, 11, 0 },
	{ "in the next block", second, 32, 11, 16 },
	{ "of another system call", plain, 32, 10, -1 },
	{ "of one with the same low byte", plain, 32, 0x10b, -1 },
	{ "twice", two, 48, 11, -1 },
	{ "at an odd place", askew, 48, 11, -1 },
	{ "without a return", no_return, 32, 11, -1 },
	{ "without a look at the result", no_check, 32, 11, -1 },
	{ "with another one", other_cmp, 32, 11, -1 },
	{ "cut off", cut, sizeof(cut), 11, -1 },
	{ "with a fourth argument", call_4, 32, 11, -1 },
};

#define WORD(x) (x) & 255, (x) >> 8 & 255, (x) >> 16 & 255, (x) >> 24 & 255
#define BTI WORD(0xd503245fU)
#define NOP WORD(0xd503201fU)
#define MOV_215 WORD(0xd2801ae8U)
#define MOVW_215 WORD(0x52801ae8U)
#define SVC WORD(0xd4000001U)
#define CMN_HS WORD(0xb13ffc1fU), WORD(0x54000042U)
#define CMN_HI WORD(0xb140041fU), WORD(0x54000048U)
#define MIXED WORD(0xb13ffc1fU), WORD(0x54000048U)
#define RETURN WORD(0xd65f03c0U)

BLOCK arm[32] = { NOP, MOV_215, SVC, CMN_HS, RETURN };
BLOCK arm_bti[32] = { NOP, BTI, MOV_215, SVC, CMN_HS, RETURN };
BLOCK arm_compiled[32] = { MOVW_215, SVC, CMN_HI, RETURN };
BLOCK arm_mixed[32] = { MOV_215, SVC, MIXED, RETURN };
BLOCK arm_two[48] = { MOV_215, SVC, CMN_HS, RETURN,
		      MOV_215, SVC, CMN_HS, RETURN };
BLOCK arm_cut[16] = { MOV_215, SVC, CMN_HS };

static const struct {
	const char *text;
	const uint8_t *code;
	size_t n;
	long nr;
	int found;
} aarch64[] = {
	{ "as libc writes it", arm, 32, 215, 4 },
	{ "behind a landing pad", arm_bti, 32, 215, 4 },
	{ "as a compiler does", arm_compiled, 32, 215, 0 },
	{ "of another system call", arm, 32, 226, -1 },
	{ "with a branch that does not fit", arm_mixed, 32, 215, -1 },
	{ "twice", arm_two, 48, 215, -1 },
	{ "cut off", arm_cut, 16, 215, -1 },
};

#define check(arch)                                                            \
	for (size_t i = 0; i < sizeof(arch) / sizeof(arch[0]); i++)            \
		ok(find_##arch(arch[i].code, arch[i].n, arch[i].nr) ==         \
			   (arch[i].found < 0 ? NULL :                         \
				    arch[i].code + arch[i].found),             \
		   #arch ": a stub %s is %s", arch[i].text,                    \
		   arch[i].found < 0 ? "none" : "found")

#define find_x86 mmun_find_stub_x86_64
#define find_aarch64 mmun_find_stub_aarch64

/* -- the real one -- */

static struct mmun_patch unmap_patch, protect_patch, copy_patch;
/* Volatile: libc is declared not to call back. */
static volatile int unmaps, protects, copies;
static uintptr_t watched;
static bool was_mapped;

static bool is_mapped(uintptr_t addr)
{
	unsigned char vec;
	uintptr_t page = addr & -(uintptr_t)sysconf(_SC_PAGESIZE);

	return !mincore((void *)page, 1, &vec);
}

static int on_unmap(void *addr, size_t len)
{
	if (watched - (uintptr_t)addr < len) {
		unmaps++;
		was_mapped = is_mapped(watched);
	}
	return ((int (*)(void *, size_t))unmap_patch.orig)(addr, len);
}

static int on_protect(void *addr, size_t len, int prot)
{
	protects++;
	return ((int (*)(void *, size_t, int))protect_patch.orig)(addr, len,
								  prot);
}

static int on_copy_unmap(void *addr, size_t len)
{
	copies++;
	return ((int (*)(void *, size_t))copy_patch.orig)(addr, len);
}

static void patch(struct mmun_patch *p, void *entry, void *hook,
		  const char *name)
{
	int err;

	*p = (struct mmun_patch){ .entry = entry, .hook = hook };
	err = mmun_patch_prepare(p) ?: mmun_patch_commit(p);
	ok(!err, "%s patched: %s", name, p->how);
}

static void *load(const char *module)
{
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	int *(*address)(void);

	if (!handle)
		bail("%s", dlerror());
	*(void **)&address = dlsym(handle, "module_address");
	watched = (uintptr_t)address();
	return handle;
}

static void test_dlclose(const char *module)
{
	void *unmap = mmun_ldso_function(SYS_munmap);
	void *protect = mmun_ldso_function(SYS_mprotect);
	void *handle;

	if (!ok(unmap && protect && unmap != protect &&
			unmap != dlsym(RTLD_DEFAULT, "munmap"),
		"ld.so's own munmap and mprotect are found"))
		return;
	ok(!mmun_ldso_function(SYS_mmap) && !mmun_ldso_function(99999),
	   "what is of another shape, or not there, is not");
	patch(&unmap_patch, unmap, (void *)on_unmap, "ld.so's munmap");
	patch(&protect_patch, protect, (void *)on_protect, "ld.so's mprotect");
	handle = load(module);
	ok(protects > 0, "dlopen protects through the hook, %d times",
	   protects);
	ok(!dlclose(handle) && unmaps == 1 && was_mapped && !is_mapped(watched),
	   "dlclose unmaps through the hook, which comes before");
	errno = 0;
	handle = load(module);
	ok(handle && *(int *)watched == 1 && !errno,
	   "what was unloaded loads again");
	dlclose(handle);
	ok(unmaps == 2, "and is seen to go again");
}

/* -- another namespace -- */

static bool count_copy(void *copy, void *arg)
{
	void **found = arg;

	found[found[0] ? 1 : 0] = copy;
	return true;
}

static void test_dlmopen(const char *module)
{
	void *found[2] = { NULL, NULL }, *handle, *theirs;
	void *mine = dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD),
			   "munmap");
	size_t page = sysconf(_SC_PAGESIZE);
	void (*churn)(size_t size);
	char *p;

	ok(!mmun_each_copy(mine, count_copy, found) && !found[0],
	   "one namespace, no copy of libc");
	handle = dlmopen(LM_ID_NEWLM, module, RTLD_NOW);
	if (!handle)
		bail("%s", dlerror());
	theirs = dlsym(handle, "munmap");
	if (!ok(!mmun_each_copy(mine, count_copy, found) && found[0] &&
			found[0] == theirs && theirs != mine && !found[1],
		"the copy that dlmopen has loaded is found"))
		return;
	patch(&copy_patch, found[0], (void *)on_copy_unmap,
	      "the copy's munmap");
	p = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok(!((int (*)(void *, size_t))theirs)(p, page) && copies == 1 &&
	   !is_mapped((uintptr_t)p), "and calls of it come to its hook");
	*(void **)&churn = dlsym(handle, "module_churn");
	churn(64 << 20);
	ok(copies == 2, "as do those that it makes of its own, in free()");
}

/* -- run by ld.so as a program, so that the kernel calls it the program -- */

static const char *interpreter(void)
{
	struct link_map *map = _r_debug.r_map;

	for (; map; map = map->l_next)
		if (map->l_addr == _r_debug.r_ldbase)
			return map->l_name;
	bail("no ld.so among the objects");
}

static void test_as_argument(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status = -1;
	pid_t pid;

	if (n < 0)
		bail("no /proc/self/exe");
	self[n] = 0;
	pid = fork();
	if (!pid) {
		execl(interpreter(), interpreter(), self, NULL);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	ok(!status, "found too by \"ld.so program\" (status %#x)", status);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return !mmun_ldso_function(SYS_munmap);
	tap_begin(20);
	check(x86);
	check(aarch64);
	test_as_argument();
	test_dlclose(argv[1]);
	test_dlmopen(argv[1]);
	return tap_end();
}
