// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The part of patching that is the same on every architecture: mappings,
 * pages, symbols, and the order of things.
 *
 * Only raw system calls: libc's own may be half way through being patched.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/syscall.h"
#include "monitor/patch.h"
#include "monitor/proc_maps.h"

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

#define FIRST_PAGE (1UL << 16) /* below it, mmap is not for everybody */

/*
 * Patches that are prepared together share a page of islands.  It is written
 * until the first of them is committed, then executable and never written
 * again: so it need not be both at once.
 */
struct island {
	struct mmun_patch_code code;
	struct island *next;
	uintptr_t hook;
	uintptr_t gap; /* padding that belongs to this patch */
};

static struct island *islands; /* all of them, for ever */
static struct {
	uintptr_t start; /* the page that is still written, or 0 */
	size_t used;
} open_page;

static uintptr_t page_size(void)
{
	return getauxval(AT_PAGESZ);
}

/* A sealed mapping says EPERM, a policy EACCES: one answer for both. */
static int protect(uintptr_t page, int prot)
{
	long err = mmun_syscall(SYS_mprotect, page, page_size(), prot);

	return err == -EPERM ? -EACCES : err;
}

static int fail(struct mmun_patch *p, int err, const char *why)
{
	p->how = why;
	return err;
}

struct lookup {
	uintptr_t addr;
	bool found;
	struct mmun_mapping mapping;
};

static bool lookup_mapping(const struct mmun_mapping *m, void *arg)
{
	struct lookup *l = arg;

	l->found = m->start <= l->addr && l->addr < m->end;
	l->mapping = *m;
	return m->end <= l->addr;
}

/* The mapping of code at @addr. */
static int find_code(struct mmun_patch *p, uintptr_t addr,
		     struct mmun_mapping *m)
{
	struct lookup l = { .addr = addr };
	int err = mmun_each_mapping(lookup_mapping, &l);

	if (err)
		return fail(p, err, "no /proc/self/maps");
	if (!l.found || !l.mapping.executable)
		return fail(p, -EOPNOTSUPP, "not executable memory");
	*m = l.mapping;
	return 0;
}

/*
 * A free page: the highest below the entry, for nothing grows down from a
 * mapping there.  Else one above it, half way to the next mapping, to stay
 * clear of a heap that grows up and a stack that grows down.
 */
struct free_search {
	uintptr_t entry;
	uintptr_t prev_end;
	uintptr_t found;
};

static bool look_before_mapping(const struct mmun_mapping *m, void *arg)
{
	struct free_search *s = arg;
	uintptr_t size = page_size(), prev_end = s->prev_end, at;

	s->prev_end = m->end;
	if (m->start < prev_end + size)
		return true;
	if (m->start <= s->entry) {
		at = m->start - size;
		if (s->entry - at < ARCH->reach)
			s->found = at;
		return true;
	}
	if (s->found)
		return false;
	at = prev_end + (m->start - prev_end) / 2;
	if (at - s->entry >= ARCH->reach)
		at = s->entry + ARCH->reach - size;
	if (at >= prev_end)
		s->found = at & ~(size - 1);
	return false;
}

static int alloc_page(uintptr_t entry, uintptr_t *ret_page)
{
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	uintptr_t size = page_size();
	long got;

	/* Another thread may map the page first: look again, not for ever. */
	for (int tries = 0; tries < 64; tries++) {
		struct free_search s = { entry, FIRST_PAGE, 0 };

		if (mmun_each_mapping(look_before_mapping, &s) || !s.found)
			return -ENOMEM;
		got = mmun_syscall(SYS_mmap, s.found, size,
				   PROT_READ | PROT_WRITE, flags, -1, 0);
		if (got == (long)s.found) {
			*ret_page = got;
			return 0;
		}
		if (got >= 0) /* an old kernel takes it for a hint */
			mmun_syscall(SYS_munmap, got, size);
		else if (got != -EEXIST)
			return got;
	}
	return -ENOMEM;
}

/* Make what the page holds executable, if it is not. */
static int seal(uintptr_t page)
{
	int err;

	if (page != open_page.start)
		return 0;
	err = protect(page, PROT_READ | PROT_EXEC);
	if (!err)
		open_page.start = 0;
	return err;
}

static bool in_reach(uintptr_t from, uintptr_t to)
{
	return (from < to ? to - from : from - to) < ARCH->reach;
}

/* The place is taken by adding to open_page.used, when all is well. */
static int alloc_island(uintptr_t entry, struct island **ret_island)
{
	uintptr_t page = 0;
	int err;

	if (!open_page.start || !in_reach(entry, open_page.start) ||
	    open_page.used + sizeof(struct island) > page_size()) {
		err = alloc_page(entry, &page);
		if (!err && open_page.start)
			err = seal(open_page.start);
		if (err)
			return err;
		open_page.start = page;
		open_page.used = 0;
	}
	*ret_island = (void *)(open_page.start + open_page.used);
	return 0;
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
	struct mmun_mapping m;
	int err = find_code(p, entry, &m);

	if (err)
		return err;
	start = entry - MMUN_PATCH_TEXT_BEFORE;
	end = start + sizeof(text->bytes);
	text->at = start > m.start && start < entry ? start : m.start;
	text->n = (end < m.end ? end : m.end) - text->at;
	memcpy(text->bytes, (void *)text->at, text->n);
	return 0;
}

/* Somebody else's jump: where it goes now, past all that he may undo. */
static int chain(struct mmun_patch *p, const struct mmun_patch_entry *e)
{
	uintptr_t target = e->target;

	if (e->target_at)
		memcpy(&target, (void *)e->target_at, sizeof(target));
	if (target == (uintptr_t)p->hook)
		return fail(p, -EALREADY, "patched already");
	for (struct island *i = islands; i; i = i->next)
		if (target == (uintptr_t)i->code.to_hook &&
		    i->hook == (uintptr_t)p->hook)
			return fail(p, -EALREADY, "patched already");
	p->foreign = true;
	p->orig = (void *)target;
	return 0;
}

/* Where the entry jumps to: past the island, if it can. */
static uintptr_t way_in(const struct mmun_patch *p, const struct island *island)
{
	uintptr_t hook = (uintptr_t)p->hook;

	if (ARCH->direct && in_reach((uintptr_t)p->entry, hook))
		return hook;
	return (uintptr_t)island->code.to_hook;
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
	err = ARCH->plan(text, e, gaps, nr_gaps, way_in(p, island), &p->plan,
			 &p->how);
	if (err)
		return err;
	island->hook = (uintptr_t)p->hook;
	island->gap = p->plan.gap;
	island->next = islands;
	__builtin___clear_cache((char *)&island->code,
				(char *)(&island->code + 1));
	return 0;
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
	if (err)
		return err;
	islands = island;
	open_page.used += sizeof(*island);
	p->island = (uintptr_t)island;
	if (!p->foreign)
		p->orig = island->code.to_orig;
	return 0;
}

/* Nobody executes these bytes yet. */
MMUN_PATCH_WRITES_CODE
static int store_gap(const struct mmun_patch_plan *plan)
{
	volatile uint8_t *gap = (uint8_t *)plan->gap;

	for (unsigned int i = 0; i < plan->gap_len; i++)
		if (gap[i] != plan->gap_old[i])
			return -EBUSY;
	for (unsigned int i = 0; i < plan->gap_len; i++)
		gap[i] = plan->gap_new[i];
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
	struct mmun_mapping m;
	int prot, err = find_code(p, at, &m);

	if (err)
		return err;
	prot = PROT_READ | PROT_EXEC | (m.writable ? PROT_WRITE : 0);
	err = protect(page, prot | PROT_WRITE);
	if (err)
		return fail(p, err, "the system forbids to write to code");
	err = store(&p->plan);
	__builtin___clear_cache((char *)at, (char *)at + len);
	if (protect(page, prot))
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
	mmun_syscall(SYS_membarrier,
		     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
	mmun_syscall(SYS_membarrier,
		     MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
}

int mmun_patch_commit(struct mmun_patch *p)
{
	struct mmun_patch_plan *plan = &p->plan;
	int err;

	err = seal(p->island & ~(page_size() - 1));
	if (err)
		return fail(p, err, "the system forbids new executable memory");
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
