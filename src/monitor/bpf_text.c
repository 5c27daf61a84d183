// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The code of libc's entry points that the source "entries" watches: what is
 * called there has been told, before and after.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/atomic.h"
#include "monitor/bpf.h"
#include "monitor/monitor_ops.h"

/* syscall() makes any call; these are the ones that entries knows. */
static struct {
	const char *name;
	long nr;
	uint64_t start;
	uint64_t end;
} texts[] = {
#define ENTRY(name) { #name, SYS_##name, 0, 0 },		\
		    { "syscall", SYS_##name, 0, 0 }
	ENTRY(munmap),
	ENTRY(mmap),
	ENTRY(mremap),
	ENTRY(madvise),
	ENTRY(process_madvise),
	ENTRY(brk),
	ENTRY(shmdt),
	ENTRY(shmat),
	ENTRY(mprotect),
	ENTRY(pkey_mprotect),
};
#define NR_TEXTS (sizeof(texts) / sizeof(texts[0]))

_Static_assert(NR_TEXTS <= MMUN_BPF_MAX_TEXTS, "room for all");

void mmun_bpf_resolve_texts(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	for (size_t i = 0; libc && i < NR_TEXTS; i++) {
		void *at = dlsym(libc, texts[i].name);

		if (!at || !dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT) ||
		    !symbol)
			continue;
		mmun_write(&texts[i].start, (uint64_t)at);
		mmun_write(&texts[i].end, (uint64_t)at + symbol->st_size);
	}
}

static bool is_patched(const char *name)
{
	const struct mmun_source *entries = &mmun_sources[MMUN_SOURCE_ENTRIES];
	struct mmun_entry_info info;

	if (mmun_read(&entries->error))
		return false;
	for (size_t i = 0; !entries->ops->entry(i, &info); i++)
		if (!strcmp(info.name, name))
			return !info.error && info.reports;
	return false;
}

uint32_t mmun_bpf_texts(struct mmun_bpf_text text[MMUN_BPF_MAX_TEXTS])
{
	uint32_t n = 0;

	for (size_t i = 0; i < NR_TEXTS; i++)
		if (mmun_read(&texts[i].end) && is_patched(texts[i].name))
			text[n++] = (struct mmun_bpf_text){
				mmun_read(&texts[i].start),
				mmun_read(&texts[i].end), texts[i].nr };
	return n;
}
