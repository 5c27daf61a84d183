// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What makes the search sound is that it looks for a whole function: the number
 * goes to its register, the system call is made with the arguments as the caller
 * left them, errors are told from results, and it returns.  Nothing is pushed or
 * moved before.  So whoever runs the first of these instructions has called a
 * function with the arguments of that system call, whatever its name, and the
 * hook can stand for it.  (Up to three arguments, that is: calls and system calls
 * differ in the register of the fourth.)
 */
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "monitor/ldso.h"
#include "monitor/patch_symbols.h"
#include "monitor/proc_maps.h"

#define FUNC_ALIGN 16

/* -- bytes -- */

struct reader {
	const uint8_t *p;
	size_t n;
};

static bool skip(struct reader *r, const void *bytes, size_t n)
{
	if (r->n < n || memcmp(r->p, bytes, n))
		return false;
	r->p += n;
	r->n -= n;
	return true;
}

/*
 * endbr64 (or not); mov $nr, %eax; syscall; cmp $-4095, %rax; jae; ret, or as a
 * compiler says it: cmp $-4096, %rax; ja; ret.
 */
static bool is_stub_x86_64(const uint8_t *code, size_t n, long nr)
{
	const uint8_t mov[] = { 0xb8, nr, nr >> 8, nr >> 16, nr >> 24 };
	struct reader r = { code, n };

	skip(&r, "\xf3\x0f\x1e\xfa", 4);
	if (!skip(&r, mov, sizeof(mov)) || !skip(&r, "\x0f\x05", 2))
		return false;
	if (skip(&r, "\x48\x3d\x01\xf0\xff\xff\x73", 7) ||
	    skip(&r, "\x48\x3d\x00\xf0\xff\xff\x77", 7))
		return r.n >= 2 && r.p[1] == 0xc3;
	if (skip(&r, "\x48\x3d\x01\xf0\xff\xff\x0f\x83", 8) ||
	    skip(&r, "\x48\x3d\x00\xf0\xff\xff\x0f\x87", 8))
		return r.n >= 5 && r.p[4] == 0xc3;
	return false;
}

const uint8_t *mmun_find_stub_x86_64(const uint8_t *code, size_t n, long nr)
{
	const uint8_t *found = NULL;

	for (size_t at = 0; at < n; at += FUNC_ALIGN) {
		if (!is_stub_x86_64(code + at, n - at, nr))
			continue;
		if (found)
			return NULL;
		found = code + at;
	}
	return found;
}

#define INSN 4
#define MOVZ_X8 0xd2800008U
#define MOVZ_W8 0x52800008U
#define SVC_0 0xd4000001U
#define CMN_4095 0xb13ffc1fU	/* cmn x0, #4095 */
#define CMN_4096 0xb140041fU	/* cmn x0, #1, lsl #12 */
#define B_HS 0x54000002U
#define B_HI 0x54000008U
#define RET 0xd65f03c0U
#define BTI_C 0xd503245fU

static uint32_t insn(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_error_branch(uint32_t cmp, uint32_t branch)
{
	branch &= 0xff00001fU;
	return (cmp == CMN_4095 && branch == B_HS) ||
	       (cmp == CMN_4096 && branch == B_HI);
}

/* mov x8, #nr; svc #0; cmn x0, #4095; b.hs; ret, or a compiler's words for it. */
static bool is_stub_aarch64(const uint8_t *code, long nr)
{
	uint32_t mov = insn(code);

	return (mov == (MOVZ_X8 | nr << 5) || mov == (MOVZ_W8 | nr << 5)) &&
	       insn(code + INSN) == SVC_0 &&
	       is_error_branch(insn(code + 2 * INSN), insn(code + 3 * INSN)) &&
	       insn(code + 4 * INSN) == RET;
}

const uint8_t *mmun_find_stub_aarch64(const uint8_t *code, size_t n, long nr)
{
	const uint8_t *found = NULL;

	for (size_t at = 0; at + 5 * INSN <= n; at += INSN) {
		if (!is_stub_aarch64(code + at, nr))
			continue;
		if (found)
			return NULL;
		found = code + at;
		/* An indirect call has to come by the landing pad. */
		if (at && insn(found - INSN) == BTI_C)
			found -= INSN;
	}
	return found;
}

/* -- the dynamic linker -- */

/* The C library says where it is, and the kernel where it put it. */
extern struct r_debug _r_debug __attribute__((weak));

struct search {
	uintptr_t base;
	long nr;
	const uint8_t *found;
};

static const uint8_t *find_stub(const uint8_t *code, size_t n, long nr)
{
#if defined(__x86_64__)
	return mmun_find_stub_x86_64(code, n, nr);
#else
	return mmun_find_stub_aarch64(code, n, nr);
#endif
}

static int search_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *s = data;

	(void)size;
	if (info->dlpi_addr != s->base)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + ph->p_vaddr;
		uintptr_t skew = -start & (FUNC_ALIGN - 1);

		/* A second such segment would make "exactly one" a lie. */
		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X)) {
			s->found = find_stub((uint8_t *)start + skew,
					     ph->p_filesz - skew, s->nr);
			break;
		}
	}
	return 1;
}

/* Run as a program, "ld.so ./program", it is not the kernel's to tell. */
static uintptr_t linker_base(void)
{
	uintptr_t base = &_r_debug ? _r_debug.r_ldbase : 0;

	return base ? base : getauxval(AT_BASE);
}

/*
 * One that has a symbol is not private: that linker is the C library, and
 * finds it by its name.
 */
void *mmun_ldso_function(long nr)
{
	struct search s = { linker_base(), nr, NULL };

	if (s.base)
		dl_iterate_phdr(search_object, &s);
	if (s.found && mmun_patch_function_size((uintptr_t)s.found))
		return NULL;
	return (void *)s.found;
}

/* -- copies -- */

struct copies {
	uintptr_t addr;
	struct mmun_mapping file;	/* the mapping that contains it */
	bool found;
	bool (*fn)(void *copy, void *arg);
	void *arg;
};

static bool find_original(const struct mmun_mapping *m, void *arg)
{
	struct copies *c = arg;

	c->found = m->start <= c->addr && c->addr < m->end && m->inode;
	c->file = *m;
	return m->end <= c->addr;
}

static bool find_copy(const struct mmun_mapping *m, void *arg)
{
	struct copies *c = arg;
	unsigned long offset = c->file.offset + (c->addr - c->file.start);
	uintptr_t copy = m->start + (offset - m->offset);

	if (!m->executable || m->inode != c->file.inode ||
	    m->major != c->file.major || m->minor != c->file.minor ||
	    offset - m->offset >= m->end - m->start || copy == c->addr)
		return true;
	return c->fn((void *)copy, c->arg);
}

int mmun_each_copy(const void *addr, bool (*fn)(void *copy, void *arg),
		   void *arg)
{
	struct copies c = { .addr = (uintptr_t)addr, .fn = fn, .arg = arg };
	int err = mmun_each_mapping(find_original, &c);

	if (err || !c.found)
		return err;
	return mmun_each_mapping(find_copy, &c);
}
