// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * dlclose(): the dynamic linker unmaps a library by a system call of its own,
 * and we hear it before.
 *
 *	dlclose LIBRARY
 */
#include <dlfcn.h>
#include <link.h>

#include "live.h"

/* The whole of the library's memory. */
static void extent(const struct link_map *map, unsigned long *start,
		   unsigned long *end)
{
	const ElfW(Ehdr) *ehdr = (void *)map->l_addr;
	const ElfW(Phdr) *ph = (void *)((char *)ehdr + ehdr->e_phoff);

	*start = map->l_addr;
	for (int i = 0; i < ehdr->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			*end = (map->l_addr + ph[i].p_vaddr + ph[i].p_memsz +
				PAGE - 1) & -PAGE;
}

static bool heard_first(unsigned long start, unsigned long end)
{
	for (int i = 0; i < listened(); i++)
		if (!heard[i].is_end && heard[i].event == MMU_NOTIFY_UNMAP &&
		    heard[i].start <= start && heard[i].end >= end)
			return heard[i].mapped;
	tell();
	return false;
}

int main(int argc, char **argv)
{
	unsigned long start = 0, end = 0;
	struct link_map *map;
	char *anonymous;
	int seen;
	void *lib;

	tap_begin(60);
	if (argc != 2)
		bail("which library?");
	record();
	lib = dlopen(argv[1], RTLD_NOW);
	if (!lib || dlinfo(lib, RTLD_DI_LINKMAP, &map))
		bail("%s", dlerror());
	extent(map, &start, &end);
	listen_now();
	dlclose(lib);
	ok(heard_first(start, end), "dlclose: UNMAP of all of it, before");
	ok(heard_at(MMU_NOTIFY_UNMAP, (void *)(end - PAGE)),
	   "its last page, of .bss, included, and told of the end");
	anonymous = pages(1);
	seen = mmun_coverage(mm_self(), (unsigned long)anonymous,
			     (unsigned long)anonymous + PAGE);
	ok(seen > 0 && !(seen & MMUN_BLIND_LDSO),
	   "mmun_coverage: nothing of the dynamic linker's goes unseen (%#x)",
	   seen);
	return tap_end();
}
