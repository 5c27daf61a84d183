// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UCX's UCM; by its binary interface, so that its headers need not be there. */
#include <dlfcn.h>
#include <stdint.h>

#include "party.h"

#define UCM_EVENT_VM_UNMAPPED (1 << 17)

struct ucm_vm_unmapped {
	void *address;
	size_t size;
};

typedef void (*handler)(int event, struct ucm_vm_unmapped *range, void *arg);

static const char *const libraries[] = { "libucs.so.0", "libucm.so.0", NULL };
static uintptr_t watched;
static bool seen;

static void on_unmapped(int event, struct ucm_vm_unmapped *range, void *arg)
{
	(void)event;
	(void)arg;
	if (watched - (uintptr_t)range->address < range->size)
		seen = true;
}

static bool present(void)
{
	return can_load(libraries);
}

static bool arrive(void)
{
	int (*set_handler)(int events, int priority, handler fn, void *arg);
	void *lib;

	if (!dlopen(libraries[0], RTLD_NOW | RTLD_GLOBAL))
		return false;
	lib = dlopen(libraries[1], RTLD_NOW | RTLD_GLOBAL);
	if (!lib)
		return false;
	*(void **)&set_handler = dlsym(lib, "ucm_set_event_handler");
	return set_handler &&
	       !set_handler(UCM_EVENT_VM_UNMAPPED, -1, on_unmapped, NULL);
}

static void watch(void *block, size_t len)
{
	watched = (uintptr_t)block + len / 2;
	seen = false;
}

static bool saw(void)
{
	return seen;
}

const struct party ucm = {
	.name = "UCM",
	.needs = "UCX (libucx0)",
	.present = present,
	.arrive = arrive,
	.watch = watch,
	.saw = saw,
};
