// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/syscall.h"
#include "monitor/patch_symbols.h"

/* -- of the dynamic section -- */

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

static void read_dynamic(const ElfW(Dyn) *dyn, struct mmun_symbols *s)
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

struct object {
	uintptr_t addr;		/* that it contains */
	uintptr_t base;
	const ElfW(Phdr) *phdr;	/* NULL: there is none */
	size_t phnum;
	const ElfW(Dyn) *dynamic;
};

static int search_object(struct dl_phdr_info *info, size_t size, void *data)
{
	const ElfW(Dyn) *dynamic = NULL;
	struct object *o = data;
	bool here = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type == PT_DYNAMIC)
			dynamic = (void *)start;
		if (ph->p_type == PT_LOAD)
			here |= o->addr - start < ph->p_memsz;
	}
	if (!here)
		return 0;
	o->base = info->dlpi_addr;
	o->phdr = info->dlpi_phdr;
	o->phnum = info->dlpi_phnum;
	o->dynamic = dynamic;
	return 1;
}

/* -- of the file -- */

static bool map_file(const char *path, struct mmun_symbols *s)
{
	long fd = mmun_syscall(SYS_openat, AT_FDCWD, path,
			       O_RDONLY | O_CLOEXEC, 0);
	long size, at = -1;

	if (fd < 0)
		return false;
	size = mmun_syscall(SYS_lseek, fd, 0, SEEK_END);
	if (size > 0)
		at = mmun_syscall(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE,
				  fd, 0);
	mmun_syscall(SYS_close, fd);
	if (at < 0 && at > -4096)
		return false;
	s->file = (const void *)at;
	s->file_size = size;
	return true;
}

static const void *in_file(const struct mmun_symbols *s, size_t at, size_t n)
{
	if (at > s->file_size || n > s->file_size - at)
		return NULL;
	return (const char *)s->file + at;
}

/* Is it what was loaded as @o? */
static bool is_file_of(const struct mmun_symbols *s, const struct object *o)
{
	const ElfW(Ehdr) *eh = in_file(s, 0, sizeof(*eh));
	const size_t n = o->phnum * sizeof(*o->phdr);
	const void *phdr;

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_phnum != o->phnum)
		return false;
	phdr = in_file(s, eh->e_phoff, n);
	return phdr && !memcmp(phdr, o->phdr, n);
}

static bool read_sections(struct mmun_symbols *s)
{
	const ElfW(Ehdr) *eh = s->file;
	const ElfW(Shdr) *sh = in_file(s, eh->e_shoff,
				       eh->e_shnum * sizeof(*sh));

	for (int i = 0; sh && i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		s->tab = in_file(s, sh[i].sh_offset, sh[i].sh_size);
		s->nr = s->tab ? sh[i].sh_size / sizeof(*s->tab) : 0;
		return s->tab;
	}
	return false;
}

/* Instead of the dynamic ones, if the file has them. */
static void read_file_of(const struct object *o, struct mmun_symbols *s)
{
	struct mmun_symbols f = { .base = o->base };

	if (!map_file("/proc/self/exe", &f))
		return;
	if (is_file_of(&f, o) && read_sections(&f))
		*s = f;
	else
		mmun_symbols_close(&f);
}

/* -- both -- */

bool mmun_symbols_function(const struct mmun_symbols *s, size_t i,
			   uintptr_t *start, uintptr_t *end)
{
	const ElfW(Sym) *sym = &s->tab[i];

	if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_size ||
	    sym->st_shndx == SHN_UNDEF)
		return false;
	*start = s->base + sym->st_value;
	*end = *start + sym->st_size;
	return true;
}

static size_t bytes_left(const struct mmun_symbols *s, uintptr_t at)
{
	uintptr_t start, end;

	for (size_t i = 0; i < s->nr; i++)
		if (mmun_symbols_function(s, i, &start, &end) &&
		    start <= at && at < end)
			return end - at;
	return 0;
}

/* Dynamic symbols that do not know the function are no help. */
void mmun_symbols_open(struct mmun_symbols *s, uintptr_t addr)
{
	struct object o = { .addr = addr };

	memset(s, 0, sizeof(*s));
	dl_iterate_phdr(search_object, &o);
	if (!o.phdr)
		return;
	s->base = o.base;
	if (o.dynamic)
		read_dynamic(o.dynamic, s);
	if (!bytes_left(s, addr))
		read_file_of(&o, s);
}

void mmun_symbols_close(struct mmun_symbols *s)
{
	if (s->file)
		mmun_syscall(SYS_munmap, s->file, s->file_size);
	memset(s, 0, sizeof(*s));
}

size_t mmun_patch_function_size(uintptr_t at)
{
	struct mmun_symbols s;
	size_t n;

	mmun_symbols_open(&s, at);
	n = bytes_left(&s, at);
	mmun_symbols_close(&s);
	return n;
}
