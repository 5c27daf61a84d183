// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The part of patching that is the same on every architecture: mappings,
 * pages, symbols, and the order of things.
 *
 * Only raw system calls: libc's own may be half way through being patched.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "patch.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#if defined(__x86_64__)
#define ARCH (&mmun_patch_x86_64)
#elif defined(__aarch64__)
#define ARCH (&mmun_patch_aarch64)
#else
#error "no patching on this architecture"
#endif

/*
 * One page for each patch: it is written before anybody can run it and never
 * again, so it need not be writable and executable at once.
 */
struct island {
	struct mmun_patch_code code;
	struct island *next;
	uintptr_t hook;
	uintptr_t gap; /* padding that belongs to this patch */
};

static struct island *islands; /* all of them, for ever */

static long sys3(long nr, long a, long b, long c)
{
	return mmun_patch_syscall(nr, a, b, c, 0, 0, 0);
}

static uintptr_t page_size(void)
{
	return getauxval(AT_PAGESZ);
}

/* A sealed mapping says EPERM, a security policy EACCES: one answer for both. */
static int protect(uintptr_t page, int prot)
{
	long err = sys3(SYS_mprotect, page, page_size(), prot);

	return err == -EPERM ? -EACCES : err;
}

static int fail(struct mmun_patch *p, int err, const char *why)
{
	p->how = why;
	return err;
}

/* One line of /proc/self/maps. */
struct vma {
	uintptr_t start;
	uintptr_t end;
	int prot;
	bool shared;
	bool stack;
};

struct maps {
	int fd;
	unsigned int pos;
	unsigned int len;
	char buf[1024];
};

static int maps_open(struct maps *m)
{
	m->fd = mmun_patch_syscall(SYS_openat, AT_FDCWD,
				   (long)"/proc/self/maps",
				   O_RDONLY | O_CLOEXEC, 0, 0, 0);
	m->pos = m->len = 0;
	return m->fd < 0 ? m->fd : 0;
}

static void maps_close(struct maps *m)
{
	sys3(SYS_close, m->fd, 0, 0);
}

/* The next character, 0 at the end. */
static char maps_getc(struct maps *m)
{
	if (m->pos == m->len) {
		long n = sys3(SYS_read, m->fd, (long)m->buf, sizeof(m->buf));

		if (n <= 0)
			return 0;
		m->len = n;
		m->pos = 0;
	}
	return m->buf[m->pos++];
}

/* Hexadecimal digits, and the character after them. */
static uintptr_t maps_hex(struct maps *m)
{
	static const char digits[] = "0123456789abcdef";
	uintptr_t value = 0;
	const char *d;
	char c;

	while ((c = maps_getc(m)) && (d = strchr(digits, c)))
		value = value << 4 | (uintptr_t)(d - digits);
	return value;
}

/* start-end rwxp offset device inode path */
static bool maps_next(struct maps *m, struct vma *v)
{
	char c;

	v->start = maps_hex(m);
	v->end = maps_hex(m);
	v->prot = PROT_NONE;
	v->prot |= maps_getc(m) == 'r' ? PROT_READ : 0;
	v->prot |= maps_getc(m) == 'w' ? PROT_WRITE : 0;
	v->prot |= maps_getc(m) == 'x' ? PROT_EXEC : 0;
	v->shared = maps_getc(m) == 's';
	v->stack = false;
	while ((c = maps_getc(m)) && c != '\n')
		if (c == '[')
			v->stack = maps_getc(m) == 's';
	return v->end;
}

static int find_vma(uintptr_t addr, struct vma *v)
{
	struct maps m;
	int err = maps_open(&m);

	if (err)
		return err;
	do {
		if (!maps_next(&m, v))
			err = -EFAULT;
	} while (!err && v->end <= addr);
	maps_close(&m);
	return err ?: v->start <= addr ? 0 : -EFAULT;
}

/*
 * A free page within reach, just below a mapping: nothing grows down there but
 * a stack, while the heap grows up.  Rather below the entry than above it,
 * for that is where objects end and brk begins.
 */
static uintptr_t find_free(uintptr_t entry, uintptr_t size)
{
	uintptr_t prev_end = 1UL << 16, found = 0;
	struct maps m;
	struct vma v;

	if (maps_open(&m))
		return 0;
	while (maps_next(&m, &v)) {
		uintptr_t at = v.start - size;
		bool is_free = v.start >= prev_end + size && !v.stack;

		prev_end = v.end;
		if (!is_free)
			continue;
		if (at < entry ? entry - at < ARCH->reach :
				 at - entry < ARCH->reach && !found)
			found = at;
		if (at > entry)
			break;
	}
	maps_close(&m);
	return found;
}

static int alloc_island(uintptr_t entry, struct island **ret_island)
{
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	uintptr_t size = page_size(), at;
	long got;

	/* Another thread may map the page first: look again, not for ever. */
	for (int tries = 0; tries < 64; tries++) {
		at = find_free(entry, size);
		if (!at)
			return -ENOMEM;
		got = mmun_patch_syscall(SYS_mmap, at, size,
					 PROT_READ | PROT_WRITE, flags, -1, 0);
		if (got == (long)at) {
			*ret_island = (void *)at;
			return 0;
		}
		if (got >= 0) /* an old kernel takes it for a hint */
			sys3(SYS_munmap, got, size, 0);
		else if (got != -EEXIST)
			return got;
	}
	return -ENOMEM;
}

/* Dynamic symbols, which say where functions end. */

struct symbols {
	uintptr_t base;
	const ElfW(Sym) *tab;
	size_t nr;
};

static size_t gnu_hash_count(const uint32_t *hash)
{
	uint32_t nr_buckets = hash[0], first = hash[1], last = 0;
	const uint32_t *buckets = hash + 4 +
				  hash[2] * sizeof(ElfW(Addr)) / sizeof(*hash);
	const uint32_t *chains = buckets + nr_buckets;

	for (uint32_t i = 0; i < nr_buckets; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < first)
		return first;
	while (!(chains[last - first] & 1))
		last++;
	return last + 1;
}

static void read_dynamic(const ElfW(Dyn) *dyn, struct symbols *s)
{
	for (; dyn->d_tag != DT_NULL; dyn++) {
		uintptr_t p = dyn->d_un.d_ptr;

		if (p < s->base) /* glibc relocates these, musl does not */
			p += s->base;
		if (dyn->d_tag == DT_SYMTAB)
			s->tab = (void *)p;
		else if (dyn->d_tag == DT_GNU_HASH)
			s->nr = gnu_hash_count((void *)p);
		else if (dyn->d_tag == DT_HASH)
			s->nr = ((uint32_t *)p)[1];
	}
	if (!s->tab)
		s->nr = 0;
}

/* Does the object contain the address?  Then its symbols. */
struct object_search {
	uintptr_t addr;
	struct symbols symbols;
};

static int search_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct object_search *s = data;
	const ElfW(Dyn) *dyn = NULL;
	bool here = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type == PT_DYNAMIC)
			dyn = (void *)start;
		if (ph->p_type == PT_LOAD)
			here |= s->addr - start < ph->p_memsz;
	}
	if (!here)
		return 0;
	s->symbols.base = info->dlpi_addr;
	if (dyn)
		read_dynamic(dyn, &s->symbols);
	return 1;
}

/* The bytes of a function that the object defines. */
static bool function(const struct symbols *s, size_t i,
		     struct mmun_patch_gap *bytes)
{
	const ElfW(Sym) *sym = &s->tab[i];

	if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_size ||
	    sym->st_shndx == SHN_UNDEF)
		return false;
	bytes->start = s->base + sym->st_value;
	bytes->end = bytes->start + sym->st_size;
	return true;
}

static bool overlaps_function(const struct symbols *s,
			      const struct mmun_patch_gap *gap)
{
	struct mmun_patch_gap f;

	for (size_t i = 0; i < s->nr; i++)
		if (function(s, i, &f) && f.start < gap->end &&
		    gap->start < f.end)
			return true;
	return false;
}

static bool gap_is_taken(uintptr_t start)
{
	for (struct island *i = islands; i; i = i->next)
		if (i->gap == start)
			return true;
	return false;
}

/* Padding within the text that belongs to no function and to no patch. */
static unsigned int find_gaps(const struct mmun_patch_text *text,
			      uintptr_t entry, struct mmun_patch_gap *gaps,
			      unsigned int max)
{
	struct object_search s = { .addr = entry };
	struct mmun_patch_gap f, gap;
	unsigned int nr = 0;

	if (!ARCH->gap_min)
		return 0;
	dl_iterate_phdr(search_object, &s);
	for (size_t i = 0; i < s.symbols.nr && nr < max; i++) {
		if (!function(&s.symbols, i, &f))
			continue;
		gap.start = f.end;
		gap.end = (f.end + 15) & ~15UL;
		if (gap.end - gap.start < ARCH->gap_min ||
		    !mmun_patch_text_at(text, gap.start, gap.end - gap.start) ||
		    gap_is_taken(gap.start) ||
		    overlaps_function(&s.symbols, &gap))
			continue;
		gaps[nr++] = gap;
	}
	return nr;
}

static int read_text(struct mmun_patch *p, struct mmun_patch_text *text)
{
	uintptr_t entry = (uintptr_t)p->entry, start, end;
	struct vma v;
	int err = find_vma(entry, &v);

	if (err)
		return fail(p, err == -EFAULT ? -EOPNOTSUPP : err,
			    "no such mapping in /proc/self/maps");
	if ((v.prot & (PROT_READ | PROT_EXEC)) != (PROT_READ | PROT_EXEC))
		return fail(p, -EOPNOTSUPP, "not readable and executable");
	if (v.shared)
		return fail(p, -EOPNOTSUPP, "the code is a shared mapping");
	start = entry - MMUN_PATCH_TEXT_BEFORE;
	end = start + sizeof(text->bytes);
	text->at = start > v.start && start < entry ? start : v.start;
	text->n = (end < v.end ? end : v.end) - text->at;
	memcpy(text->bytes, (void *)text->at, text->n);
	return 0;
}

/* Somebody else's jump: where it goes now, past all that he may undo. */
static int chain(struct mmun_patch *p, const struct mmun_patch_entry *e)
{
	uintptr_t target = e->target_at ? *(uintptr_t *)e->target_at :
					  e->target;

	for (struct island *i = islands; i; i = i->next)
		if (target == (uintptr_t)i->code.to_hook &&
		    i->hook == (uintptr_t)p->hook)
			return fail(p, -EALREADY, "patched already");
	p->foreign = true;
	p->orig = (void *)target;
	return 0;
}

static int fill_island(struct mmun_patch *p, const struct mmun_patch_text *text,
		       const struct mmun_patch_entry *e, struct island *island)
{
	struct mmun_patch_gap gaps[sizeof(text->bytes) / 16]; /* all */
	unsigned int nr_gaps;
	int err;

	err = ARCH->build(e, (uintptr_t)p->hook, (uintptr_t)&island->code,
			  &island->code, &p->how);
	if (err)
		return err;
	nr_gaps = find_gaps(text, (uintptr_t)p->entry, gaps,
			    sizeof(gaps) / sizeof(gaps[0]));
	err = ARCH->plan(text, e, gaps, nr_gaps,
			 (uintptr_t)island->code.to_hook, &p->plan, &p->how);
	if (err)
		return err;
	island->hook = (uintptr_t)p->hook;
	island->gap = p->plan.gap;
	island->next = islands;
	__builtin___clear_cache((char *)&island->code,
				(char *)(&island->code + 1));
	err = protect((uintptr_t)island, PROT_READ | PROT_EXEC);
	if (err)
		p->how = "the system forbids new executable memory";
	return err;
}

int mmun_patch_prepare(struct mmun_patch *p)
{
	struct mmun_patch_text text;
	struct mmun_patch_entry e;
	struct island *island = NULL;
	int err;

	p->orig = NULL;
	p->foreign = false;
	err = read_text(p, &text);
	if (err)
		return err;
	err = ARCH->decode(&text, (uintptr_t)p->entry, &e, &p->how);
	if (!err && e.foreign)
		err = chain(p, &e);
	if (err)
		return err;
	err = alloc_island((uintptr_t)p->entry, &island);
	if (err)
		return fail(p, err, "no free memory near the entry");
	err = fill_island(p, &text, &e, island);
	if (err) {
		sys3(SYS_munmap, (long)island, page_size(), 0);
		return err;
	}
	islands = island;
	if (!p->foreign)
		p->orig = island->code.to_orig;
	return 0;
}

static int store_gap(const struct mmun_patch_plan *plan)
{
	if (memcmp((void *)plan->gap, plan->gap_old, plan->gap_len))
		return -EBUSY;
	memcpy((void *)plan->gap, plan->gap_new, plan->gap_len);
	return 0;
}

/*
 * Neither store crosses 16 bytes, let alone a page.  The protection is put
 * back as /proc/self/maps tells it; what that does not tell is PROT_BTI, so
 * that page loses it: the entry works, with landing pads unchecked around it.
 */
static int write_code(struct mmun_patch *p, uintptr_t at, unsigned int len,
		      int (*store)(const struct mmun_patch_plan *))
{
	uintptr_t page = at & ~(page_size() - 1);
	struct vma v;
	int err = find_vma(at, &v);

	if (err)
		return fail(p, err, "no such mapping in /proc/self/maps");
	err = protect(page, v.prot | PROT_WRITE);
	if (err)
		return fail(p, err, "the system forbids to write to code");
	err = store(&p->plan);
	__builtin___clear_cache((char *)at, (char *)at + len);
	if (protect(page, v.prot))
		p->how = "done, but the page cannot be made read-only again";
	return err ? fail(p, err, "changed by somebody else meanwhile") : 0;
}

/*
 * Every thread drops the instructions that it fetched before.  Where the
 * kernel has no such membarrier, its own work for mprotect() does: it makes
 * every CPU of the process flush its TLB by an interrupt, and the return from
 * that serialises (on aarch64, where the flush is broadcast, this is weaker:
 * a thread may run the old instruction until its next exception).
 */
static void sync_cores(void)
{
	sys3(SYS_membarrier,
	     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
	sys3(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
}

int mmun_patch_commit(struct mmun_patch *p)
{
	struct mmun_patch_plan *plan = &p->plan;
	int err;

	if (plan->gap) {
		err = write_code(p, plan->gap, plan->gap_len, store_gap);
		if (err)
			return err;
	}
	/* All see the island and the gap before anybody is sent there. */
	sync_cores();
	err = write_code(p, plan->site, plan->len, mmun_patch_store);
	if (!err)
		sync_cores();
	return err;
}
